"""What changes while the real agent program runs: its settings, what it is writing, and what it is given to read."""

import os
import struct
import time
import uuid
import zlib
from collections.abc import AsyncIterator

import anyio
import pytest
from agent_rig import AgentRig, Followed, agent_rig, directive

from lot.core.errors import AgentError, TooLargeError
from lot.core.events import LivePart
from lot.core.records import AgentMode, Attachment
from lot.core.session import AgentState
from lot.harness.claude import ClaudeHarness

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig


def png() -> bytes:
    """Return the smallest picture that is one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def streamed(parts: list[LivePart]) -> dict[str, str]:
    """Put parts together as whoever shows them does; a part that does not continue its key fails."""
    shown: dict[str, str] = {}
    for part in parts:
        if part.kind == "reset":
            shown.clear()
            continue
        if part.offset == 0:
            shown[part.key] = ""
        assert len(shown[part.key]) == part.offset
        shown[part.key] += part.text
    return shown


def before_end(followed: Followed) -> list[LivePart]:
    """Return all parts up to the reset that a turn's end brings."""
    return followed.parts[:-1] if followed.parts[-1].kind == "reset" else followed.parts


async def test_settings_are_used_from_the_next_request_on(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options(effort="low"))
    async with rig.following() as followed:
        await rig.send(directive("say", text="one"))
        await followed.turns(1)
        assert rig.rehearsal.log[-1].effort == "low"
        await rig.harness.configure(model="rehearsal-small", effort="max", mode=AgentMode.FULL)
        await rig.send(directive("say", text="two"))
        await followed.turns(2)
        assert (rig.rehearsal.log[-1].model, rig.rehearsal.log[-1].effort) == ("rehearsal-small", "max")
        with pytest.raises(AgentError, match="no-such-model"):
            await rig.harness.configure(model="no-such-model", effort="low", mode=AgentMode.FULL)
        await rig.send(directive("say", text="three"))
        await followed.turns(3)
        assert (rig.rehearsal.log[-1].model, rig.rehearsal.log[-1].effort) == ("rehearsal-small", "max")
        await rig.harness.configure(model="rehearsal-small", effort=None, mode=AgentMode.FULL)
        await rig.send(directive("say", text="four"))
        await followed.turns(4)
        assert rig.rehearsal.log[-1].effort not in ("low", "max")


async def test_mode_changes_while_the_program_runs_also_to_the_one_that_asks_nothing(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options(mode=AgentMode.ASK))
    async with rig.following() as followed:
        await rig.harness.configure(model="rehearsal", effort=None, mode=AgentMode.FULL)
        await rig.send(directive("bash", command="touch one.txt"))
        await followed.turns(1)
        assert (rig.workspace / "one.txt").exists()
        await rig.harness.configure(model="rehearsal", effort=None, mode=AgentMode.ASK)
        await rig.send(directive("bash", command="touch two.txt"))
        await followed.until(lambda f: bool(f.of("permission_asked")))
        await rig.harness.interrupt()
        await followed.turns(2)
    assert not (rig.workspace / "two.txt").exists()


