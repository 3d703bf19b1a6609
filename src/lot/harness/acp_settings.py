"""What an ACP agent lets its client set (model, mode, effort), and how our words stand for its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from acp import schema
from pydantic import BaseModel, ConfigDict

from lot.core.records import AgentMode
from lot.harness.acp_shapes import shaped

Setting = Literal["model", "mode", "effort"]

MODES: Mapping[AgentMode, tuple[str, ...]] = {
    AgentMode.FULL: ("bypassPermissions", "full-access", "yolo", "full", "auto", "build", "code"),
    AgentMode.EDITS: ("acceptEdits", "auto_edit", "autoEdit", "edits"),
    AgentMode.ASK: ("default", "ask"),
    AgentMode.PLAN: ("plan", "architect"),
}
"""What agents call our modes, best first."""
_CATEGORIES: Mapping[str, Setting] = {"model": "model", "mode": "mode", "thought_level": "effort"}
_MAX_OPTIONS = 100
_MAX_VALUES = 500
_MAX_VALUE_CHARS = 200


class Offered(BaseModel):
    """One thing that can be set."""

    model_config = ConfigDict(extra="ignore")
    config_id: str | None
    """None: a mode in the protocol's older form, set by `session/set_mode`."""
    values: list[str]
    current: str


def offered(answer: Mapping[str, Any]) -> dict[Setting, Offered]:
    """Return what an agent offers in its answer to a new or loaded session, or in an update of its options."""
    found: dict[Setting, Offered] = {}
    options = answer.get("configOptions")
    for raw in options[:_MAX_OPTIONS] if isinstance(options, list) else ():
        option = shaped(schema.SessionConfigOptionSelect, raw)
        setting = _CATEGORIES.get(str(option.category)) if option is not None else None
        if option is not None and setting is not None:
            current = option.current_value[:_MAX_VALUE_CHARS]
            found.setdefault(setting, Offered(config_id=option.id, values=_bounded(_values(option)), current=current))
    modes = shaped(schema.SessionModeState, answer.get("modes"))
    if modes is not None:
        values, current = _bounded(mode.id for mode in modes.available_modes), modes.current_mode_id[:_MAX_VALUE_CHARS]
        found.setdefault("mode", Offered(config_id=None, values=values, current=current))
    return found


def model_value(offer: Offered, model: str) -> str | None:
    """Return the agent's own name of a model; None when it has none of that name."""
    return next((value for value in offer.values if value == model or value.endswith(f"/{model}")), None)


def mode_value(offer: Offered, mode: AgentMode) -> str | None:
    """Return the agent's own name of a mode; None when it has no such mode."""
    return next((name for name in MODES[mode] if name in offer.values), None)


def mode_of(value: str) -> AgentMode | None:
    """Return which of our modes an agent's own name stands for."""
    return next((mode for mode, names in MODES.items() if value in names), None)


def _values(option: schema.SessionConfigOptionSelect) -> Iterable[str]:
    entries: Sequence[object] = option.options
    for entry in entries:
        if isinstance(entry, schema.SessionConfigSelectOption):
            yield entry.value
        elif isinstance(entry, schema.SessionConfigSelectGroup):
            yield from (one.value for one in entry.options)


def _bounded(values: Iterable[str]) -> list[str]:
    return [value for value in values if len(value) <= _MAX_VALUE_CHARS][:_MAX_VALUES]
