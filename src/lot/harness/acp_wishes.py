"""Which settings an ACP agent must be asked to change so that it is as the session says."""

from lot.core.errors import AgentError
from lot.core.records import AgentMode
from lot.harness.acp_environment import opencode_permissions
from lot.harness.acp_notes import Notes
from lot.harness.acp_settings import Setting, mode_value, model_value


def wanted_settings(
    notes: Notes, *, model: str | None, effort: str | None, mode: AgentMode, is_start: bool = False
) -> dict[Setting, str]:
    """Return what to set, in the agent's own words; what is so already is left out.

    `is_start`: the program has just been told by its environment what it may not offer to change.

    Raises:
        AgentError: the agent has no such model, effort or mode, or cannot change it.
    """
    wanted: dict[Setting, str | None] = {
        "model": _model(notes, model, is_start=is_start),
        "effort": _effort(notes, effort),
        "mode": _mode(notes, mode),
    }
    return {
        setting: value
        for setting, value in wanted.items()
        if value is not None and notes.offers[setting].current != value
    }


def _model(notes: Notes, model: str | None, *, is_start: bool) -> str | None:
    offer = notes.offers.get("model")
    if model is None or (offer is None and is_start):
        return None
    if offer is None:
        raise AgentError("this agent program does not change its model while it runs")
    value = model_value(offer, model)
    if value is None:
        raise AgentError(f"this agent program has no model {model!r}: it has {_listed(offer.values)}")
    return value


def _effort(notes: Notes, effort: str | None) -> str | None:
    if effort is None:
        return None
    offer = notes.offers.get("effort")
    if offer is None:
        raise AgentError("this agent program lets nobody choose how hard the model thinks: leave the effort unset")
    if effort not in offer.values:
        raise AgentError(f"this agent program has no effort {effort!r}: it has {_listed(offer.values)}")
    return effort


def _mode(notes: Notes, mode: AgentMode) -> str | None:
    if notes.agent_name.lower() == "opencode" and mode is not AgentMode.PLAN:
        if opencode_permissions(mode) != opencode_permissions(notes.mode):
            raise AgentError(f"opencode takes the mode {mode.value!r} only when it is started")
        mode = AgentMode.FULL
    offer = notes.offers.get("mode")
    value = mode_value(offer, mode) if offer is not None else None
    if value is None and mode is not AgentMode.FULL:
        raise AgentError(f"this agent program has no mode {mode.value!r}: choose {AgentMode.FULL.value!r}")
    return value


def _listed(values: list[str]) -> str:
    shown = ", ".join(values[:20])
    return f"{shown} and {len(values) - 20} more" if len(values) > 20 else shown or "none"
