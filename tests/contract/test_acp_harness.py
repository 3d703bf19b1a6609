"""What a harness over the Agent Client Protocol must do, with a scripted peer; and what it shares with Claude's."""

import shutil
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import pytest
from agent_rig import AgentRig, Followed, agent_rig, directive

from lot.core.asks import Answer
from lot.core.errors import AgentError
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, Attachment
from lot.harness.acp import AcpHarness
from lot.harness.acp_lines import MAX_LINE_BYTES
from lot.harness.acp_place import AcpPlace
from lot.harness.harness import AgentOptions, AgentRecord

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

FAKE = Path(__file__).parents[1] / "fake_acp_agent.py"


def as_acp(rig: AgentRig, arguments: str = "--resume") -> AgentRig:
    """Have a rig drive the scripted peer."""
    place = AcpPlace(home=rig.place.home, user=rig.place.user, model_url=rig.place.model_url)
    shutil.copy(FAKE, rig.folder / FAKE.name)
    command = f"exec python3 {rig.folder / FAKE.name} {arguments}"
    plain = rig.options

    def options(run: int = 1, **changes: object) -> AgentOptions:
        return plain(run, **{"program": f"acp:{command}", "model": None, **changes})

    rig.harness = AcpHarness(place)  # type: ignore[assignment]
    rig.options = options  # type: ignore[method-assign]
    return rig


@asynccontextmanager
async def acp_rig(arguments: str = "--resume") -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield as_acp(rig, arguments)


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with acp_rig() as rig:
        yield rig


