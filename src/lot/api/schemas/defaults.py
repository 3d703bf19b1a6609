"""Bodies about defaults: what new sessions and projects start from where nobody says otherwise."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lot.api.schemas.sessions import Mode
from lot.core.defaults import MAX_IDLE_COUNTDOWN_S, MIN_IDLE_COUNTDOWN_S, Effort

DefaultEffort = Effort | Literal["default"]
Origin = Literal["configuration", "chosen"]

_ORIGIN = "chosen: it counts above what the server's configuration says; configuration: nobody has chosen another"
_CONFIGURED = "What the server's configuration says"
_LENGTH = f"{MIN_IDLE_COUNTDOWN_S:g} to {MAX_IDLE_COUNTDOWN_S:g} seconds"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelDefault(_Body):
    """Which model new sessions ask, and of which provider."""

    value: str
    provider: str
    origin: Origin = Field(description=_ORIGIN)
    configured: str = Field(description=_CONFIGURED)
    configured_provider: str


class EffortDefault(_Body):
    """How hard it is to think; default: as it does by itself."""

    value: DefaultEffort
    origin: Origin = Field(description=_ORIGIN)
    configured: DefaultEffort = Field(description=_CONFIGURED)


class ModeDefault(_Body):
    """What agents may do without asking; those of setup sessions may do everything all the same."""

    value: Mode
    origin: Origin = Field(description=_ORIGIN)
    configured: Mode = Field(description=_CONFIGURED)


class SizeDefault(_Body):
    """What sandboxes of new projects may use, one of `GET /api/sizes`."""

    value: str
    origin: Origin = Field(description=_ORIGIN)
    configured: str = Field(description=_CONFIGURED)


class CountdownDefault(_Body):
    """How many seconds a sandbox stays on once its agent is idle, waits or failed."""

    value: float
    origin: Origin = Field(description=_ORIGIN)
    configured: float = Field(description=_CONFIGURED)


class SettingsBody(_Body):
    """What new sessions and projects start from. A running countdown is not changed: the next of each session is."""

    model: ModelDefault
    effort: EffortDefault
    mode: ModeDefault
    size: SizeDefault
    idle_countdown_s: CountdownDefault


class SettingsChanges(_Body):
    """What is to be chosen; what is left out stays. Null: as the server's configuration has it."""

    model: str | None = Field(default=None, min_length=1, max_length=200)
    provider: str | None = Field(
        default=None, description="Whose the model is; by default the first that has it, the present one before others"
    )
    effort: DefaultEffort | None = None
    mode: Mode | None = None
    size: str | None = Field(default=None, min_length=1, max_length=80)
    idle_countdown_s: float | None = Field(default=None, description=_LENGTH)

    @model_validator(mode="after")
    def _has_the_model_of_its_provider(self) -> Self:
        if self.provider is not None and self.model is None:
            raise ValueError("a provider comes with one of its models: give a model, too")
        return self
