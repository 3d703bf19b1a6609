"""What new sessions and projects start from where nobody says otherwise, and when idle sessions are paused.

Where the choices are kept is in `store/defaults.py`, which of them may be made in `engine/defaults.py`.
"""

from dataclasses import dataclass
from typing import Literal

from lot.core.records import AgentMode

Effort = Literal["low", "medium", "high", "xhigh", "max"]
"""How hard a model is to think."""
NO_EFFORT: Literal["default"] = "default"
"""As the model does by itself."""
MIN_IDLE_COUNTDOWN_S, MAX_IDLE_COUNTDOWN_S = 30.0, 86_400.0
"""Shorter, and an agent's user cannot read its answer; longer, and a session is not meant to sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderModel:
    """A model, and the provider that is asked for it."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What counts where nobody says otherwise."""

    model: ProviderModel
    effort: str
    """`NO_EFFORT` or an `Effort`."""
    mode: AgentMode
    size: str
    """Of a new project."""
    idle_countdown_s: float

    def model_of(self, provider: str) -> str | None:
        """Return the model of new sessions that ask a provider; None: its own first."""
        return self.model.model if provider == self.model.provider else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenDefaults:
    """What users have chosen; None: as the configuration has it."""

    model: ProviderModel | None = None
    effort: str | None = None
    mode: AgentMode | None = None
    size: str | None = None
    idle_countdown_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDefaults:
    """What users have chosen, and what the configuration says."""

    chosen: ChosenDefaults
    configured: Defaults

    @property
    def in_use(self) -> Defaults:
        """What counts: the choice, where there is one."""
        chosen, configured = self.chosen, self.configured
        return Defaults(
            model=chosen.model or configured.model,
            effort=chosen.effort or configured.effort,
            mode=chosen.mode or configured.mode,
            size=chosen.size or configured.size,
            idle_countdown_s=chosen.idle_countdown_s or configured.idle_countdown_s,
        )
