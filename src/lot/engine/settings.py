"""Changes what a session is set to: title, model, thinking effort, mode, budgets; live where its agent is up."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import structlog

from lot.core.defaults import NO_EFFORT
from lot.core.errors import InvalidInputError, RunnerGoneError, SandboxUnavailableError
from lot.core.events import SessionEvent, SettingsChanged
from lot.core.ids import SessionId
from lot.core.records import AgentMode, Session
from lot.engine.models import require_model
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.worker import SessionWorker
from lot.runner.protocol import ConfigureOrder

logger = structlog.get_logger(__name__)

_CANNOT_BE_TAKEN_AWAY = ("title", "model", "mode")
_AGENT_SETTINGS = ("model", "effort", "mode")


async def change_session(
    parts: Parts, moves: Moves, worker: SessionWorker, session_id: SessionId, changes: Mapping[str, Any]
) -> Session:
    """Change attributes of a session: all of them or, where one is refused, none.

    Raises:
        InvalidInputError: the provider has no such model, or the value is none.
        AgentError: the running agent refused; nothing was changed.
    """
    session = await parts.store.get_session(session_id)
    wanted = _checked(changes)
    new = {name: value for name, value in wanted.items() if value != getattr(session, name)}
    if "model" in new:
        await require_model(parts.get_provider(session.provider), new["model"])
    if not new:
        return session
    told = {name: value for name, value in new.items() if name in _AGENT_SETTINGS}
    events: list[SessionEvent] = [_changed(parts, told)] if told else []
    with nullcontext() if worker.attachment is None else worker.attachment.expecting(told):
        if told:
            await _configure(worker, session, told)
        changed = await moves.note(session_id, events=events, **new)
    parts.bus.publish(session_id)
    return changed


async def _configure(worker: SessionWorker, session: Session, told: Mapping[str, Any]) -> None:
    """Have the agent use new settings from its next request on; one that is not up gets them when it is."""
    attachment = worker.attachment
    if attachment is None or not attachment.is_agent_up:
        return
    settings = {name: getattr(session, name) for name in _AGENT_SETTINGS} | dict(told)
    try:
        await attachment.holding.client.configure_agent(ConfigureOrder(**settings))
    except (RunnerGoneError, SandboxUnavailableError) as error:
        logger.info("settings wait for the agent", session_id=session.id, error=str(error))


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in _CANNOT_BE_TAKEN_AWAY if name in changes and changes[name] is None]
    if missing:
        raise InvalidInputError(f"{missing[0]} cannot be taken away: leave it out to keep it as it is")
    return {name: AgentMode(value) if name == "mode" else value for name, value in changes.items()}


def _changed(parts: Parts, told: Mapping[str, Any]) -> SettingsChanged:
    effort = (told["effort"] or NO_EFFORT) if "effort" in told else None
    return SettingsChanged(at=parts.now(), model=told.get("model"), effort=effort, mode=told.get("mode"))
