"""Long commands run to their end in the workspace, such as a project's setup; they survive the death of a runner."""

import time
from pathlib import PurePosixPath

import anyio

from lot.core.errors import CommandTimedOutError, InvalidInputError
from lot.runner.protocol import CommandOrder, CommandOutcome
from lot.sandbox.link import GuestLink, ProcessSpec, ProcessStatus

TAIL_BYTES = 64 << 10

_ONE_STREAM = 'exec bash -lc "$1" 2>&1 </dev/null'
"""One journal for both outputs keeps their order; a command that reads its input must not wait for ever."""


class Commands:
    """The commands of one sandbox. Each is a durable process, and has one outcome however often it is asked for."""

    def __init__(self, link: GuestLink, workspace: PurePosixPath) -> None:
        self._link = link
        self._workspace = workspace
        self._ordered: dict[str, CommandOrder] = {}
        self._outcomes: dict[str, CommandOutcome] = {}

    async def run(self, order: CommandOrder) -> CommandOutcome:
        """Return how the command ended, starting it unless it runs or ran already.

        A different command of a name that was used is started anew once the earlier one has ended.

        Raises:
            InvalidInputError: another command of that name still runs.
            CommandTimedOutError: killed, with its children, after `timeout_s`; the message has the end of its output.
        """
        is_same = self._ordered.get(order.name, order) == order
        if is_same and order.name in self._outcomes:
            return self._outcomes[order.name]
        before = await self._find(order.name)
        if before is not None and before.is_running and not is_same:
            raise InvalidInputError(f"another command named {order.name} still runs")
        if before is None or not is_same:
            process = await self._link.start(
                ProcessSpec(
                    name=order.name,
                    argv=("sh", "-c", _ONE_STREAM, order.name, order.command),
                    cwd=self._workspace,
                    environment=order.environment,
                )
            )
            begin = 0 if before is None else before.ends["out"]
        else:
            process, begin = before, 0
        self._ordered[order.name] = order
        outcome = self._outcomes[order.name] = await self._outcome(order, process, begin)
        return outcome

    async def stop(self, name: str) -> None:
        """End a command with its children, if it runs."""
        if (found := await self._find(name)) is not None and found.is_running:
            await self._link.stop(name)

    async def _outcome(self, order: CommandOrder, process: ProcessStatus, begin: int) -> CommandOutcome:
        """Wait for the end; the output counts from byte `begin` of the journal, which goes on from earlier commands."""
        tail = bytearray()
        # What the guest says of the start may shorten the time, never lengthen it.
        spent_s = max(0.0, time.time() - process.started_at) if process.is_running else 0.0
        with anyio.move_on_after(order.timeout_s - spent_s) as limit:
            await self._read_tail(process, begin, tail)
        if limit.cancelled_caught:
            await self._link.stop(order.name)
            text = tail.decode(errors="replace")
            raise CommandTimedOutError(f"{order.name} did not end within {order.timeout_s:.0f} s\n{text}")
        ended = await self._find(order.name)
        exit_code = -1 if ended is None or ended.exit_code is None else ended.exit_code
        seconds = max(0.0, time.time() - process.started_at)
        return CommandOutcome(exit_code=exit_code, tail=tail.decode(errors="replace"), seconds=seconds)

    async def _read_tail(self, process: ProcessStatus, begin: int, tail: bytearray) -> None:
        begin = max(begin, process.starts["out"], process.ends["out"] - TAIL_BYTES)
        async for chunk in self._link.attach(process.name, "out", begin):
            tail += chunk.data
            del tail[:-TAIL_BYTES]

    async def _find(self, name: str) -> ProcessStatus | None:
        return next((process for process in await self._link.processes() if process.name == name), None)
