"""The workers of all sessions, what runs beside them, and the way to the runner of a session that is on."""

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup

from lot.core.errors import SandboxUnavailableError, UnavailableError
from lot.core.ids import SessionId
from lot.core.session import SandboxState
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.engine.worker import SessionWorker
from lot.runner.client import RunnerClient

logger = structlog.get_logger(__name__)

CRASHED_WORKER_WAIT_S = 1.0
CLIENT_WAIT_S = 10.0
PREVIEW_WAIT_S = 2.0
"""A browser rather waits so long for a session that is on its way than for a page that asks again in a second."""


class Workers:
    """One worker per session, made when it is first asked for."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts, self._moves = parts, moves
        self._workers: dict[SessionId, SessionWorker] = {}
        self._group: TaskGroup | None = None

    def run_in(self, group: TaskGroup) -> None:
        """Have everything run in a task group from now on."""
        self._group = group

    def start_soon(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run something beside everything else, until the engine stops.

        Raises:
            UnavailableError: the engine is not running.
        """
        if self._group is None:
            raise UnavailableError("the engine is not running; start Lot with `lot up`")
        self._group.start_soon(function, *arguments)

    def ensure(self, session_id: SessionId) -> SessionWorker:
        """Return a session's worker, started where there is none yet."""
        worker = self._workers.get(session_id)
        if worker is None:
            worker = self._workers[session_id] = SessionWorker(self._parts, self._moves, session_id)
            self.start_soon(self._run_worker, worker, session_id)
        return worker

    def client_of(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session that is on.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        return self.holding_of(session_id).client

    def holding_of(self, session_id: SessionId) -> Holding:
        """Return what is held of a session that is on: its lease and its runner.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        worker = self._workers.get(session_id)
        if worker is None or worker.attachment is None or worker.attachment.lost is not None:
            raise SandboxUnavailableError(f"the sandbox of session {session_id} is not on; resume it first")
        return worker.attachment.holding

    def take_away(self, session_id: SessionId) -> SessionWorker | None:
        """Return a session's worker, if there is one, which is nobody's any more."""
        return self._workers.pop(session_id, None)

    async def client_soon(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session that is on, waiting a moment where it has only just come on.

        Raises:
            SandboxUnavailableError: it is not on. NotFoundError: there is no such session.
        """
        await self._wait_for_client(session_id, (SandboxState.ON,), CLIENT_WAIT_S, lambda worker: worker.attachment)
        return self.client_of(session_id)

    async def preview_client(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session as soon as its app can be seen, waiting a moment where it is on its way.

        Raises:
            SandboxUnavailableError: it is not to be seen. NotFoundError: there is no such session.
        """
        on_its_way = (SandboxState.ON, SandboxState.BOOTING, SandboxState.RESUMING)
        await self._wait_for_client(session_id, on_its_way, PREVIEW_WAIT_S, lambda worker: worker.shown)
        worker = self._workers.get(session_id)
        return worker.shown if worker is not None and worker.shown is not None else self.client_of(session_id)

    async def _wait_for_client(
        self,
        session_id: SessionId,
        states: Sequence[SandboxState],
        wait_s: float,
        find: Callable[[SessionWorker], object | None],
    ) -> None:
        """Wait while the session is in one of `states`, until its worker has what is looked for."""
        with anyio.move_on_after(wait_s):
            while True:
                ticket = self._parts.bus.ticket(session_id)
                is_expected = (await self._parts.store.get_session(session_id)).sandbox_state in states
                worker = self._workers.get(session_id)
                if not is_expected or (worker is not None and find(worker) is not None):
                    return
                await ticket.wait()

    async def _run_worker(self, worker: SessionWorker, session_id: SessionId) -> None:
        """Run a worker; one that failed by a defect of ours is logged and started anew, so that no session is stuck."""
        try:
            await worker.run()
        except Exception:
            logger.exception("session worker failed", session_id=session_id)
            await anyio.sleep(CRASHED_WORKER_WAIT_S)
            if self._workers.get(session_id) is worker:
                del self._workers[session_id]
                self.ensure(session_id)
