"""Moves a session from state to state in the store, with the event that tells of it, and wakes its readers."""

from collections.abc import Callable, Sequence
from typing import Any

from lot.core.errors import StaleWriteError
from lot.core.events import SessionEvent, StateChanged
from lot.core.ids import SessionId
from lot.core.pausing import pause_deadline
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger, label, move_agent, move_sandbox
from lot.engine.defaults import pause_limits
from lot.engine.parts import Parts

_ATTEMPTS = 50


class Moves:
    """The only writer of a session's states."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def apply(
        self,
        session_id: SessionId,
        *,
        sandbox: Trigger | None = None,
        agent: Trigger | None = None,
        reason: str | None = None,
        epoch: int | None = None,
        events: Sequence[SessionEvent] = (),
        only_if: Callable[[Session], bool] | None = None,
        **fields: Any,
    ) -> Session | None:
        """Apply triggers to a session as it is now; read and decide again when somebody was faster.

        Args:
            reason: What the user reads beside the label from now on.
            epoch: Refuse unless the session's lease is of this epoch.
            events: Recorded before the change of state.
            only_if: Decides on the row that is about to be changed; False: nothing is done and None returned.
            fields: Further attributes of `Session`, in the same transaction.

        Raises:
            TransitionNotAllowedError: a trigger means nothing in the present state.
            StaleEpochError: the lease is another's. NotFoundError: the session is gone.
        """
        for _ in range(_ATTEMPTS):
            session = await self._parts.store.get_session(session_id)
            if only_if is not None and not only_if(session):
                return None
            new_sandbox = move_sandbox(session.sandbox_state, sandbox) if sandbox else session.sandbox_state
            new_agent = move_agent(session.agent, agent) if agent else session.agent
            now = self._parts.now()
            changes: dict[str, Any] = {
                "agent": new_agent,
                "sandbox_state": new_sandbox,
                "reason": reason,
                **await self.pause_fields(new_agent, new_sandbox),
                **fields,
            }
            told = StateChanged(
                at=now,
                agent=new_agent,
                sandbox=new_sandbox,
                label=label(new_agent, new_sandbox),
                reason=reason,
                pause_at=changes["pause_at"],
            )
            try:
                changed, _ = await self._parts.store.change_session(
                    session_id,
                    seen_version=session.version,
                    epoch=epoch,
                    events=[*events, told],
                    now=now,
                    **changes,
                )
            except StaleWriteError:
                continue
            self._parts.bus.publish(session_id)
            return changed
        raise StaleWriteError(f"session {session_id} was changed by others {_ATTEMPTS} times in a row")

    async def note(
        self,
        session_id: SessionId,
        *,
        epoch: int | None = None,
        events: Sequence[SessionEvent] = (),
        **fields: Any,
    ) -> Session:
        """Change attributes that no state depends upon; tried again when somebody was faster."""
        for _ in range(_ATTEMPTS):
            session = await self._parts.store.get_session(session_id)
            try:
                changed, _events = await self._parts.store.change_session(
                    session_id,
                    seen_version=session.version,
                    epoch=epoch,
                    events=events,
                    now=self._parts.now(),
                    **fields,
                )
            except StaleWriteError:
                continue
            self._parts.bus.overview.session(session_id)
            return changed
        raise StaleWriteError(f"session {session_id} was changed by others {_ATTEMPTS} times in a row")

    async def pause_fields(self, agent: AgentState, sandbox: SandboxState) -> dict[str, Any]:
        """Return when, and why, a session in these states is to be paused; nothing while it is not on."""
        if sandbox is not SandboxState.ON:
            return {"pause_at": None, "pause_reason": None}
        pause_at, pause_reason = pause_deadline(agent, self._parts.now(), await pause_limits(self._parts))
        return {"pause_at": pause_at, "pause_reason": pause_reason}

    async def tell(self, session_id: SessionId, *events: SessionEvent) -> None:
        """Record events that change no state."""
        await self._parts.store.append_events(session_id, events)
        self._parts.bus.publish(session_id)


def reason_to_keep(session: Session) -> str | None:
    """Return why a session has no hibernation image, which its resume will tell; None when it has one."""
    return session.reason if session.memory_image is None else None
