"""What is seen of a session's work: live while it is on, else as it was at the last pause."""

from collections.abc import Callable

from lot.core.errors import NotFoundError, SandboxUnavailableError, UnavailableError
from lot.core.ids import SessionId
from lot.core.records import StoredDiff
from lot.core.session import SandboxState
from lot.engine.diffs import FilePatch, file_patch, keep_diff
from lot.engine.logs import kept_log, kept_log_names, kept_processes, read_log
from lot.engine.parts import Parts
from lot.engine.ports import SessionPort, read_ports
from lot.runner.client import RunnerClient
from lot.runner.protocol import ProcessBody


class Looking:
    """Looks into sandboxes, and at what was kept of them."""

    def __init__(self, parts: Parts, client_of: Callable[[SessionId], RunnerClient]) -> None:
        """`client_of` raises `SandboxUnavailableError` for a session that is not on."""
        self._parts, self._client_of = parts, client_of

    async def diff(self, session_id: SessionId) -> tuple[StoredDiff, bool]:
        """Return the session's diff and whether it is live; while it is off, the last that was computed.

        Raises:
            NotFoundError: there is none yet.
        """
        session = await self._parts.store.get_session(session_id)
        try:
            return await keep_diff(self._parts, session, self._client_of(session_id)), True
        except UnavailableError:
            kept = await self._parts.store.find_diff(session_id)
        if kept is None:
            raise NotFoundError(f"session {session_id} has no diff yet; it is computed when the session is on")
        return kept, False

    async def file_patch(self, session_id: SessionId, path: str) -> FilePatch:
        """Return what differs in one file of the session's diff; raises as `diffs.file_patch` does."""
        session = await self._parts.store.get_session(session_id)
        try:
            client: RunnerClient | None = self._client_of(session_id)
        except SandboxUnavailableError:
            client = None
        return await file_patch(self._parts, session, path, client)

    async def logs(self, session_id: SessionId, process: str) -> bytes:
        """Return what a process printed, live or as it was at the last pause."""
        await self._parts.store.get_session(session_id)
        try:
            return await read_log(self._client_of(session_id), process)
        except UnavailableError:
            return await kept_log(self._parts, session_id, process)

    async def processes(self, session_id: SessionId) -> tuple[list[ProcessBody], set[str] | None]:
        """Return a session's durable processes; while it is off those of the last pause, and whose output was kept."""
        await self._parts.store.get_session(session_id)
        try:
            return list(await self._client_of(session_id).processes()), None
        except UnavailableError:
            kept = await kept_processes(self._parts, session_id)
            return kept, await kept_log_names(self._parts, session_id)

    async def ports(self, session_id: SessionId) -> tuple[tuple[SessionPort, ...], str | None]:
        """Return what listens in a session's sandbox, and why nothing can be seen of it, where that is so."""
        session = await self._parts.store.get_session(session_id)
        try:
            return await read_ports(self._parts, session, self._client_of(session_id)), None
        except UnavailableError as error:
            is_off = session.sandbox_state is not SandboxState.ON
            off = f"the session is {session.label.lower()}: its ports can be seen while its sandbox is on"
            return (), off if is_off else str(error)
