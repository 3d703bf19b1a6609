"""What commands of Claude's Bash tool print, while they run.

The program itself says nothing of a command before its end. It has each command write to a file of its own, from the
first byte on and for foreground and background alike, and the guest tells what these files gain: commands are started
just as they are without us. A file is known as some call's by the command line of the shell that writes it; the
program's own word for it comes late. Live parts only: the call's result brings the output again, whole.
"""

import codecs
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from lot.core.errors import InvalidInputError, SandboxUnavailableError
from lot.core.events import LivePart
from lot.harness.claude_events import parse
from lot.harness.claude_fields import mapping, mappings, name, plain
from lot.harness.closing import closing
from lot.harness.harness import AgentRecord
from lot.sandbox.link import FileGrowth, GuestLink

MAX_LIVE_BYTES = 64 << 10
"""Of one command's output; what comes after is seen when the command has ended."""
QUIET_S = 0.3
"""A command that is over by then is not followed, and costs nothing."""
CATCH_UP_BYTES = 1 << 20
_MAX_COMMANDS = 64
_MAX_FILES = 64
_MAX_AGE_S = 86_400.0
_COMPARED_CHARS = 200
_MAX_QUOTED_CHARS = 2_000
_SUFFIX = ".output"
_SESSION = re.compile(r"[0-9a-f-]{36}")
_ENDED = ("completed", "failed", "stopped", "killed")
_MARKS = (b'"name":"Bash"', b'"type":"tool_result"', b'"subtype":"task_', b'"subtype":"session_state_changed"')

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Command:
    tool_call_id: str
    parent: str | None
    text: str
    """Its beginning, as `_essence`."""
    since: float
    """Monotonic."""
    task: str | None = None
    """The program's name for it: its file is called so too."""
    is_in_background: bool = False


@dataclass(slots=True)
class _File:
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    writer: str = ""
    held: str = ""
    """Read, and not told of yet: nobody knows whose it is."""
    told_chars: int = 0
    tool_call_id: str | None = None


