"""The host: whether Lot is well, and what runs."""

import shutil

from fastapi import APIRouter
from pydantic import BaseModel

import lot
from lot.api.schemas.sessions import HostBody
from lot.core.session import SandboxState
from lot.engine.engine import Engine


class HealthBody(BaseModel):
    """That the server answers."""

    ok: bool
    version: str


def health_routes() -> APIRouter:
    """Return the one route that needs no token."""
    router = APIRouter(prefix="/api", tags=["host"])

    @router.get("/health")
    async def health() -> HealthBody:
        """Answer that the server is up."""
        return HealthBody(ok=True, version=lot.__version__)

    return router


def host_routes(engine: Engine) -> APIRouter:
    """Return the routes about this host."""
    router = APIRouter(prefix="/api", tags=["host"])

    @router.get("/host")
    async def host() -> HostBody:
        """Return the host's free memory and disk, in bytes, and every sandbox of which it holds anything."""
        parts = engine.parts
        settings = parts.settings
        provider = (await engine.know_defaults()).in_use.model.provider
        on = await parts.store.list_in_sandbox_states([SandboxState.ON])
        return HostBody(
            version=lot.__version__,
            provider=provider,
            is_scripted=parts.get_provider(provider).is_scripted,
            memory_available_bytes=parts.available_memory(),
            disk_free_bytes=shutil.disk_usage(settings.data_dir).free,
            sessions_on=len(on),
            sandboxes=list(await parts.fleet.list_sandboxes()),
        )

    return router
