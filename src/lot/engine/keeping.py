"""Brings what an agent says into the store, with what it means for its session; passes on what is only shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from lot.core.events import (
    AgentGone,
    AskClosed,
    SessionEvent,
    SettingsChanged,
    StateChanged,
    StoredEvent,
    TurnEnded,
    TurnFailed,
)
from lot.core.ids import SessionId
from lot.core.pausing import PauseReason
from lot.core.records import AgentMode, AskState, Session
from lot.core.session import AgentState, label
from lot.engine.asking import find_asked, withdrawals
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.harness.harness import AgentRecord

_BUSY = (AgentState.RUNNING, AgentState.WAITING)


class RecordKeeper:
    """Keeps the records of one session's agent, under one epoch."""

    def __init__(self, parts: Parts, moves: Moves, session_id: SessionId, epoch: int) -> None:
        self._parts, self._moves, self._id, self._epoch = parts, moves, session_id, epoch
        self.expected: Mapping[str, Any] = {}
        """Settings that the user is just changing, not stored yet."""

    async def keep(self, record: AgentRecord) -> list[StoredEvent] | None:
        """Bring one record into the store; return its events, or None for a repeat and for what is only shown.

        Raises:
            StaleEpochError, StaleWriteError, NotFoundError: the session is another's, or gone.
        """
        if record.is_live:
            self._parts.bus.live.broadcast(self._id, record.parts)
            return None
        session = await self._parts.store.get_session(self._id)
        agent = await self._judged(record)
        events = [_with_reason(event, session) for event in record.events if not self._is_known(event, session)]
        if _has_died(record) and (agent or session.agent) in _BUSY:
            agent = AgentState.ERRORED
            events.append(TurnFailed(at=self._parts.now(), reason="the agent program ended before the turn was over"))
        events = [await self._with_cost(event) for event in await self._with_closings(record, events)]
        fields: dict[str, Any] = _settings(events)
        if agent is not None and agent is not session.agent:
            fields |= await self._course(session, agent, events)
            events.append(self._told(session, agent, fields))
        kept = await self._parts.store.append_agent_events(
            self._id,
            epoch=self._epoch,
            run=record.run,
            from_offset=record.from_offset,
            to_offset=record.to_offset,
            events=events,
            agent=agent,
            delivered=record.delivered,
            lines=record.lines,
            files=record.files,
            now=self._parts.now(),
            **fields,
        )
        if kept is None:
            return None
        self._parts.bus.live.stored(self._id, kept[1])
        self._parts.bus.live.broadcast(self._id, record.parts)
        self._parts.bus.publish(self._id)
        if any(isinstance(event, TurnEnded | TurnFailed) for event in events):
            # What the turn used of models counts for the project, too.
            self._parts.bus.overview.project(session.project_id)
        return kept[1]

    def _is_known(self, event: SessionEvent, session: Session) -> bool:
        """Return whether an agent only repeats what its user has set, or is just setting."""
        if not isinstance(event, SettingsChanged) or event.by != "agent":
            return False
        modes, models = (
            (None, session.mode, self.expected.get("mode")),
            (None, session.model, self.expected.get("model")),
        )
        return event.mode in modes and event.model in models and event.effort is None

    async def _with_cost(self, event: SessionEvent) -> SessionEvent:
        """Return a turn's end with what the broker has metered since the ends of the turns before it."""
        if not isinstance(event, TurnEnded) or event.cost_usd is not None:
            return event
        spent = (await self._parts.store.session_usage(self._id)).cost_usd
        told = [stored.event for stored in await self._parts.store.events_of_kind(self._id, event.kind)]
        before = sum(turn.cost_usd or 0.0 for turn in told if isinstance(turn, TurnEnded))
        return event.model_copy(update={"cost_usd": spent - before}) if spent > before else event

    async def _judged(self, record: AgentRecord) -> AgentState | None:
        """Return the agent's state; one that waits for what the user has answered meanwhile is not waiting any more."""
        if record.agent is not AgentState.WAITING:
            return record.agent
        asked = any(event.kind in ("question_asked", "plan_proposed", "permission_asked") for event in record.events)
        states = {ask.state for ask in await self._parts.store.list_asks(self._id)}
        return AgentState.RUNNING if not asked and states == {AskState.ANSWERED} else AgentState.WAITING

    async def _course(self, session: Session, agent: AgentState, events: Sequence[SessionEvent]) -> dict[str, Any]:
        """Return when the session is to be paused from now on, and the reason that its user reads."""
        if session.pause_reason == PauseReason.LIMIT_REACHED and agent not in _BUSY:
            return {"pause_at": self._parts.now(), "pause_reason": session.pause_reason, "reason": session.reason}
        fields = await self._moves.pause_fields(agent, session.sandbox_state)
        return fields | {"reason": _why(events) if agent is AgentState.ERRORED else None}

    async def _with_closings(self, record: AgentRecord, events: list[SessionEvent]) -> list[SessionEvent]:
        """Close what is still asked where its turn is over; what the record closes itself is left to it."""
        place = next((i for i, event in enumerate(events) if event.kind in ("turn_ended", "turn_failed")), None)
        if place is None and not _has_died(record):
            return events
        is_stopped = any(isinstance(event, TurnEnded) and event.outcome == "interrupted" for event in events)
        is_over = is_stopped or _has_died(record) or any(isinstance(event, TurnFailed) for event in events)
        own = {event.ask_id for event in events if isinstance(event, AskClosed)}
        closings = [
            closing
            for closing in await withdrawals(self._parts, self._id, answered_too=is_stopped)
            if closing.ask_id not in own and (is_over or not await self._is_of_subagent(closing.ask_id))
        ]
        place = len(events) if place is None else place
        return [*events[:place], *closings, *events[place:]]

    async def _is_of_subagent(self, ask_id: str) -> bool:
        """Return whether a sub-agent asked, which goes on in the background when its parent's turn has ended."""
        pending = await self._parts.store.list_asks(self._id)
        ask = next((ask for ask in pending if ask.id == ask_id), None)
        return ask is not None and (await find_asked(self._parts, ask)).parent_tool_call_id is not None

    def _told(self, session: Session, agent: AgentState, fields: dict[str, Any]) -> StateChanged:
        return StateChanged(
            at=self._parts.now(),
            agent=agent,
            sandbox=session.sandbox_state,
            label=label(agent, session.sandbox_state),
            reason=fields.get("reason"),
            pause_at=fields.get("pause_at"),
        )


def _has_died(record: AgentRecord) -> bool:
    """Return whether an agent program has ended by itself, so that nobody goes on with what it was doing."""
    return record.is_end and not record.is_lost


def _with_reason(event: SessionEvent, session: Session) -> SessionEvent:
    """Return an interrupted turn's end with the limit that it was interrupted for."""
    is_limit = session.pause_reason == PauseReason.LIMIT_REACHED
    if is_limit and isinstance(event, TurnEnded) and event.outcome == "interrupted" and event.reason is None:
        return event.model_copy(update={"reason": session.reason})
    return event


def _settings(events: Sequence[SessionEvent]) -> dict[str, Any]:
    """Return the attributes of the session that its agent changed by itself."""
    changed: dict[str, Any] = {}
    for event in events:
        if isinstance(event, SettingsChanged) and event.by == "agent":
            changed |= {"model": event.model} if event.model is not None else {}
            changed |= {"mode": AgentMode(event.mode)} if event.mode in set(AgentMode) else {}
    return changed


def _why(events: Sequence[SessionEvent]) -> str | None:
    """Return why the newest turn failed, as the user is to read it."""
    reasons = [event.reason for event in events if isinstance(event, TurnFailed | AgentGone)]
    return reasons[-1] if reasons else None
