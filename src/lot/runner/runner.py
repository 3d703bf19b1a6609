"""One runner: bound to a session or a build, it holds the lease and carries out what the control plane asks.

Leaves out how calls arrive (`server.py`), what happens to the sandbox (`sandbox_course.py`) and who acts when the
lease runs out and this process hangs or is dead (`watchdog.py`).
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from lot.core.errors import (
    InvalidInputError,
    LotError,
    StaleEpochError,
    TransitionNotAllowedError,
    UnavailableError,
)
from lot.core.ids import RunnerId, SandboxId
from lot.runner.disk_watch import DiskWatch
from lot.runner.hold import Holder, SandboxHold
from lot.runner.lease import ControlPlane, Due, LeaseClock, first_sent_at, keep_lease
from lot.runner.news import NewsDesk
from lot.runner.parts import Credentials, RunnerParts, RunnerSettings
from lot.runner.process_id import ProcessId
from lot.runner.protocol import (
    Assignment,
    BringUpOrder,
    BringUpResult,
    CommandOrder,
    CommandOutcome,
    RunnerNews,
    RunnerState,
)
from lot.runner.sandbox_course import SandboxCourse
from lot.runner.watchdog import SAVE_TIME_S
from lot.runner.watchdog_line import WatchdogLine
from lot.runner.ways_in import WaysIn
from lot.sandbox.driver import SandboxDriver

logger = logging.getLogger(__name__)

ASSIGNMENT_FILE = "assignment.json"
_CHECK_ALONE_S = 0.25


class _Tenancy:
    """What comes with an assignment, and ends with it."""

    def __init__(self, assignment: Assignment, watchdog: WatchdogLine, holds: Path, course: SandboxCourse) -> None:
        self.assignment = assignment
        self.course = course
        processes = (ProcessId.of(os.getpid()), watchdog.process)
        self.holder = Holder(
            runner=RunnerId(assignment.runner),
            epoch=assignment.epoch,
            processes=tuple(process for process in processes if process is not None),
        )
        self.hold = SandboxHold(holds, SandboxId(assignment.sandbox))
        self.clock = LeaseClock(
            first_sent_at(time.monotonic(), assignment),
            freeze_after_s=assignment.freeze_after_s,
            kill_after_s=assignment.kill_after_s,
        )

    @property
    def is_held(self) -> bool:
        """Whether no newer epoch has taken the sandbox on this host; may wait for a lock."""
        with self.hold.while_held(self.holder) as is_held:
            return is_held


class Runner:
    """Serves one assignment for as long as it lives."""

    def __init__(
        self,
        runner: RunnerId,
        settings: RunnerSettings,
        parts: RunnerParts,
        watchdog: WatchdogLine,
        tasks: TaskGroup,
        end: Callable[[], None],
    ) -> None:
        self.id = runner
        self.news = NewsDesk()
        self._settings = settings
        self._parts = parts
        self._watchdog = watchdog
        self._tasks = tasks
        self._end = end
        self._tenancy: _Tenancy | None = None
        self._is_ending = False
        self._driver: SandboxDriver | None = None

    async def prepare(self) -> None:
        """Make, while it is idle, what its first sandbox would else wait for."""
        try:
            self._driver = await to_thread.run_sync(self._parts.driver)
        except (LotError, OSError) as error:
            logger.info("no driver yet; tried again when it is needed", extra={"reason": str(error)})

    @property
    def is_assigned(self) -> bool:
        """Whether it serves a session or build."""
        return self._tenancy is not None

    @property
    def course(self) -> SandboxCourse:
        """The sandbox's course.

        Raises:
            TransitionNotAllowedError: nothing is assigned yet.
        """
        return self._assigned.course

    @property
    def ways(self) -> WaysIn:
        """The ways into the sandbox.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        return self.course.ways

    def require_epoch(self, epoch: int) -> None:
        """Refuse a call for an epoch that is not this runner's.

        Raises:
            StaleEpochError: it is another.
        """
        mine = self._assigned.assignment.epoch
        if epoch != mine:
            raise StaleEpochError(f"this runner serves epoch {mine}, not {epoch}")

    async def state(self) -> RunnerState:
        """Return how it is."""
        memory_bytes = await to_thread.run_sync(_own_memory_bytes)
        state = RunnerState(runner=self.id, pid=os.getpid(), memory_bytes=memory_bytes)
        if self._tenancy is None:
            return state
        assignment, usage = self._tenancy.assignment, await self._tenancy.course.usage()
        return state.model_copy(
            update={
                "assignment_kind": assignment.kind,
                "assignment_id": assignment.id,
                "epoch": assignment.epoch,
                "sandbox_is_on": self._tenancy.course.is_on,
                "is_frozen": self._tenancy.clock.is_frozen,
                "sandbox_memory_bytes": usage.memory_bytes if usage else 0,
                "sandbox_cpu_s": usage.cpu_s if usage else 0.0,
            }
        )

    async def assign(self, assignment: Assignment) -> None:
        """Take the assignment, and the sandbox from whichever runner of an older epoch still holds it here.

        Raises:
            TransitionNotAllowedError: it has another. StaleEpochError: a newer epoch holds the sandbox.
        """
        if self._tenancy is not None:
            if self._tenancy.assignment == assignment:
                return
            raise TransitionNotAllowedError("the runner is assigned", "assign")
        if assignment.runner != self.id:
            raise InvalidInputError(f"this is runner {self.id}, not {assignment.runner}")
        credentials = Credentials(control_socket=self._settings.control_socket, pass_token=assignment.pass_token)
        course = SandboxCourse(
            SandboxId(assignment.sandbox), self._parts, credentials, self._tasks, self.news.tell, self._driver
        )
        tenancy = self._tenancy = _Tenancy(assignment, self._watchdog, self._settings.holds_dir, course)
        self._watchdog.arm(assignment, tenancy.clock.sent_at)
        try:
            await to_thread.run_sync(self._record, tenancy)
        except Exception:
            # Armed and then refused: this runner is of no use to anyone any more.
            self._is_ending = True
            self._watchdog.disarm()
            self._end()
            raise
        self._tasks.start_soon(self._keep_lease, tenancy)
        self._tasks.start_soon(self._follow_watchdog, tenancy)

    async def bring_up(self, order: BringUpOrder) -> BringUpResult:
        """Bring the sandbox up, unless its lease is in doubt.

        Raises:
            UnavailableError: the lease has not been renewed. Else as `SandboxCourse.bring_up`.
        """
        tenancy = self._assigned
        if tenancy.clock.is_frozen or self._is_ending:
            raise UnavailableError("the runner's lease is not renewed; nothing is started")
        result = await tenancy.course.bring_up(order)
        if tenancy.clock.is_frozen:  # the watchdog acted before there was anything to freeze
            await (await tenancy.course.driver()).freeze(SandboxId(tenancy.assignment.sandbox))
        return result

    async def run_command(self, order: CommandOrder) -> CommandOutcome:
        """Run a command to its end, unless the host's disk is full before.

        Raises:
            HostFullError: it was stopped. Else as `Commands.run`.
        """
        commands = self.ways.commands
        watch = DiskWatch(self._settings.data_dir, self._settings.disk_reserve_bytes)
        return await watch.while_room(order.name, partial(commands.run, order), partial(commands.stop, order.name))

    async def retire(self) -> None:
        """End; a sandbox that is on is left to be adopted, and the watchdog watches over it until then."""
        self._is_ending = True
        if self._tenancy is None or not self._tenancy.course.is_on:
            await self._leave()
        else:
            await self._tenancy.course.let_go()
            self._end()

    @property
    def _assigned(self) -> _Tenancy:
        if self._tenancy is None:
            raise TransitionNotAllowedError("the runner is idle", "this call")
        return self._tenancy

    def _record(self, tenancy: _Tenancy) -> None:
        """Write down whose runner this is, without what proves it, and take the sandbox."""
        tenancy.hold.take(tenancy.holder)
        folder = self._settings.runners_dir / self.id
        text = tenancy.assignment.model_dump_json(exclude={"pass_token"})
        partial = folder / f"{ASSIGNMENT_FILE}.partial"
        partial.write_text(text)
        partial.replace(folder / ASSIGNMENT_FILE)

    async def _keep_lease(self, tenancy: _Tenancy) -> None:
        def renewed(sent_at: float) -> None:
            tenancy.clock.renewed(sent_at)
            self._watchdog.renewed(sent_at)

        ends = threading.Event()

        def keep() -> str | None:
            with closing(ControlPlane(self._settings.lease_socket, tenancy.assignment)) as control:
                return keep_lease(control, tenancy.assignment.renew_every_s, renewed, ends.wait)

        try:
            # A limiter of its own: nobody who blocks a thread for longer stands before it.
            reason = await to_thread.run_sync(keep, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
        finally:
            ends.set()
        if reason is not None:
            await self._lose(tenancy, reason)

    async def _lose(self, tenancy: _Tenancy, reason: str) -> None:
        """End because another may act on the sandbox's session from now on; nothing is saved, as it would be stale."""
        if self._is_ending:
            return
        self._is_ending = True
        logger.warning("lease lost", extra={"sandbox_id": tenancy.assignment.sandbox, "reason": reason})
        self.news.tell(RunnerNews(news="lease_lost", detail=reason))
        try:
            if await to_thread.run_sync(lambda: tenancy.is_held):
                await tenancy.course.destroy()
            await self._leave()
        except (LotError, OSError):
            logger.exception("sandbox not ended; left to the watchdog")
            self._end()

    async def _follow_watchdog(self, tenancy: _Tenancy) -> None:
        async for act in self._watchdog.acts():
            if act.act == "save":
                await self._save(tenancy)
            else:
                tenancy.clock.is_frozen = act.act == "frozen"
        if not self._is_ending:
            logger.error("the watchdog is dead", extra={"pid": self._watchdog.process.pid})
            await self._count_alone(tenancy)

    async def _count_alone(self, tenancy: _Tenancy) -> None:
        """Do the watchdog's work in this loop: a fork is not possible any more."""
        sandbox = SandboxId(tenancy.assignment.sandbox)
        while not self._is_ending:
            due = tenancy.clock.due(time.monotonic())
            driver = await tenancy.course.driver()
            if due is Due.KILL:
                await self._save(tenancy)
            elif due is not Due.NOTHING and tenancy.course.is_on:
                await (driver.freeze if due is Due.FREEZE else driver.thaw)(sandbox)
                tenancy.clock.is_frozen = due is Due.FREEZE
            await anyio.sleep(_CHECK_ALONE_S)

    async def _save(self, tenancy: _Tenancy) -> None:
        """Save the memory as a candidate, for the next epoch alone to use, and end."""
        self._is_ending = True
        self._watchdog.saving()
        assignment = tenancy.assignment
        image = f"candidate-{assignment.sandbox}-{assignment.epoch}"
        self.news.tell(RunnerNews(news="lease_lost", detail="the lease could not be renewed in time"))
        with anyio.move_on_after(SAVE_TIME_S):
            try:
                if tenancy.course.is_on and await to_thread.run_sync(lambda: tenancy.is_held):
                    await tenancy.course.pause(self._settings.images_of_pauses_dir / image, is_frozen=True)
                    await to_thread.run_sync(self._announce_candidate, assignment, image, abandon_on_cancel=True)
            except LotError as error:
                logger.error("no candidate image", extra={"image": image, "reason": str(error)})
        self._end()

    def _announce_candidate(self, assignment: Assignment, image: str) -> None:
        with closing(ControlPlane(self._settings.lease_socket, assignment)) as control:
            control.announce_candidate(image)

    async def _leave(self) -> None:
        """End with nothing left that needs watching."""
        if self._tenancy is not None:
            tenancy = self._tenancy
            await to_thread.run_sync(tenancy.hold.drop, tenancy.holder)
        self._watchdog.disarm()
        self._end()


def _own_memory_bytes() -> int:
    """Return this process's proportional share of memory: pages shared with other runners count in part."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0