@pytest.fixture(params=["claude", "acp"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig if request.param == "claude" else as_acp(rig)


def renewed(rig: AgentRig) -> None:
    """Another runner takes over: nothing of the old harness is left."""
    place = AcpPlace(home=rig.place.home, user=rig.place.user, model_url=rig.place.model_url)
    rig.harness = AcpHarness(place)  # type: ignore[assignment]


def texts(followed: Followed) -> list[str]:
    return [event.text.strip() for event in followed.of("agent_text")]  # type: ignore[attr-defined]


def prompts(rig: AgentRig) -> list[str]:
    """Return what the peer was given, each time it was."""
    return Path(rig.place.home / "fake-acp-prompts").read_text().splitlines()


def stored(records: list[AgentRecord]) -> list[AgentRecord]:
    return [record for record in records if not record.is_live]


async def test_start_is_repeatable_and_letting_go_leaves_the_program_running(either: AgentRig) -> None:
    await either.harness.start(either.link, either.options())
    first = await either.status()
    await either.harness.start(either.link, either.options())
    await either.harness.detach()
    await either.harness.detach()
    assert (await either.status()).pid == first.pid
    assert (await either.status()).is_running


async def test_nothing_can_be_sent_to_a_program_that_is_not_attached(either: AgentRig) -> None:
    configured = either.harness.configure(model=None, effort=None, mode=AgentMode.FULL)
    for call in (either.send("hello"), either.harness.interrupt(), configured):
        with pytest.raises(AgentError):
            await call
    assert await either.harness.answer(AskId("x"), Answer(verdict="allow")) is False


async def test_same_message_twice_is_one_turn_and_the_end_is_not_missed(either: AgentRig) -> None:
    await either.harness.start(either.link, either.options())
    message = str(uuid.uuid4())
    async with either.following() as followed:
        for _ in range(2):
            await either.send(directive("say", text="bye"), message)
        await followed.turns(1)
        await either.send(directive("say", text="more"))
        await followed.turns(2)
        await either.link.stop("agent-1")
        await followed.until(lambda f: f.records[-1].is_end)
    assert texts(followed) == ["bye", "more"]
    assert message in followed.delivered
    assert followed.of("agent_gone") == []
    records = stored(followed.records)
    assert [r.from_offset for r in records[1:]] == [r.to_offset for r in records[:-1]]


async def test_turn_is_events_with_live_parts_before_them(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        for text in ("say one two", "edit", "live", "plan"):
            await rig.send(text)
        await followed.turns(4)
    thought, text = followed.of("agent_thought")[0], followed.of("agent_text")[0]
    assert (thought.text, text.text) == ("thinking", "one two ")  # type: ignore[attr-defined]
    shown = [part for record in followed.records for part in record.parts]
    assert "".join(part.text for part in shown if part.key == text.part_key) == "one two "  # type: ignore[attr-defined]
    assert "".join(part.text for part in shown if part.key == "l1") == "0\n1\n2\n"
    called = followed.of("tool_called")
    assert [(c.name, c.title, c.tool_kind, c.input) for c in called] == [  # type: ignore[attr-defined]
        ("edit", "Edit a.txt", "edit", {"path": "a.txt"}),
        ("bash", "bash", "execute", {"c": "x"}),
    ]
    edited, failed = followed.of("tool_finished")
    assert (edited.path, edited.is_error) == ("/w/a.txt", False)  # type: ignore[attr-defined]
    assert edited.patch == [  # type: ignore[attr-defined]
        {"oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 3, "lines": [" one", "-two", "+TWO", " three"]}
    ]
    assert (failed.is_error, failed.output) == (True, "0\n1\n2\n")  # type: ignore[attr-defined]
    assert followed.of("plan_changed")[0].entries[0].content == "first"  # type: ignore[attr-defined]
    assert followed.of("settings_changed")[0].mode == "plan"  # type: ignore[attr-defined]
    assert {(e.outcome, e.input_tokens, e.output_tokens) for e in followed.of("turn_ended")} == {  # type: ignore[attr-defined]
        ("completed", 10, 2)
    }


async def test_message_during_a_turn_waits_for_its_end_whoever_is_attached(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        first = await rig.send("wait")
        await followed.until(lambda f: first in f.delivered)
        second = await rig.send("say after")
        assert prompts(rig) == ["wait"]
        await rig.harness.detach()
        renewed(rig)
        await rig.harness.start(rig.link, rig.options())
        await rig.send("say after", second)
        await rig.harness.interrupt()
        await followed.turns(2)
    assert prompts(rig) == ["wait", "say after"]
    assert [e.outcome for e in followed.of("turn_ended")] == ["interrupted", "completed"]  # type: ignore[attr-defined]
    assert list(dict.fromkeys(followed.delivered)) == [first, second]
    assert followed.states[:2] == ["running", "idle"]
    assert followed.states[-1] == "idle"


async def test_answered_while_nobody_was_attached_goes_on_when_somebody_is(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("ask t1")
        await followed.until(lambda f: bool(f.of("permission_asked")))
        await rig.harness.detach()
        renewed(rig)
        await rig.harness.start(rig.link, rig.options())
        assert await rig.harness.answer(AskId("other"), Answer(verdict="allow")) is False
        assert await rig.harness.answer(AskId("t1"), Answer(verdict="allow_always"))
        await followed.turns(1)
    asked = followed.of("permission_asked")[0]
    assert (asked.ask_id, asked.input, asked.can_allow_always) == (  # type: ignore[attr-defined]
        "t1",
        {"command": "ls"},
        False,
    )
    assert [(c.ask_id, c.outcome) for c in followed.of("ask_closed")] == [("t1", "taken")]  # type: ignore[attr-defined]
    assert texts(followed) == ["o-allow_once"]
    assert followed.states[-3:] == ["waiting", "running", "idle"]


async def test_denial_with_words_hands_these_over_as_the_next_message(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("ask t1")
        await followed.until(lambda f: bool(f.of("permission_asked")))
        assert await rig.harness.answer(AskId("t1"), Answer(verdict="deny", text="say rather this"))
        await followed.turns(2)
    assert texts(followed) == ["o-reject_once", "rather this"]
    assert len(set(followed.delivered)) == 1


async def test_stop_withdraws_what_is_asked(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("ask t1")
        await followed.until(lambda f: bool(f.of("permission_asked")))
        await rig.harness.interrupt()
        await followed.turns(1)
        await followed.until(lambda f: bool(f.of("ask_closed")))
        assert await rig.harness.answer(AskId("t1"), Answer(verdict="allow")) is False
    assert followed.of("ask_closed")[0].outcome == "withdrawn"  # type: ignore[attr-defined]
    assert followed.of("turn_ended")[0].outcome == "interrupted"  # type: ignore[attr-defined]


async def test_program_that_does_not_stop_is_killed_and_the_next_run_goes_on(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        message = await rig.send("deaf")
        await followed.until(lambda f: message in f.delivered)
        await rig.harness.interrupt()
        await followed.until(lambda f: f.records[-1].is_end)
    assert "killed by signal 9" in followed.of("agent_gone")[0].reason  # type: ignore[attr-defined]
    with pytest.raises(AgentError, match="run 1 of the agent has ended"):
        await rig.harness.start(rig.link, rig.options())
    await rig.harness.start(rig.link, rig.options(2))
    async with rig.following(2) as again:
        await rig.send("recall")
        await again.turns(1)
    assert texts(again) == ["deaf | recall"]
    assert again.of("notice") == []


@pytest.mark.parametrize("arguments", ["--load", ""])
async def test_program_that_died_is_continued_if_it_can_and_says_so_if_not(arguments: str) -> None:
    async with acp_rig(arguments) as rig:
        await rig.harness.start(rig.link, rig.options())
        async with rig.following() as followed:
            await rig.send("say something")
            await followed.turns(1)
            await rig.send("die")
            await followed.until(lambda f: f.records[-1].is_end)
        assert followed.states[-1] == "errored"
        await rig.harness.start(rig.link, rig.options(2))
        async with rig.following(2) as again:
            await rig.send("recall")
            await again.turns(1)
        can_load = arguments == "--load"
        assert texts(again) == ["say something | die | recall" if can_load else "recall"]
        assert [event.text[:40] for event in again.of("notice")] == (  # type: ignore[attr-defined]
            [] if can_load else ["This agent program cannot continue its c"]
        )


async def test_strange_output_costs_nothing_but_itself(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(f"garbage {MAX_LINE_BYTES + 10}")
        await followed.turns(2, 90)
        await rig.send("say still here")
        await followed.turns(3)
        await rig.send("file")
        await followed.turns(4)
    assert "is skipped" in followed.of("notice")[0].text  # type: ignore[attr-defined]
    assert "still here" in texts(followed)
    assert texts(followed)[-1] == "-32601"
    assert max(len(event.model_dump_json()) for event in followed.events) < 300_000  # type: ignore[attr-defined]


async def test_records_can_be_read_again_from_the_end_of_any(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        for text in ("say one two", "edit", "live", "fail", "say three"):
            await rig.send(text)
        await followed.turns(5)
    assert "the model is away" in followed.of("turn_failed")[0].reason  # type: ignore[attr-defined]
    records = stored(followed.records)
    whole = kinds([event for record in records for event in record.events])
    for number, record in enumerate(records[:-1]):
        after = sum(len(one.events) for one in records[: number + 1])
        async with rig.following(offset=record.to_offset) as again:
            await again.until(lambda f: len(f.events) >= len(whole) - after)  # noqa: B023
        assert kinds(again.events) == whole[after:]
        assert stored(again.records)[0].from_offset == record.to_offset


def kinds(events: list[object]) -> list[object]:
    """Return events without their instants."""
    return [event.model_dump(exclude={"at"}) for event in events]  # type: ignore[attr-defined]


async def test_settings_are_the_agents_or_refused_with_a_reason(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options(mode=AgentMode.ASK))
    async with rig.following() as followed:
        await rig.harness.configure(model=None, effort=None, mode=AgentMode.PLAN)
        with pytest.raises(AgentError, match="does not change its model"):
            await rig.harness.configure(model="other", effort=None, mode=AgentMode.PLAN)
        with pytest.raises(AgentError, match="leave the effort unset"):
            await rig.harness.configure(model=None, effort="high", mode=AgentMode.PLAN)
        await rig.send("say x")
        await followed.turns(1)
    assert followed.of("settings_changed") == [], "what the client set itself is no news"


async def test_images_go_as_images_where_they_can_and_as_files_elsewhere() -> None:
    picture = Attachment(name="a.png", media_type="image/png", data=b"\x89PNG")
    for arguments, seen in (("--images", "say x <image>"), ("", "say x")):
        async with acp_rig(arguments) as rig:
            await rig.harness.start(rig.link, rig.options())
            message = MessageId(str(uuid.uuid4()))
            async with rig.following() as followed:
                await rig.harness.send(message, "say x", [picture])
                await followed.turns(1)
            assert prompts(rig)[0] == seen
            path = PurePosixPath(rig.place.home) / "attachments" / message / "a.png"
            assert Path(path).exists() is (arguments == "")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("python3 {fake} --refuse", "log in first"),
        ("echo not installed >&2; exit 127", "exit code 127 at once: not installed"),
    ],
)
async def test_program_that_does_not_come_up_says_why(rig: AgentRig, command: str, reason: str) -> None:
    options = rig.options(program="acp:" + command.format(fake=rig.folder / FAKE.name))
    with pytest.raises(AgentError, match=reason):
        await rig.harness.start(rig.link, options)
    assert not (await rig.status()).is_running


async def test_program_whose_notes_are_gone_is_ended(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    await rig.harness.detach()
    Path(rig.place.home / ".local/state/lot/acp.json").write_text("{}")
    with pytest.raises(AgentError, match="notes"):
        await rig.harness.start(rig.link, rig.options())
    assert not (await rig.status()).is_running
    await rig.link.signal("agent-1", signal.SIGKILL)
