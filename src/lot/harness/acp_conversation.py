"""One client at an ACP agent's durable pipe: reads what the agent says, keeps notes, and writes each thing once."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePosixPath

import anyio

from lot.core.errors import AgentError, InvalidInputError, LotError, NotFoundError
from lot.harness import acp_course as course
from lot.harness import acp_wire as wire
from lot.harness.acp_lines import Lines
from lot.harness.acp_notes import Notes, keep_notes
from lot.harness.claude_output import attached
from lot.sandbox.link import GuestLink

logger = logging.getLogger(__name__)


class Conversation:
    """Talks to a program that runs already; its notes say how far the conversation is.

    An error while something is written leaves notes and program apart: it is then over, and the next one, with the
    notes from the sandbox, goes on from there.
    """

    def __init__(self, link: GuestLink, name: str, notes: Notes, *, path: PurePosixPath, user: str, cwd: PurePosixPath):
        self.notes = notes
        self._link, self._name, self._path, self._user, self._cwd = link, name, path, user, cwd
        self._input_at = notes.input_at
        self._lock = anyio.Lock()
        self._changed = anyio.Event()
        self._answers: dict[str, wire.Response | None] = {}
        """Of requests that somebody here waits for."""
        self._task: asyncio.Task[None] | None = None
        self._heard_to = notes.read_to
        self._over: str | None = None
        """Why nothing can be said any more."""

    async def open(self) -> None:
        """Write the last words again, which does nothing if they arrived, or the first ones; then listen.

        Raises:
            AgentError: the program is gone, or is not the one that the notes are about.
        """
        async with self._lock:
            if self.notes.input:
                await self._write()
            else:
                await self._say(course.begin())
        # No task group's: it lives from one call of the runner to another.
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Let go of the program."""
        task, self._task = self._task, None
        self._end("the conversation is closed")
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def say(self, decide: Callable[[Notes], course.Said]) -> None:
        """Decide on the notes what to say, note it and write it, all at once.

        Raises:
            AgentError: the program is gone, or the conversation is over.
        """
        async with self._lock:
            self._check()
            await self._say(decide(self.notes))

    async def ask(self, id: str, decide: Callable[[Notes], course.Said], limit_s: float) -> wire.Response:
        """Say something that holds the request `id`, and return the answer to it.

        Raises:
            AgentError: none came in time, or the conversation is over.
        """
        self._answers[id] = None
        try:
            await self.say(decide)
            await self.until(lambda: self._answers[id] is not None, limit_s)
            found = self._answers[id]
        finally:
            del self._answers[id]
        if found is None:
            raise AgentError(f"the agent program did not answer {id!r}")
        return found

    async def catch_up(self, limit_s: float) -> None:
        """Return when everything is heard that the agent has said by now.

        Raises:
            AgentError: that took too long, or the conversation is over.
        """
        status = next((status for status in await self._link.processes() if status.name == self._name), None)
        end = status.ends.get("out", 0) if status is not None else 0
        await self.until(lambda: self._heard_to >= end, limit_s)

    async def until(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Return when a condition holds that changes with what the agent says.

        Raises:
            AgentError: it did not come to hold in time, or the conversation is over.
        """
        with anyio.move_on_after(limit_s):
            while not condition():
                self._check()
                await self._changed.wait()
            return
        raise AgentError(f"the agent program does not answer within {limit_s:g} s")

    def _check(self) -> None:
        if self._over is not None:
            raise AgentError(f"the agent program cannot be reached: {self._over}")

    async def _listen(self) -> None:
        try:
            lines = Lines(self.notes.read_to)
            async with attached(self._link, self._name, "out", lines.end) as chunks:
                async for chunk in chunks:
                    for line in lines.add(chunk):
                        await self._hear(wire.read(line.raw), line.end)
                    self._heard_to = lines.end
                    self._tell()
            self._end("it has ended")
        except LotError as error:
            logger.info("agent is no longer heard", extra={"reason": str(error)})
            self._end(str(error))
        except Exception:
            logger.exception("conversation with an agent broke off")
            self._end("the conversation broke off by a defect of Lot")

    async def _hear(self, message: wire.Message | None, end: int) -> None:
        if message is None:
            return
        async with self._lock:
            self._check()
            said = course.hear(self.notes, message, self._cwd)
            if said is not None:
                self.notes.read_to = end
                await self._say(said)
        if isinstance(message, wire.Response) and message.id in self._answers:
            self._answers[message.id] = message
            self._tell()

    async def _say(self, said: course.Said) -> None:
        """Keep the notes, with new last words if there are any, then write these."""
        if said:
            self.notes.input_at, self.notes.input = self._input_at, wire.encode(said)
        try:
            await keep_notes(self._link, self._path, self.notes, self._user)
            if said:
                await self._write()
        except BaseException as error:
            self._end(str(error) or type(error).__name__)
            raise

    async def _write(self) -> None:
        try:
            data = self.notes.input.encode()
            self._input_at = await self._link.write(self._name, data, offset=self.notes.input_at)
        except (NotFoundError, InvalidInputError) as error:
            raise AgentError(f"the agent program is gone: {error}") from error

    def _end(self, why: str) -> None:
        self._over = self._over or why
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
