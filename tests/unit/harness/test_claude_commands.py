"""Which command's output is shown, as whose, and how much of it."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any, cast

import anyio
import pytest

from lot.core.errors import InvalidInputError, SandboxUnavailableError
from lot.core.events import LivePart
from lot.harness import claude_commands
from lot.harness.claude_commands import RunningCommands, with_output
from lot.harness.harness import AgentRecord
from lot.sandbox.link import FileGrowth, GuestLink

SESSION = "17eacb06-dec8-461d-8c58-6c0e4b46c5c3"
SHELL = "/bin/bash -c source /home/lot/.claude/shell-snapshots/s.sh && eval '{}' < /dev/null && pwd -P >| /tmp/x"

pytestmark = pytest.mark.anyio


def called(call: str, command: str, *, parent: str | None = None, **given: object) -> dict[str, object]:
    block = {"type": "tool_use", "id": call, "name": "Bash", "input": {"command": command, **given}}
    message = {"content": [{"type": "text", "text": "now"}, block]}
    return {"type": "assistant", "message": message, "parent_tool_use_id": parent, "session_id": SESSION}


def returned(call: str, **report: object) -> dict[str, object]:
    block = {"type": "tool_result", "tool_use_id": call, "content": "done"}
    return {"type": "user", "message": {"content": [block]}, "tool_use_result": report}


def system(subtype: str, **fields: object) -> dict[str, object]:
    return {"type": "system", "subtype": subtype, **fields}


def started(call: str, task: str) -> dict[str, object]:
    return system("task_started", task_id=task, tool_use_id=call, task_type="local_bash")


def growth(name: str, data: bytes, *, offset: int = 0, command: str | None = None) -> FileGrowth:
    writer = "" if command is None else SHELL.format(command)
    return FileGrowth(name=f"{name}.output", offset=offset, data=data, writer=writer)


def seen(*lines: dict[str, object]) -> RunningCommands:
    commands = RunningCommands()
    for line in lines:
        commands.see(line)
    return commands


def test_output_is_shown_as_that_of_the_call_whose_shell_writes_it() -> None:
    commands = seen(called("one", "ls"), called("two", "ls -l  'a b'", parent="agent"))
    [part] = commands.take(growth("x", b"total 0\n", command="ls -l  '\"'\"'a b'\"'\"'"))
    assert part == LivePart(kind="tool_output", key="two", text="total 0\n", parent_tool_call_id="agent")
    [part] = commands.take(growth("y", b"a b\n", command="ls"))
    assert part.key == "one"
    [part] = commands.take(growth("x", b"more", offset=8))
    assert (part.key, part.offset) == ("two", 8)


def test_equal_commands_have_a_file_each() -> None:
    commands = seen(called("one", "make"), called("two", "make"))
    parts = [*commands.take(growth("x", b"1", command="make")), *commands.take(growth("y", b"2", command="make"))]
    assert [(part.key, part.text) for part in parts] == [("one", "1"), ("two", "2")]


def test_output_is_held_until_it_is_known_whose_it_is() -> None:
    commands = seen(called("one", "exec node server.js", run_in_background=True))
    assert commands.take(growth("bg", b"listening ", command=None)) == []
    commands.see(started("one", "bg"))
    [part] = commands.take(growth("bg", b"on 3000", offset=10))
    assert (part.key, part.offset, part.text) == ("one", 0, "listening on 3000")


def test_letter_that_is_cut_between_two_pieces_is_whole_and_offsets_count_letters() -> None:
    commands = seen(called("one", "cat"))
    first = commands.take(growth("x", "grü".encode()[:-1], command="cat"))
    second = commands.take(growth("x", "grün\n".encode()[3:], offset=3))
    assert [(part.offset, part.text) for part in (*first, *second)] == [(0, "gr"), (2, "ün\n")]


def test_only_so_much_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_commands, "MAX_LIVE_BYTES", 10)
    commands = seen(called("one", "yes"))
    assert len(commands.take(growth("x", b"y" * 10, command="yes"))) == 1
    assert commands.take(growth("x", b"y", offset=10)) == []


@pytest.mark.parametrize(
    ("lines", "is_any"),
    [
        ([returned("one")], False),
        ([returned("one", backgroundTaskId="t")], True),
        ([returned("one", backgroundTaskId="t"), system("session_state_changed", state="idle")], True),
        ([returned("one", backgroundTaskId="t"), system("task_notification", task_id="t")], False),
        ([started("one", "t"), system("task_updated", task_id="t", patch={"status": "killed"})], False),
        ([started("one", "t"), system("task_updated", task_id="t", patch={"status": "running"})], True),
        ([started("one", "t"), system("task_notification", task_id="other")], True),
        ([system("task_notification")], True),
        ([system("session_state_changed", state="running")], True),
        ([system("session_state_changed", state="idle")], False),
        ([returned("other"), {"type": "user", "message": 3}, {"type": "assistant"}, {}], True),
    ],
)
def test_command_runs_until_its_call_or_its_task_has_ended(lines: list[dict[str, object]], is_any: bool) -> None:
    assert seen(called("one", "sleep 9"), *lines).is_any is is_any


def test_stranger_cannot_fill_our_memory() -> None:
    commands = seen(*(called(f"c{number}", "x") for number in range(1_000)))
    for number in range(1_000):
        commands.take(growth(f"f{number}", b"x"))
    assert len(commands._commands) <= 64
    assert len(commands._files) <= 64


class Guest:
    """A guest in which one command prints; `failure` is what it answers with instead."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.patterns: list[PurePosixPath] = []
        self.is_followed = False

    async def processes(self) -> tuple[()]:
        return ()

    async def follow_files(self, pattern: PurePosixPath, *, max_age_s: float, max_bytes: int) -> AsyncIterator[Any]:
        self.patterns.append(pattern)
        if self.failure is not None:
            raise self.failure
        self.is_followed = True
        try:
            yield growth("x", b"tick\n", command="tick")
            await anyio.sleep_forever()
        finally:
            self.is_followed = False


