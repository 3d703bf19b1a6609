"""What new sessions and projects start from where nobody says otherwise. Read anew each time: all servers share it."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from lot.core.defaults import (
    MAX_IDLE_COUNTDOWN_S,
    MIN_IDLE_COUNTDOWN_S,
    NO_EFFORT,
    Defaults,
    KnownDefaults,
    ProviderModel,
)
from lot.core.errors import InvalidInputError
from lot.core.pausing import PauseLimits
from lot.core.records import AgentMode
from lot.engine.models import require_model
from lot.engine.parts import ModelProvider, Parts

logger = structlog.get_logger(__name__)


async def know_defaults(parts: Parts) -> KnownDefaults:
    """Return what users have chosen and what the configuration says."""
    return KnownDefaults(chosen=await parts.store.get_chosen_defaults(), configured=_configured(parts))


async def read_defaults(parts: Parts) -> Defaults:
    """Return what counts now."""
    return (await know_defaults(parts)).in_use


async def pause_limits(parts: Parts) -> PauseLimits:
    """Return the lengths that decide when sessions are paused, for a countdown that begins now."""
    defaults = await read_defaults(parts)
    return parts.settings.model_copy(update={"idle_countdown_s": defaults.idle_countdown_s})


async def choose_defaults(parts: Parts, choices: Mapping[str, Any], provider: str | None = None) -> KnownDefaults:
    """Change what users have chosen, for what begins from now on: all of it or, where one is refused, nothing.

    Args:
        choices: By the names of `ChosenDefaults`, the model as its name; None: as the configuration has it.
        provider: Whose the model is; None: the first that has it, that of the present default before the others.

    Raises:
        InvalidInputError: no provider has that model, there is no such size, or the countdown is out of bounds.
    """
    checked = dict(choices)
    if checked.get("size") is not None:
        _check_size(parts, checked["size"])
    if checked.get("idle_countdown_s") is not None:
        _check_countdown(checked["idle_countdown_s"])
    if checked.get("mode") is not None:
        checked["mode"] = AgentMode(checked["mode"])
    if checked.get("model") is not None:
        checked["model"] = await _find_model(parts, checked["model"], provider)
    await parts.store.choose_defaults(checked)
    logger.info("defaults changed", names=sorted(checked))
    return await know_defaults(parts)


def _configured(parts: Parts) -> Defaults:
    settings = parts.settings
    model = settings.model or parts.get_provider(settings.provider).models[0]
    return Defaults(
        model=ProviderModel(provider=settings.provider, model=model),
        effort=settings.effort or NO_EFFORT,
        mode=settings.mode,
        size=settings.size,
        idle_countdown_s=settings.idle_countdown_s,
    )


def _check_size(parts: Parts, size: str) -> None:
    try:
        parts.settings.get_size(size)
    except InvalidInputError as error:
        raise InvalidInputError(f"default size: {error}") from error


def _check_countdown(seconds: float) -> None:
    # So that what is no number at all is out of bounds, too.
    if not MIN_IDLE_COUNTDOWN_S <= seconds <= MAX_IDLE_COUNTDOWN_S:
        raise InvalidInputError(
            f"idle countdown: {seconds:g} s is not within {MIN_IDLE_COUNTDOWN_S:g} and {MAX_IDLE_COUNTDOWN_S:g} s "
            "(24 h). Next step: choose a length between them"
        )


async def _find_model(parts: Parts, model: str, provider: str | None) -> ProviderModel:
    refusals = []
    for each in await _askable(parts, provider):
        try:
            await require_model(each, model)
        except InvalidInputError as error:
            refusals.append(str(error))
        else:
            return ProviderModel(provider=each.name, model=model)
    raise InvalidInputError(
        f"default model: {'; '.join(refusals)}. Next step: choose one that `lot models` lists, or set the provider's "
        "key first"
    )


async def _askable(parts: Parts, provider: str | None) -> Sequence[ModelProvider]:
    if provider is not None:
        return [parts.get_provider(provider)]
    present = (await read_defaults(parts)).model.provider
    return sorted(parts.list_providers(), key=lambda each: each.name != present)