class RunningCommands:
    """The commands that run now, as the program's lines tell, and what they have printed."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._session: str | None = None
        self._commands: dict[str, _Command] = {}
        self._files: dict[str, _File] = {}
        self._began = anyio.Event()
        self._following: anyio.CancelScope | None = None

    @property
    def is_any(self) -> bool:
        """Whether one runs."""
        return bool(self._commands)

    def see(self, line: Mapping[str, Any]) -> None:
        """Take note of a line of the program."""
        session = plain(line.get("session_id"))
        if _SESSION.fullmatch(session):
            self._session = session
        match line.get("type"):
            case "assistant":
                for block in mappings(mapping(line.get("message")).get("content")):
                    if block.get("type") == "tool_use" and block.get("name") == "Bash":
                        self._begin(block, name(line.get("parent_tool_use_id")))
            case "user":
                for block in mappings(mapping(line.get("message")).get("content")):
                    if block.get("type") == "tool_result":
                        self._returned(block, mapping(line.get("tool_use_result")))
            case "system":
                self._see_system(line)

    def take(self, growth: FileGrowth) -> list[LivePart]:
        """Return what is to be shown of new bytes of a file, and of other files whose command is known now."""
        file = self._files.get(growth.name)
        if file is None:
            if len(self._files) >= _MAX_FILES:
                self._files.pop(next(iter(self._files)))
            file = self._files[growth.name] = _File(writer=_essence(growth.writer))
        if growth.offset + len(growth.data) <= MAX_LIVE_BYTES:
            file.held += file.decoder.decode(growth.data)
        return self._tell()

    async def follow(self, link: GuestLink, show: Callable[[list[LivePart]], Awaitable[None]]) -> None:
        """Show what commands print, as long as the link lasts; nothing is asked for while none runs."""
        while True:
            await self._until_any()
            await anyio.sleep(QUIET_S)
            if not self._commands or self._session is None:
                continue
            with anyio.CancelScope() as self._following:
                pattern = PurePosixPath(f"/tmp/claude-*/*/{self._session}/tasks/*{_SUFFIX}")
                growths = link.follow_files(pattern, max_age_s=self._oldest_s(), max_bytes=MAX_LIVE_BYTES)
                async with closing(growths):
                    async for growth in growths:
                        if parts := self.take(growth):
                            await show(parts)
            self._following = None

    async def catch_up(self, link: GuestLink, process: str, offset: int) -> None:
        """See the end of what came before byte `offset` of the program's output, as far as it is still there."""
        status = next((status for status in await link.processes() if status.name == process), None)
        begin = 0 if status is None else max(status.starts.get("out", 0), offset - CATCH_UP_BYTES)
        if status is None or not status.is_running or begin >= offset:
            return
        read = bytearray()
        chunks = link.attach(process, "out", begin)
        async with closing(chunks):
            async for chunk in chunks:
                read += chunk.data
                if chunk.offset + len(chunk.data) >= offset:
                    break
        for raw in bytes(read[: offset - begin]).split(b"\n"):
            line = parse(raw) if any(mark in raw for mark in _MARKS) else None
            if line is not None:
                self.see(line)
        for command in self._commands.values():
            command.since = self._monotonic() - _MAX_AGE_S

    def _see_system(self, line: Mapping[str, Any]) -> None:
        subtype, task = line.get("subtype"), name(line.get("task_id"))
        if subtype == "session_state_changed" and line.get("state") == "idle":
            for command in [one for one in self._commands.values() if not one.is_in_background]:
                self._end(command.tool_call_id)
        elif subtype == "task_started" and line.get("task_type") == "local_bash":
            started = self._commands.get(name(line.get("tool_use_id")) or "")
            if started is not None:
                started.task = task
        elif subtype == "task_notification" or mapping(line.get("patch")).get("status") in _ENDED:
            for command in [one for one in self._commands.values() if one.task is not None and one.task == task]:
                self._end(command.tool_call_id)

    def _begin(self, block: Mapping[str, Any], parent: str | None) -> None:
        tool_call_id, given = name(block.get("id")), mapping(block.get("input"))
        if tool_call_id is None or len(self._commands) >= _MAX_COMMANDS:
            return
        self._commands[tool_call_id] = _Command(
            tool_call_id=tool_call_id,
            parent=parent,
            text=_essence(plain(given.get("command"))[:_MAX_QUOTED_CHARS])[:_COMPARED_CHARS],
            since=self._monotonic(),
            is_in_background=given.get("run_in_background") is True,
        )
        self._began.set()

    def _returned(self, block: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """A call has ended; its command goes on where the report says so."""
        command = self._commands.get(name(block.get("tool_use_id")) or "")
        if command is None:
            return
        task = name(report.get("backgroundTaskId"))
        if task is None:
            self._end(command.tool_call_id)
        else:
            command.task, command.is_in_background = task, True

    def _end(self, tool_call_id: str) -> None:
        del self._commands[tool_call_id]
        if self._commands:
            return
        self._began = anyio.Event()
        self._files.clear()  # seen no more: what is followed next is younger
        if self._following is not None:
            self._following.cancel()

    async def _until_any(self) -> None:
        while not self._commands:
            await self._began.wait()

    def _oldest_s(self) -> float:
        oldest = min(command.since for command in self._commands.values())
        return min(self._monotonic() - oldest + QUIET_S, _MAX_AGE_S)

    def _tell(self) -> list[LivePart]:
        parts = []
        for file_name, file in self._files.items():
            if file.held and file.tool_call_id is None:
                file.tool_call_id = self._find(file_name, file)
            if file.tool_call_id is not None:
                parts += self._shown(file, self._commands.get(file.tool_call_id))
        return parts

    def _shown(self, file: _File, command: _Command | None) -> list[LivePart]:
        """Return what a file holds, which is then told; nothing once its command has ended."""
        text, offset, file.held = file.held, file.told_chars, ""
        file.told_chars += len(text)
        if not text or command is None:
            return []
        key, parent = command.tool_call_id, command.parent
        return [LivePart(kind="tool_output", key=key, offset=offset, text=text, parent_tool_call_id=parent)]

    def _find(self, file_name: str, file: _File) -> str | None:
        """Return whose a file is: by the program's name for it, else by the shell that writes it."""
        task = file_name.removesuffix(_SUFFIX)
        taken = {other.tool_call_id for other in self._files.values()}
        fitting = [
            command
            for command in self._commands.values()
            if command.task == task
            or (
                command.task is None
                and command.tool_call_id not in taken
                and command.text
                and command.text in file.writer
            )
        ]
        # Of several the one that says most: `ls` is a part of `ls -l`, too. Of equal ones the first.
        best = max(fitting, key=lambda command: (command.task == task, len(command.text)), default=None)
        return None if best is None else best.tool_call_id


def _essence(text: str) -> str:
    """Return a text without what quoting for a shell changes, and without what a guest's answer leaves out."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in " '\"\\")


async def with_output(
    records: AsyncIterator[AgentRecord], commands: RunningCommands, link: GuestLink, run: int, offset: int
) -> AsyncIterator[AgentRecord]:
    """Yield a run's records from `offset` on, and between them what its commands print.

    Args:
        records: Whose lines `commands` sees.
    """
    await commands.catch_up(link, f"agent-{run}", offset)
    # Without a buffer: a slow reader slows both.
    send, receive = anyio.create_memory_object_stream[AgentRecord | list[LivePart] | Exception]()
    failure = None
    async with anyio.create_task_group() as tasks, receive:
        tasks.start_soon(_pass_on, records, send)
        tasks.start_soon(_show, commands, link, send.clone())
        try:
            async for item in receive:
                if isinstance(item, Exception):
                    failure = item
                    break
                if isinstance(item, AgentRecord):
                    offset = item.to_offset
                    yield item
                    if item.is_end:
                        break
                else:
                    yield _live(run, offset, item)
        except GeneratorExit:
            pass  # a task group would raise it as a group, like any error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _live(run: int, offset: int, parts: list[LivePart]) -> AgentRecord:
    return AgentRecord(run=run, from_offset=offset, to_offset=offset, events=(), parts=tuple(parts), is_live=True)


_Sender = MemoryObjectSendStream[AgentRecord | list[LivePart] | Exception]


async def _pass_on(records: AsyncIterator[AgentRecord], send: _Sender) -> None:
    """Hand on records, and what went wrong with them: an error of this task would come as a group."""
    async with send, closing(records):
        try:
            async for record in records:
                await send.send(record)
        except Exception as error:
            await send.send(error)


async def _show(commands: RunningCommands, link: GuestLink, send: _Sender) -> None:
    async with send:
        try:
            await commands.follow(link, send.send)
        except SandboxUnavailableError:
            return  # the records end as well
        except InvalidInputError as error:
            logger.info("commands are not followed", extra={"reason": str(error)})
