"""The agent's part of the ways in: which harness, with what it was started, and what comes along to the next ways."""

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import pytest

from lot.core.asks import Answer
from lot.core.errors import AgentError
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, Attachment
from lot.harness.harness import AgentOptions, AgentRecord, SessionTools
from lot.runner.protocol import AgentOrder, AttachmentBody, ConfigureOrder, FileBody
from lot.runner.ways_in import WaysIn


class NotedHarness:
    """Notes what it is asked for."""

    def __init__(self, program: str, tools: SessionTools) -> None:
        self.program, self.tools = program, tools
        self.started: list[AgentOptions] = []
        self.files: list[Attachment] = []
        self.configured: list[tuple[str | None, str | None, AgentMode]] = []

    async def start(self, link: object, options: AgentOptions) -> None:
        self.started.append(options)

    async def send(self, message: MessageId, text: str, attachments: Sequence[Attachment] = ()) -> None:
        self.files += attachments

    async def interrupt(self) -> None:
        return None

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        return ask == "known"

    async def configure(self, *, model: str | None, effort: str | None, mode: AgentMode) -> None:
        self.configured.append((model, effort, mode))

    async def records(self, link: object, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        yield AgentRecord(run=run, from_offset=offset, to_offset=offset, events=(), is_end=True)

    async def detach(self) -> None:
        return None


class NotedParts:
    """Makes harnesses and keeps them."""

    def __init__(self) -> None:
        self.harnesses: list[NotedHarness] = []

    def harness(self, program: str, tools: SessionTools) -> NotedHarness:
        self.harnesses.append(NotedHarness(program, tools))
        return self.harnesses[-1]

    def workspace(self, link: object) -> object:
        return object()


class EmptyLink:
    """A guest without processes."""

    async def processes(self) -> tuple[object, ...]:
        return ()

    async def acknowledge(self, name: str, stream: str, offset: int) -> None:
        return None

    async def close(self) -> None:
        return None


@pytest.fixture
def parts() -> NotedParts:
    """Parts of a runner."""
    return NotedParts()


def order(**changes: Any) -> AgentOrder:
    """Return an order that starts an agent."""
    given = {
        "run": 1,
        "agent_session": "a",
        "is_continuation": True,
        "model": "m",
        "provider": "rehearsal",
        "is_scripted": True,
        "effort": "high",
        "mode": "ask",
        "transcript": (FileBody(path="p", text="{}\n"),),
    }
    return AgentOrder.model_validate(given | changes)


async def opened(parts: NotedParts, group: anyio.abc.TaskGroup) -> WaysIn:
    """Return open ways in."""
    ways = WaysIn(EmptyLink(), parts, object(), lambda news: None)  # type: ignore[arg-type]
    await group.start(ways.hold_open)
    return ways


async def test_agent_comes_along_with_its_settings_and_program(parts: NotedParts) -> None:
    async with anyio.create_task_group() as group:
        before = await opened(parts, group)
        await before.start_agent(order(program="acp:other acp"))
        await before.configure_agent(ConfigureOrder(model="n", effort=None, mode=AgentMode.FULL))
        await before.close(quiesce=False)
        after = await opened(parts, group)
        await after.restore_agent(before)
        await after.close(quiesce=False)
    first, second = parts.harnesses
    assert (first.program, second.program) == ("acp:other acp", "acp:other acp")
    assert first.configured == [("n", None, AgentMode.FULL)]
    (again,) = second.started
    assert (again.model, again.effort, again.mode, again.run) == ("n", None, AgentMode.FULL, 1)


async def test_agent_is_started_with_everything_of_its_order(parts: NotedParts) -> None:
    async with anyio.create_task_group() as group:
        ways = await opened(parts, group)
        await ways.start_agent(order(preview_url="http://x/", has_browser=True))
        await ways.close(quiesce=False)
    (options,) = parts.harnesses[0].started
    assert (options.effort, options.mode, options.preview_url, options.has_browser) == (
        "high",
        AgentMode.ASK,
        "http://x/",
        True,
    )
    assert [(file.path, file.lines) for file in options.transcript] == [("p", "{}\n")]


async def test_files_and_answers_reach_the_harness(parts: NotedParts) -> None:
    async with anyio.create_task_group() as group:
        ways = await opened(parts, group)
        with pytest.raises(AgentError):
            await ways.answer(AskId("known"), Answer(text="yes"))
        await ways.start_agent(order())
        data = base64.b64encode(b"\x00\xff").decode()
        await ways.send_message("m", "look", [AttachmentBody(name="a", media_type="image/png", data=data)])
        assert await ways.answer(AskId("known"), Answer(text="yes")) is True
        assert await ways.answer(AskId("other"), Answer(text="yes")) is False
        await ways.close(quiesce=False)
    assert parts.harnesses[0].files == [Attachment(name="a", media_type="image/png", data=b"\x00\xff")]


async def test_records_are_read_by_a_harness_of_the_sessions_program_whether_an_agent_was_started_or_not(
    parts: NotedParts,
) -> None:
    async with anyio.create_task_group() as group:
        ways = await opened(parts, group)
        records = [record async for record in ways.records(3, 20, "acp:other acp")]
        await ways.close(quiesce=False)
    assert [(record.run, record.from_offset) for record in records] == [(3, 20)]
    assert parts.harnesses[0].program == "acp:other acp"
