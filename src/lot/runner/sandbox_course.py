"""The course of one sandbox in the hands of its runner: brought up by the best rung that holds, paused, ended."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from lot.core.errors import (
    BootFailedError,
    ImageDamagedError,
    InvalidInputError,
    LotError,
    SandboxUnavailableError,
)
from lot.core.ids import SandboxId
from lot.runner.file_changes import file_changes
from lot.runner.first_error import first_error
from lot.runner.parts import Credentials, Gateway, RunnerParts
from lot.runner.protocol import BringUpOrder, BringUpResult, PauseResult, Rung, RunnerNews
from lot.runner.steps import Steps
from lot.runner.ways_in import WaysIn
from lot.sandbox.driver import (
    GATEWAY_PORT,
    HibernationImage,
    Resources,
    SandboxDriver,
    SandboxSpec,
    SandboxUsage,
)
from lot.sandbox.link import GuestLink

logger = logging.getLogger(__name__)


class SandboxCourse:
    """One sandbox. Its moves exclude each other; each may be asked for again."""

    def __init__(
        self,
        sandbox: SandboxId,
        parts: RunnerParts,
        credentials: Credentials,
        tasks: TaskGroup,
        tell: Callable[[RunnerNews], None],
        driver: SandboxDriver | None = None,
    ) -> None:
        """`driver` is one that was made beforehand."""
        self._sandbox = sandbox
        self._parts = parts
        self._credentials = credentials
        self._tasks = tasks
        self._tell = tell
        self._driver = driver
        self._lock = anyio.Lock()
        self._order: BringUpOrder | None = None
        self._brought: BringUpResult | None = None
        """Set while the sandbox is on."""
        self._paused: PauseResult | None = None
        self._ways: WaysIn | None = None
        self._gateway: Gateway | None = None
        self._watch = anyio.CancelScope()

    @property
    def is_on(self) -> bool:
        """Whether the sandbox is up and served."""
        return self._brought is not None

    @property
    def ways(self) -> WaysIn:
        """The ways into the sandbox.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        if self._ways is None:
            raise SandboxUnavailableError(f"sandbox {self._sandbox} is not on: bring it up first")
        return self._ways

    async def bring_up(self, order: BringUpOrder) -> BringUpResult:
        """Bring the sandbox up by the first rung that holds; when it is on already, say how that was done.

        Raises:
            HostFullError: never a reason to take a lower rung. BootFailedError: no rung held, with each reason.
        """
        async with self._lock:
            if self._brought is None:
                self._brought = await self._climb(order)
                self._order, self._paused = order, None
                self._tasks.start_soon(self._watch_end, self._watch)
            return self._brought

    async def pause(self, into: Path, *, is_frozen: bool = False) -> PauseResult:
        """Close every way in and save the memory into the folder `into`.

        Raises:
            HostFullError: no room; the sandbox goes on as before. PauseFailedError: it is gone, its disk is safe.
            SandboxUnavailableError: it is not on.
        """
        async with self._lock:
            if self._brought is None:
                return await self._say_paused(into)
            steps = Steps()
            self._watch.cancel()
            with steps.timed("close connections"):
                await self._close_ways(is_frozen)
            try:
                with steps.timed("save memory"):
                    image = await (await self.driver()).pause(self._sandbox, into)
            except Exception:
                await self._open_again()
                raise
            await self._forget()
            self._paused = _result(image, steps)
            return self._paused

    async def destroy(self) -> None:
        """End the sandbox, whatever it does."""
        async with self._lock:
            await self._end()

    async def let_go(self) -> None:
        """Leave the sandbox running for the next runner."""
        async with self._lock:
            self._watch.cancel()
            if self._gateway is not None:
                await self._gateway.quiesce()
            await self._forget()

    def file_changes(self) -> AsyncIterator[None]:
        """Yield once changes of the workspace's files are noticed, then soon after each.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        ways, order = self.ways, self._order
        if order is None:
            raise SandboxUnavailableError(f"sandbox {self._sandbox} is only just coming up")
        return file_changes(Path(order.upper), ways.workspace.ignored_folders)

    async def usage(self) -> SandboxUsage | None:
        """Return what it uses now; None when it is not on."""
        if self._brought is None:
            return None
        try:
            return await (await self.driver()).usage(self._sandbox)
        except SandboxUnavailableError:
            return None

    async def driver(self) -> SandboxDriver:
        """Return the driver, made when first needed: making it reads the host's runtime.

        Raises:
            RuntimeMissingError: none is installed.
        """
        if self._driver is None:
            self._driver = await to_thread.run_sync(self._parts.driver)
        return self._driver

    async def _climb(self, order: BringUpOrder) -> BringUpResult:
        driver, spec, steps, reasons = await self.driver(), self._spec(order), Steps(), []
        for rung in order.rungs:
            try:
                if not await self._take(driver, rung, spec, steps):
                    continue
                with steps.timed("reach the guest"):
                    await self._open(driver, is_restored=rung.kind == "memory")
            except (BootFailedError, ImageDamagedError, SandboxUnavailableError) as error:
                logger.warning("rung did not hold", extra={"rung": rung.kind, "reason": str(error)})
                reasons.append(f"{rung.kind}: {error}")
                await self._end()
            else:
                return BringUpResult(rung=rung.kind, reason="; ".join(reasons) or None, steps=steps.done)
        raise BootFailedError("; ".join(reasons) or "no way to bring the sandbox up was given")

    async def _take(self, driver: SandboxDriver, rung: Rung, spec: SandboxSpec, steps: Steps) -> bool:
        """Try one rung; False: there is nothing to adopt, which is no failure."""
        if rung.kind == "adopt":
            if await driver.find(self._sandbox) is None:
                return False
            await driver.thaw(self._sandbox)
        elif rung.kind == "memory":
            if rung.image is None:
                raise InvalidInputError("a memory rung names its image")
            with steps.timed("restore memory"):
                await driver.resume(spec, Path(rung.image))
        else:
            with steps.timed("boot"):
                await driver.boot(spec)
        return True

    async def _open(self, driver: SandboxDriver, *, is_restored: bool) -> None:
        """Serve the sandbox: the gateway first, as a restored agent may ask for it at once."""
        try:
            listener = await to_thread.run_sync(driver.listen, self._sandbox, GATEWAY_PORT)
        except OSError as error:
            raise SandboxUnavailableError(f"the gateway has no place on the sandbox's link: {error}") from error
        self._gateway = self._parts.gateway(listener, self._credentials)
        await self._gateway.open()
        await self._open_ways(driver, is_restored=is_restored)

    async def _open_ways(self, driver: SandboxDriver, *, is_restored: bool) -> None:
        link = await driver.link(self._sandbox)
        ways = WaysIn(link, self._parts, self._parts.control_plane(self._credentials), self._tell)
        await self._tasks.start(ways.hold_open)
        try:
            await _first_questions(link, ways, is_restored)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await ways.close(quiesce=False)
            raise
        ways.watch_ports()
        self._ways = ways

    async def _close_ways(self, is_frozen: bool) -> None:
        if self._gateway is not None:
            await self._gateway.quiesce()
        if is_frozen:
            # Without its gateway; what its link to the guest needs takes milliseconds.
            await (await self.driver()).thaw(self._sandbox)
        if self._ways is not None:
            await self._ways.close(quiesce=True)

    async def _open_again(self) -> None:
        """After a pause that failed: go on if the sandbox does, else forget it."""
        driver, before = await self.driver(), self._ways
        if await driver.find(self._sandbox) is None or self._gateway is None:
            await self._forget()
            return
        await self._gateway.open()
        await self._open_ways(driver, is_restored=False)
        self._watch = anyio.CancelScope()
        self._tasks.start_soon(self._watch_end, self._watch)
        if before is not None:
            try:
                await self.ways.restore_agent(before)
            except LotError as error:
                # Why there was no pause is what the caller is told; it attaches to the agent itself.
                logger.warning("agent was not attached again", extra={"reason": str(error)})

    async def _say_paused(self, into: Path) -> PauseResult:
        """Answer a pause of a sandbox that is not on: it may have been finished before."""
        if self._paused is not None and self._paused.image == str(into):
            return self._paused
        self._paused = _result(await (await self.driver()).pause(self._sandbox, into), Steps())
        return self._paused

    async def _watch_end(self, scope: anyio.CancelScope) -> None:
        """Tell when the sandbox ends unasked; `scope` is cancelled, or replaced, once it is to end."""
        with scope:
            code = await (await self.driver()).wait_gone(self._sandbox)
        if scope.cancelled_caught:
            return
        async with self._lock:
            if scope is not self._watch or self._brought is None:
                return
            detail = await self._why_gone(code)
            logger.warning("sandbox ended", extra={"sandbox_id": self._sandbox, "reason": detail})
            await self._end()
        self._tell(RunnerNews(news="sandbox_gone", detail=detail))

    async def _why_gone(self, code: int) -> str:
        usage = await self.usage()
        if usage is not None and usage.has_run_out_of_memory:
            return "the sandbox used more memory than it has and was ended; its disk is safe"
        return "the sandbox ended by itself; its disk is safe" + (f" (exit code {code})" if code >= 0 else "")

    async def _end(self) -> None:
        driver = await self.driver()
        with anyio.CancelScope(shield=True):
            self._watch.cancel()
            await self._forget()
            await driver.destroy(self._sandbox)

    async def _forget(self) -> None:
        """Close what reaches into the sandbox, or waits for it."""
        ways, gateway = self._ways, self._gateway
        self._brought = self._ways = self._gateway = None
        self._watch = anyio.CancelScope()
        if ways is not None:
            await ways.close(quiesce=False)
        if gateway is not None:
            await gateway.close()

    def _spec(self, order: BringUpOrder) -> SandboxSpec:
        return SandboxSpec(
            sandbox=self._sandbox,
            layers=tuple(Path(layer) for layer in order.layers),
            upper=Path(order.upper),
            resources=Resources(cpus=order.cpus, memory_bytes=order.memory_bytes),
            mounts=self._parts.mounts(),
            hostname=order.hostname,
            environment=order.environment,
        )


async def _first_questions(link: GuestLink, ways: WaysIn, is_restored: bool) -> None:
    try:
        async with anyio.create_task_group() as questions:
            if is_restored:
                questions.start_soon(link.wake)
            questions.start_soon(ways.dev.find)
    except BaseExceptionGroup as failures:
        raise first_error(failures) from failures


def _result(image: HibernationImage, steps: Steps) -> PauseResult:
    return PauseResult(image=str(image.folder), total_bytes=image.total_bytes, steps=steps.done)
