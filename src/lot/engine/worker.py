"""One session's worker: looks at what is stored, does the one thing that follows, and looks again.

The store holds the intent (a state such as RESUMING), so that a worker of a restarted control plane goes on where the
last one was cut off. Everything it calls may be repeated.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup

from lot.core.errors import (
    HostFullError,
    LeaseHeldError,
    LotError,
    NotFoundError,
    RunnerGoneError,
    SandboxUnavailableError,
    StaleEpochError,
    StaleWriteError,
)
from lot.core.events import TurnFailed
from lot.core.ids import ImageId, MessageId, SessionId
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.asking import cut, withdrawals
from lot.engine.attachment import Attachment
from lot.engine.budgets import find_reached
from lot.engine.moves import Moves, reason_to_keep
from lot.engine.parts import Parts
from lot.engine.pausing import pause_session, settle_pause
from lot.engine.runners import Holding, find_holding, let_go, take_over
from lot.engine.starting import bring_up_order, start_session
from lot.engine.waking import resume_session
from lot.runner.client import RunnerClient
from lot.runner.protocol import Rung

logger = structlog.get_logger(__name__)

LEASE_RETRY_S = 2.0
REATTACH_S = 0.2
RUNNER_ATTEMPTS = 3


class SessionWorker:
    """Carries out one session's course. Only the task in `run` acts; others change the store and call `wake`."""

    def __init__(self, parts: Parts, moves: Moves, session_id: SessionId) -> None:
        self._parts, self._moves, self._id = parts, moves, session_id
        self._woken = anyio.Event()
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._attachment: Attachment | None = None
        self._shown: RunnerClient | None = None
        self._failures = 0
        self.to_stop: set[MessageId] = set()
        """Messages that were stopped before the agent took them."""
        self.acting = anyio.Lock()
        """Held while the worker acts; whoever else must act on the session alone takes it."""
        self.restarting = anyio.Lock()
        """Held while the dev server is restarted: what is noted of its values is then of the last restart."""

    @property
    def attachment(self) -> Attachment | None:
        """The live connection while the session is on."""
        return self._attachment

    @property
    def shown(self) -> RunnerClient | None:
        """The runner through which the app can be seen: from the moment its sandbox is up with the newest code."""
        if self._attachment is not None and self._attachment.lost is None:
            return self._attachment.holding.client
        return self._shown

    def wake(self) -> None:
        """Have the worker look again."""
        self._woken.set()

    async def stop(self) -> None:
        """End the worker where it is; what it began is taken up by the next one, or destroyed."""
        self._scope.cancel()
        await self._done.wait()

    async def run(self) -> None:
        """Work until stopped, or until the session is gone."""
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    await self._work(group)
                    group.cancel_scope.cancel()
        finally:
            self._attachment = None
            self._done.set()

    async def _work(self, group: TaskGroup) -> None:
        while True:
            self._woken = anyio.Event()
            try:
                async with self.acting:
                    is_settled = await self._act(await self._parts.store.get_session(self._id), group)
            except NotFoundError:
                return
            except LeaseHeldError as error:
                logger.info("waiting for another's lease", session_id=self._id, error=str(error))
                with anyio.move_on_after(LEASE_RETRY_S):
                    await self._woken.wait()
                continue
            except (StaleWriteError, StaleEpochError) as error:
                logger.info("session changed under the worker", session_id=self._id, error=str(error))
                self._detach()
                continue
            if is_settled:
                await self._woken.wait()

    async def _act(self, session: Session, group: TaskGroup) -> bool:
        """Do the one thing that follows from the session's state; return whether there is nothing more to do now."""
        match session.sandbox_state:
            case SandboxState.BOOTING:
                return await self._bring_up(session, start_session, Trigger.BOOT_FAILED)
            case SandboxState.RESUMING:
                return await self._bring_up(session, resume_session, Trigger.RESUME_FAILED)
            case SandboxState.ON:
                return await self._serve(session, group)
            case SandboxState.PAUSING:
                return await self._pause(session)
            case SandboxState.PAUSED:
                self._detach()
                return await self._wake_for_what_waits(session, Trigger.RESUME_ASKED)
            case SandboxState.ABSENT:
                self._detach()
                return await self._wake_for_what_waits(session, Trigger.BOOT_ASKED)

    async def _wake_for_what_waits(self, session: Session, trigger: Trigger) -> bool:
        """A message or an answer wakes a session that is off, unless no model may be asked.

        One that just failed to come up waits for something NEW.
        """
        if not session.base_image:
            return True  # a setup session whose image is still being brought
        if await self._count_waiting() <= self._failures or await find_reached(self._parts, self._id) is not None:
            return True
        await self._moves.apply(self._id, sandbox=trigger, reason=reason_to_keep(session))
        return False

    async def _count_waiting(self) -> int:
        """Return how many messages and answers wait for the agent."""
        store = self._parts.store
        return len(await store.kept_messages(self._id)) + len(await store.answered_asks(self._id))

    async def _bring_up(
        self,
        session: Session,
        carry_out: Callable[[Parts, Moves, Session, Holding, Callable[[], None]], Coroutine[Any, Any, Session | None]],
        failed: Trigger,
    ) -> bool:
        holding: Holding | None = None
        try:
            for attempt in range(1, RUNNER_ATTEMPTS + 1):
                session = await self._parts.store.get_session(self._id)
                try:
                    holding = await take_over(self._parts, "session", self._id, session.sandbox, session.lease)
                    await carry_out(self._parts, self._moves, session, holding, partial(self._show, holding))
                    break
                except RunnerGoneError:
                    if attempt == RUNNER_ATTEMPTS:
                        raise
        except (StaleWriteError, StaleEpochError, LeaseHeldError, NotFoundError):
            raise
        except LotError as error:
            await self._fail(session, holding, failed, error)
            return True
        finally:
            self._shown = None
        if holding is not None:
            self._failures = 0
            self._attach(holding)
        return False

    def _show(self, holding: Holding) -> None:
        """Let the app be seen while the rest of a start or resume is still done."""
        self._shown = holding.client
        self._parts.bus.publish(self._id)

    async def _fail(self, session: Session, holding: Holding | None, failed: Trigger, error: LotError) -> None:
        """Tell why a sandbox did not come up and free what it held; the next message tries again."""
        logger.warning("sandbox did not come up", session_id=self._id, error=str(error))
        self._failures = await self._count_waiting()
        if holding is not None:
            await let_go(self._parts, "session", self._id, holding, destroy=session.sandbox)
        # A resume that nothing waited for fails no turn, and one that is in the image goes on with it.
        is_asked = self._failures > 0 or failed is Trigger.BOOT_FAILED
        is_cut = is_asked and session.agent not in (AgentState.RUNNING, AgentState.WAITING)
        told = TurnFailed(
            at=self._parts.now(), reason=("refused: " if isinstance(error, HostFullError) else "") + str(error)
        )
        await self._moves.apply(
            self._id,
            sandbox=failed,
            agent=Trigger.TURN_FAILED if is_cut else None,
            reason=str(error),
            events=[told] if is_asked else [],
        )

    async def _serve(self, session: Session, group: TaskGroup) -> bool:
        """Keep a session that is on connected, and deliver what was kept for it."""
        if self._attachment is not None and self._attachment.lost is not None:
            return await self._recover(session)
        if self._attachment is None:
            holding = await find_holding(self._parts, "session", self._id, session.lease)
            if holding is None or not holding.is_on:
                return await self._recover(session)
            self._attach(holding)
        attachment = self._attachment
        if attachment is not None and not attachment.is_running:
            group.start_soon(attachment.run)
        if attachment is not None:
            try:
                await attachment.deliver()
            except (RunnerGoneError, SandboxUnavailableError) as error:
                attachment.lost = attachment.lost or str(error)
                return False
            except (StaleWriteError, StaleEpochError, NotFoundError):
                raise
            except LotError as error:
                told = TurnFailed(at=self._parts.now(), reason=str(error))
                closings = await withdrawals(self._parts, self._id, answered_too=False)
                await self._moves.apply(
                    self._id, agent=Trigger.TURN_FAILED, reason=str(error), events=[*closings, told]
                )
        return True

    async def _recover(self, session: Session) -> bool:
        """Go on with a sandbox that still runs, adopted if its runner died; else tell that it is gone."""
        lost = self._attachment
        self._detach()
        holding: Holding | None = None
        with anyio.move_on_after(1.0):
            holding = await find_holding(self._parts, "session", self._id, session.lease)
        if lost is not None and lost.is_sandbox_gone:
            return await self._tell_gone(session, holding or lost.holding, lost.lost or "it ended")
        if holding is None:
            return await self._adopt(session, (lost.lost if lost else None) or "Lot was stopped while it was on")
        if not holding.is_on:
            # It ended while nobody listened: the news of it were told to no one.
            return await self._tell_gone(session, holding, "it ended by itself")
        await anyio.sleep(REATTACH_S)
        return False

    async def _tell_gone(self, session: Session, holding: Holding, why: str) -> bool:
        await let_go(self._parts, "session", self._id, holding, destroy=session.sandbox)
        return await self._tell_lost(session, why)

    async def _adopt(self, session: Session, why: str) -> bool:
        holding = await take_over(self._parts, "session", self._id, session.sandbox, session.lease)
        try:
            await holding.client.bring_up(bring_up_order(self._parts, session, (Rung(kind="adopt"),)))
        except LotError as error:
            logger.info("sandbox could not be adopted", session_id=self._id, error=str(error))
            return await self._tell_gone(session, holding, why)
        self._attach(holding)
        return False

    async def _tell_lost(self, session: Session, why: str) -> bool:
        reason = f"its sandbox is gone ({why}); files are as they were"
        candidate = self._candidate(session)
        events = await cut(self._parts, session, reason)
        self._failures = 0
        self._parts.bus.live.reset(self._id)
        await self._moves.apply(
            self._id,
            sandbox=Trigger.SANDBOX_LOST,
            agent=Trigger.TURN_FAILED if events else None,
            reason=reason,
            events=events,
            memory_image=candidate,
        )
        return False

    def _candidate(self, session: Session) -> ImageId | None:
        """Return the image that a runner saved when it lost its lease; nobody has run the session since."""
        candidate = ImageId(f"candidate-{session.sandbox}-{session.lease.epoch}")
        is_complete = (self._parts.folders.image(candidate) / "manifest.json").exists()
        return candidate if is_complete else None

    async def _pause(self, session: Session) -> bool:
        self._failures = 0
        attachment = self._attachment
        if attachment is not None and attachment.lost is None and attachment.holding.epoch == session.lease.epoch:
            holding: Holding | None = attachment.holding
        else:
            holding = await find_holding(self._parts, "session", self._id, session.lease)
        self._detach()
        if holding is None:
            return await self._settle_pause(session)
        try:
            await pause_session(self._parts, self._moves, session, holding)
        except RunnerGoneError:
            return False
        return False

    async def _settle_pause(self, session: Session) -> bool:
        """The runner died during a pause, or before it began: a fresh one finishes it."""
        holding = await take_over(self._parts, "session", self._id, session.sandbox, session.lease)
        await settle_pause(self._parts, self._moves, session, holding)
        return False

    def _attach(self, holding: Holding) -> None:
        self._detach()
        self._attachment = Attachment(self._parts, self._moves, self._id, holding, self.wake, self.to_stop)
        self._parts.bus.publish(self._id)

    def _detach(self) -> None:
        if self._attachment is not None:
            self._attachment.close()
            self._attachment = None