async def test_program_that_ran_already_is_given_the_settings_of_the_session(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    await rig.harness.detach()
    rig.harness = ClaudeHarness(rig.place)
    await rig.harness.start(rig.link, rig.options(model="rehearsal-small", effort="low", mode=AgentMode.PLAN))
    async with rig.following() as followed:
        await rig.send(directive("say", text="hi"))
        await followed.turns(1)
    assert (rig.rehearsal.log[-1].model, rig.rehearsal.log[-1].effort) == ("rehearsal-small", "low")
    assert [event.mode for event in followed.of("settings_changed")] == ["plan"]  # type: ignore[attr-defined]


async def test_what_is_written_is_seen_while_it_is_written(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("slow", seconds=2))
        await followed.until(lambda f: len(f.parts) > 5)
        assert not followed.of("agent_text")
        await followed.turns(1)
    text = followed.of("agent_text")[0]
    live = [record for record in followed.records if record.is_live]
    assert len(live) > 5
    assert all(record.from_offset == record.to_offset and not record.events for record in live)
    assert (
        streamed(before_end(followed)).get(text.part_key, "")
        == text.text[: len(streamed(before_end(followed)).get(text.part_key, ""))]
    )  # type: ignore[attr-defined]
    assert {part.key for part in followed.parts if part.kind == "text"} == {text.part_key}  # type: ignore[attr-defined]
    stored = [record for record in followed.records if not record.is_live]
    assert [r.from_offset for r in stored[1:]] == [r.to_offset for r in stored[:-1]]
    assert all(record.from_offset in {r.from_offset for r in stored} | {stored[-1].to_offset} for record in live)
    assert "stream_event" not in "".join(record.lines for record in stored)


async def test_answer_that_is_asked_for_again_voids_what_was_shown_of_it(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("slow", seconds=6))
        await followed.until(lambda f: len(f.parts) > 3)
        await rig.gateway.quiesce(0.1)
        await followed.until(lambda f: any(part.kind == "reset" for part in f.parts))
        await rig.gateway.open()
        await followed.turns(1)
    assert len(followed.of("agent_text")) == 1
    streamed(followed.parts)


async def test_stop_keeps_what_was_written_and_takes_less_than_a_second(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("slow", seconds=20))
        await followed.until(lambda f: sum(len(part.text) for part in f.parts) > 20)
        began = time.monotonic()
        await rig.harness.interrupt()
        await followed.turns(1)
        assert time.monotonic() - began < 1.0
    assert followed.of("agent_text")[0].text.startswith("This is a slow answer")  # type: ignore[attr-defined]
    assert followed.of("turn_ended")[0].outcome == "interrupted"  # type: ignore[attr-defined]


async def test_pictures_are_shown_to_the_model_and_every_file_lies_in_the_sandbox(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    files = (
        Attachment(name="dot.png", media_type="text/plain", data=png()),
        Attachment(name="a.pdf", media_type="application/pdf", data=b"%PDF-1.4\n%%EOF\n"),
        Attachment(name="fake.png", media_type="image/png", data=b"no picture"),
        Attachment(name="data.csv", media_type="text/csv", data=b"1,2\n"),
        Attachment(name="data.csv", media_type="text/csv", data=b"3,4\n"),
    )
    message = str(uuid.uuid4())
    async with rig.following() as followed:
        for _ in range(2):
            await rig.send(directive("say", text="seen"), message, files)
        await followed.turns(1)
        await rig.send(directive("say", text="next"))
        await followed.turns(2)
    folder = rig.folder / "home/attachments" / message
    assert (folder / "dot.png").read_bytes() == png()
    assert sorted(path.name for path in folder.iterdir()) == ["4-data.csv", "a.pdf", "data.csv", "dot.png", "fake.png"]
    assert (folder / "data.csv").read_bytes() == b"1,2\n"
    seen = [logged for logged in rig.rehearsal.log if logged.scenario == "say"]
    assert len(seen) == 2, "a message that is sent again is taken once"
    assert (seen[0].images, seen[0].documents) == (1, 1)


async def test_largest_message_passes_and_a_larger_one_is_refused(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    document = Attachment(name="a.pdf", media_type="application/pdf", data=b"%PDF-1.4\n" + b"x" * 17_000_000)
    async with rig.following() as followed:
        message = await rig.send(directive("say", text="seen"), None, [document])
        await followed.turns(1)
        assert message in followed.delivered
        with pytest.raises(TooLargeError):
            await rig.send("too much", None, [document, document])
        await rig.send(directive("say", text="on"))
        await followed.turns(2)
    assert all(len(record.lines) < 2_000_000 for record in followed.records)


async def test_killed_program_leaves_no_command_and_the_next_run_goes_on(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    marker = rig.workspace / "ticks"
    command = f"while true; do date +%s%N > {marker}; sleep 0.05; done"
    async with rig.following() as followed:
        await rig.send(directive("bash", command=command))
        with anyio.fail_after(30):
            while not marker.exists():  # noqa: ASYNC110 - files tell no event
                await anyio.sleep(0.02)
        os.kill((await rig.status()).pid, 9)
        await followed.until(lambda f: f.records[-1].is_end)
    assert followed.states[-1] is AgentState.ERRORED
    assert "killed by signal 9" in followed.of("agent_gone")[0].reason  # type: ignore[attr-defined]
    last = marker.read_text()
    await anyio.sleep(0.5)
    assert marker.read_text() == last, "the command has ended"
    await rig.harness.start(rig.link, rig.options(run=2))
    async with rig.following(run=2) as followed:
        await rig.send("@@recall")
        await followed.turns(1)
    assert "while true" in followed.of("agent_text")[0].text  # type: ignore[attr-defined]


async def test_turn_of_a_sub_agent_in_the_background_is_over_when_the_program_says_so(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        prompt = directive("bash", command="sleep 1; echo in the background")
        await rig.send(directive("subagent", prompt=prompt, background=True))
        await followed.turns(2)
        await followed.until(lambda f: f.states[-1] is AgentState.IDLE)
    call = followed.of("tool_called")[0].tool_call_id  # type: ignore[attr-defined]
    assert [event.status for event in followed.of("subagent_changed")] == ["running", "completed"]  # type: ignore[attr-defined]
    assert {event.tool_call_id for event in followed.of("subagent_changed")} == {call}  # type: ignore[attr-defined]
    nested = [event for event in followed.events if getattr(event, "parent_tool_call_id", None) == call]
    assert [event.kind for event in nested] == ["agent_text", "tool_called", "agent_text"]  # type: ignore[attr-defined]
    first_end = next(n for n, r in enumerate(followed.records) if any(e.kind == "turn_ended" for e in r.events))
    assert AgentState.IDLE not in [record.agent for record in followed.records[: first_end + 1]]
    assert followed.of("tool_finished")[0].is_in_background  # type: ignore[attr-defined]