def record(to: int, *, is_end: bool = False) -> AgentRecord:
    return AgentRecord(run=1, from_offset=to - 10, to_offset=to, events=(), is_end=is_end)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_commands, "QUIET_S", 0.0)


async def test_live_records_come_between_the_others_and_following_ends_with_the_command() -> None:
    guest, commands, go_on = Guest(), RunningCommands(), anyio.Event()

    async def records() -> AsyncIterator[AgentRecord]:
        yield record(10)
        commands.see(called("one", "tick"))
        await go_on.wait()
        commands.see(returned("one"))
        await anyio.wait_all_tasks_blocked()
        assert not guest.is_followed
        yield record(20, is_end=True)

    got = []
    with anyio.fail_after(5):
        async for item in with_output(records(), commands, cast(GuestLink, guest), 1, 0):
            got.append(item)
            if item.is_live:
                go_on.set()
    assert [(one.from_offset, one.to_offset, one.is_live) for one in got] == [
        (0, 10, False),
        (10, 10, True),
        (10, 20, False),
    ]
    assert str(guest.patterns[0]) == f"/tmp/claude-*/*/{SESSION}/tasks/*.output"


@pytest.mark.parametrize("failure", [InvalidInputError("unknown call"), SandboxUnavailableError("gone")])
async def test_guest_that_cannot_follow_costs_no_records(failure: Exception) -> None:
    commands = seen(called("one", "tick"))

    async def records() -> AsyncIterator[AgentRecord]:
        await anyio.wait_all_tasks_blocked()
        yield record(10, is_end=True)

    guest = cast(GuestLink, Guest(failure))
    assert len([item async for item in with_output(records(), commands, guest, 1, 0)]) == 1


async def test_what_goes_wrong_with_records_is_raised_as_it_is() -> None:
    async def records() -> AsyncIterator[AgentRecord]:
        raise SandboxUnavailableError("gone")
        yield

    with pytest.raises(SandboxUnavailableError):
        async for _ in with_output(records(), RunningCommands(), cast(GuestLink, Guest()), 1, 0):
            pass


async def test_reader_that_goes_away_leaves_nothing_behind() -> None:
    guest, commands = Guest(), seen(called("one", "tick"))
    is_closed = False

    async def records() -> AsyncIterator[AgentRecord]:
        nonlocal is_closed
        try:
            yield record(10)
            await anyio.sleep_forever()
        finally:
            is_closed = True

    items = cast(Any, with_output(records(), commands, cast(GuestLink, guest), 1, 0))
    with anyio.fail_after(5):
        while not (await anext(items)).is_live:
            pass
        await items.aclose()
    assert is_closed
    assert not guest.is_followed
