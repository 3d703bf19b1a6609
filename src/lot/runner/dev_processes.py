"""What runs beside the dev server, as in a Procfile: each a durable process `dev-<name>` with its own journal.

Started, restarted and ended with the dev server (`dev_server.py`). One that ends by itself is told of with the end of
its log, and takes nobody with it; none is asked anything over HTTP.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

import anyio

from lot.runner.first_error import first_error
from lot.runner.log_tail import LogTail
from lot.runner.protocol import DEV_PREFIX, MAX_DEV_PROCESSES, DevOrder, DevProcess
from lot.sandbox.link import GuestLink, ProcessSpec, ProcessStatus

PTY = (40, 160)
_NAME = re.compile(DEV_PREFIX + r"[a-z0-9-]{1,32}")


class DevProcesses:
    """The processes beside the dev server of one sandbox that is on. `tell` gets the name and the words of each end."""

    def __init__(
        self,
        link: GuestLink,
        workspace: PurePosixPath,
        start_soon: Callable[..., None],
        tell: Callable[[str, str], None],
    ) -> None:
        self._link = link
        self._workspace = workspace
        self._start_soon = start_soon
        self._tell = tell
        self._followed: dict[str, tuple[int, anyio.CancelScope]] = {}
        """By durable name: which run of it is or was followed, and what ends that."""

    def take_up(self, processes: Iterable[ProcessStatus]) -> None:
        """Follow those that came along with the sandbox."""
        found = sorted((one for one in processes if _NAME.fullmatch(one.name)), key=lambda one: one.name)
        for process in found[:MAX_DEV_PROCESSES]:
            self._note(process.name, process)

    async def start(self, order: DevOrder) -> None:
        """Have each of an order running; one that runs already is left as it is."""
        for each in order.processes:
            spec = self._spec(each, order)
            self._note(spec.name, await self._link.start(spec))

    async def stop(self) -> None:
        """End all that are known, with all their children."""
        names = tuple(self._followed)
        for _, scope in self._followed.values():
            scope.cancel()
        self._followed.clear()
        try:
            async with anyio.create_task_group() as ends:
                for name in names:
                    ends.start_soon(self._link.stop, name)
        except BaseExceptionGroup as failures:
            raise first_error(failures) from failures

    def _spec(self, process: DevProcess, order: DevOrder) -> ProcessSpec:
        return ProcessSpec(
            name=f"{DEV_PREFIX}{process.name}",
            argv=("bash", "-lc", process.command),
            cwd=self._workspace,
            environment={"TERM": "xterm-256color", **order.environment},
            pty=PTY,
        )

    def _note(self, name: str, process: ProcessStatus) -> None:
        known = self._followed.get(name)
        if known is not None and known[0] == process.run:
            return
        scope = anyio.CancelScope()
        self._followed[name] = process.run, scope
        if process.is_running:
            self._start_soon(self._watch, name, process, scope)

    async def _watch(self, name: str, process: ProcessStatus, scope: anyio.CancelScope) -> None:
        """Wait for its end and tell of it, unless it was ended by us."""
        log = LogTail()
        with scope:
            await log.read(self._link, name, process)
            ended = next((one for one in await self._link.processes() if one.name == name), None)
            exit_code = None if ended is None else ended.exit_code
            short = name.removeprefix(DEV_PREFIX)
            self._tell(short, f"the process {short} ended with exit code {exit_code}\n{log}")
