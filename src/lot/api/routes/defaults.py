"""What new sessions and projects start from: the same for all users of this installation."""

from typing import Any

from fastapi import APIRouter

from lot.api.schemas.defaults import SettingsBody, SettingsChanges
from lot.core.defaults import KnownDefaults
from lot.engine.engine import Engine


def default_routes(engine: Engine) -> APIRouter:
    """Return the routes at `/api/settings`."""
    router = APIRouter(prefix="/api/settings", tags=["host"])

    @router.get("")
    async def show_settings() -> SettingsBody:
        """Return what new sessions and projects start from, and what of it is the server's configuration."""
        return _body(await engine.know_defaults())

    @router.patch("")
    async def change_settings(changes: SettingsChanges) -> SettingsBody:
        """Choose what new sessions and projects start from; those that are there keep theirs.

        422: no provider has that model, there is no such size, or the countdown is out of bounds; nothing is changed.
        """
        choices = changes.model_dump(exclude_unset=True, exclude={"provider"})
        return _body(await engine.choose_defaults(choices, changes.provider))

    return router


def _body(known: KnownDefaults) -> SettingsBody:
    def default(name: str) -> dict[str, Any]:
        value, configured = getattr(known.in_use, name), getattr(known.configured, name)
        return {"value": value, "configured": configured, "origin": _origin(known, name)}

    model, configured = known.in_use.model, known.configured.model
    return SettingsBody.model_validate(
        {
            "model": {
                "value": model.model,
                "provider": model.provider,
                "origin": _origin(known, "model"),
                "configured": configured.model,
                "configured_provider": configured.provider,
            },
            **{name: default(name) for name in ("effort", "mode", "size", "idle_countdown_s")},
        }
    )


def _origin(known: KnownDefaults, name: str) -> str:
    return "configuration" if getattr(known.chosen, name) is None else "chosen"
