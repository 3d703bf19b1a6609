"""Turns of the real agent program through guest, gateway, broker and rehearsal: only the sandbox is missing."""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from agent_rig import PATIENCE_S, REAL_KEY, SESSION, AgentRig, Followed, agent_rig, directive

from lot.core.errors import AgentError
from lot.core.events import SessionEvent
from lot.core.records import AgentMode
from lot.core.session import AgentState
from lot.harness import claude
from lot.harness.claude import PLACEHOLDER_KEY, ClaudeHarness

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig


def texts(followed: Followed) -> list[str]:
    return [event.text for event in followed.of("agent_text")]  # type: ignore[attr-defined]


def timeless(events: list[object]) -> list[dict[str, object]]:
    return [
        event.model_dump(exclude={"at"}) for event in events if isinstance(event, SessionEvent.__args__[0].__args__)
    ]  # type: ignore[attr-defined]


def commands(marker: str) -> list[int]:
    """Return the processes whose command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def vanish(marker: str) -> None:
    await until(lambda: not commands(marker))


async def appear(marker: str) -> None:
    await until(lambda: bool(commands(marker)))


async def until(condition: Callable[[], bool]) -> None:
    """Return when something is so that nobody tells of."""
    with anyio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - processes of others tell no event
            await anyio.sleep(0.02)


async def test_turn_edits_a_file_and_every_boundary_is_a_place_to_go_on_from(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        message = await rig.send(directive("edit", file="a.txt", old="two", new="2"))
        await followed.turns(1)

    assert (rig.workspace / "a.txt").read_text() == "one 2 three\n"
    assert set(followed.delivered) == {message}
    assert followed.states[0] is AgentState.RUNNING
    assert followed.states[-1] is AgentState.IDLE
    kinds = [event.kind for event in followed.events]  # type: ignore[attr-defined]
    step = ["agent_text", "tool_called", "tool_finished"]
    assert kinds == [*step, *step, "agent_text", "turn_ended"]
    edit = followed.of("tool_finished")[1]
    assert edit.path == str(rig.workspace / "a.txt")  # type: ignore[attr-defined]
    assert edit.patch[0]["lines"] == ["-one two three", "+one 2 three"]  # type: ignore[attr-defined]
    assert sum(usage.output_tokens for _, _, usage in rig.metered) == followed.of("turn_ended")[0].output_tokens  # type: ignore[attr-defined]
    assert {(session, model) for session, model, _ in rig.metered} == {(SESSION, "rehearsal")}

    # No secret came near the sandbox: not its environment, not what it sent; and the provider got no placeholder.
    environment = Path(f"/proc/{(await rig.status()).pid}/environ").read_bytes()
    assert REAL_KEY.encode() not in environment
    assert PLACEHOLDER_KEY.encode() in environment
    assert {logged.headers["x-api-key"] for logged in rig.rehearsal.log} == {REAL_KEY}
    assert all("authorization" not in logged.headers for logged in rig.rehearsal.log)

    await rig.harness.detach()
    for start in [0, *(record.to_offset for record in followed.records[:-1])]:
        async with rig.following(offset=start) as again:
            await again.turns(1)
        rest = [e for record in followed.records if record.from_offset >= start for e in record.events]
        assert timeless(again.events) == timeless(rest)


@pytest.mark.parametrize("kind", ["stream", "command"])
async def test_interrupt_ends_the_turn_and_its_commands(rig: AgentRig, kind: str) -> None:
    await rig.harness.start(rig.link, rig.options())
    await rig.harness.interrupt()  # nothing runs, nothing happens
    marker = f"time.sleep({60 + os.getpid() / 1e6})"
    async with rig.following() as followed:
        if kind == "stream":
            await rig.send(directive("slow", seconds=15))
            await followed.until(lambda f: AgentState.RUNNING in f.states)
            await until(lambda: bool(rig.rehearsal.log))
            await anyio.sleep(1.0)
        else:
            await rig.send(directive("long_tool", seconds=60 + os.getpid() / 1e6))
            await appear(marker)
        await rig.harness.interrupt()
        await followed.turns(1)
        await vanish(marker)
        ended = followed.of("turn_ended")[0]
        assert ended.outcome == "interrupted"  # type: ignore[attr-defined]
        assert followed.states[-1] is AgentState.IDLE
        if kind == "stream":
            assert texts(followed)[-1].startswith("This is")
        await rig.send(directive("say", text="still here"))
        await followed.turns(2)
    assert texts(followed)[-1] == "still here"


async def test_program_that_does_not_obey_an_interrupt_is_killed(
    rig: AgentRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claude, "INTERRUPT_TIMEOUT_S", 0.5)
    await rig.harness.start(rig.link, rig.options())
    marker = f"time.sleep({80 + os.getpid() / 1e6})"
    async with rig.following() as followed:
        await rig.send(directive("long_tool", seconds=80 + os.getpid() / 1e6))
        await appear(marker)
        os.kill((await rig.status()).pid, signal.SIGSTOP)
        await rig.harness.interrupt()
        await followed.until(lambda f: f.records[-1].is_end)
        await vanish(marker)
    assert followed.states[-1] is AgentState.ERRORED


async def test_failures_of_the_model_end_the_turn_soon_and_say_why(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    cases = [
        ({"status": 401, "message": "invalid x-api-key"}, 401, "refused the key", 0),
        ({"status": 403, "message": "not for you"}, 403, "not for you", 0),
        ({"status": 404, "message": "model: x"}, 404, "does not have this model", 0),
        ({"status": 529}, 529, "overloaded", 4),
    ]
    async with rig.following() as followed:
        for number, (fault, status, words, retries) in enumerate(cases, start=1):
            before = len(followed.of("model_retried"))
            await rig.send(directive("fault", **fault))
            await followed.turns(number, limit_s=PATIENCE_S)
            failed = followed.of("turn_failed")[-1]
            assert failed.status == status  # type: ignore[attr-defined]
            assert words in failed.reason  # type: ignore[attr-defined]
            assert len(followed.of("model_retried")) - before <= retries
            assert followed.states[-1] is AgentState.ERRORED
        assert texts(followed) == []
        await rig.send(directive("fault", status=503, times=1))
        await rig.send(directive("fault", drop_after=5, times=1))
        await followed.turns(len(cases) + 2)
        assert followed.states[-1] is AgentState.IDLE
    assert len(set(followed.delivered)) == len(cases) + 2


async def test_unknown_model_is_refused_and_another_one_is_used_from_the_next_request_on(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    with pytest.raises(AgentError, match="no-such-model"):
        await rig.harness.configure(model="no-such-model", effort=None, mode=AgentMode.FULL)
    await rig.harness.configure(model="rehearsal-small", effort=None, mode=AgentMode.FULL)
    async with rig.following() as followed:
        await rig.send(directive("say", text="hi"))
        await followed.turns(1)
    assert rig.rehearsal.log[-1].model == "rehearsal-small"


async def test_killed_program_is_noticed_and_the_next_run_knows_the_conversation(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    marker = f"time.sleep({70 + os.getpid() / 1e6})"
    async with rig.following() as followed:
        first = await rig.send(directive("say", text="one"))
        await followed.turns(1)
        second = await rig.send(directive("long_tool", seconds=70 + os.getpid() / 1e6))
        await appear(marker)
        await anyio.sleep(0.5)  # until the program has written the message to its transcript
        os.kill((await rig.status()).pid, signal.SIGKILL)
        await followed.until(lambda f: f.records[-1].is_end)
        await vanish(marker)
    gone = followed.of("agent_gone")[0]
    assert "killed by signal 9" in gone.reason  # type: ignore[attr-defined]
    assert followed.states[-1] is AgentState.ERRORED
    assert first in followed.delivered
    with pytest.raises(AgentError, match="start the next run"):
        await rig.harness.start(rig.link, rig.options())
    with pytest.raises(AgentError):
        await rig.send("nobody is there")

    asked = len(rig.rehearsal.log)
    await rig.harness.start(rig.link, rig.options(run=2))
    async with rig.following(run=2) as followed:
        await rig.send(directive("say", text="again one"), first)
        await rig.send(directive("say", text="again two"), second)
        third = await rig.send("@@recall")
        await followed.turns(1)
    assert '@@say {"text": "one"} | @@long_tool' in texts(followed)[0]
    assert len(rig.rehearsal.log) == asked + 1, "messages that were taken before are not taken again"
    assert {first, second, third} == set(followed.delivered)


async def test_message_that_never_arrived_is_taken_by_the_next_run(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    os.kill((await rig.status()).pid, signal.SIGKILL)
    async with rig.following() as followed:
        await followed.until(lambda f: bool(f.records) and f.records[-1].is_end)
    await rig.harness.start(rig.link, rig.options(run=2))
    async with rig.following(run=2) as followed:
        await rig.send(directive("say", text="first after all"))
        await followed.turns(1)
    assert texts(followed) == ["first after all"]


async def test_repeated_message_is_taken_once_and_a_message_of_a_megabyte_passes(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    message = str(uuid.uuid4())
    async with rig.following() as followed:
        for _ in range(3):
            await rig.send(directive("say", text="ok") + " " + "x" * 1_000_000, message)
        await followed.turns(1)
        await rig.send(directive("say", text="next"))
        await followed.turns(2)
    assert texts(followed) == ["ok", "next"]
    assert followed.delivered.count(message) >= 1
    assert sum(logged.scenario == "say" for logged in rig.rehearsal.log) == 2


async def test_message_during_a_turn_is_taken_into_it(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    marker = f"time.sleep({2 + os.getpid() / 1e6})"
    async with rig.following() as followed:
        await rig.send(directive("long_tool", seconds=2 + os.getpid() / 1e6))
        await appear(marker)
        steering = await rig.send("and then stop")
        await followed.turns(1)
        assert steering in followed.delivered


async def test_nothing_is_lost_when_the_runner_lets_go_in_the_middle_of_a_turn(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as before:
        first = await rig.send(directive("long_tool", seconds=2))
        await before.until(lambda f: bool(f.of("tool_called")))
    await rig.harness.detach()
    offset = before.records[-1].to_offset

    rig.harness = ClaudeHarness(rig.place)
    await rig.harness.start(rig.link, rig.options())
    async with rig.following(offset=offset) as after:
        await rig.send("the runner asks again", first)
        await after.turns(1)
        await rig.send(directive("say", text="and on"))
        await after.turns(2)
    kinds = [event.kind for event in [*before.events, *after.events]]  # type: ignore[attr-defined]
    assert kinds == [
        "agent_text", "tool_called", "tool_finished", "agent_text", "turn_ended", "agent_text", "turn_ended",
    ]  # fmt: skip


async def test_quiet_gateway_in_the_middle_of_a_stream_costs_a_retry_and_not_the_agent(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("slow", seconds=6))
        await until(lambda: bool(rig.rehearsal.log))
        await anyio.sleep(1.0)
        await rig.gateway.quiesce(0.1)
        await anyio.sleep(0.5)
        await rig.gateway.open()
        await followed.turns(1)
    assert followed.of("model_retried")
    assert followed.of("turn_ended")[0].outcome == "completed"  # type: ignore[attr-defined]
    assert texts(followed)[0].endswith("it ends here.")
    assert (await rig.status()).is_running


async def test_program_that_cannot_start_says_why(rig: AgentRig) -> None:
    with pytest.raises(AgentError, match="UUID"):
        await rig.harness.start(rig.link, rig.options(agent_session="not-a-uuid"))
