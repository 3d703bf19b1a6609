"""A project's environment variables. Values leave the server in one answer only, and only where they are asked for."""

from fastapi import APIRouter, Response

from lot.api.schemas.projects import (
    EnvironmentBody,
    EnvironmentChanges,
    NewEnvironment,
    ParsedEnvironment,
    PastedEnvironment,
)
from lot.api.views import Views
from lot.core.environment import parse_dotenv
from lot.engine.engine import Engine
from lot.engine.environment import Edit, outdated_sessions


def pasting_routes() -> APIRouter:
    """Return the route that reads a `.env` before any project has it."""
    router = APIRouter(prefix="/api/environment", tags=["projects"])

    @router.post("/parse")
    async def parse_environment(pasted: PastedEnvironment, response: Response) -> ParsedEnvironment:
        """Return what a pasted .env sets; nothing is stored. 422: a line or a name is wrong; its number is named."""
        response.headers["Cache-Control"] = "no-store"
        return ParsedEnvironment(variables=parse_dotenv(pasted.text))

    return router


def environment_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/projects/{project}/environment`."""
    router = APIRouter(prefix="/api/projects/{project}/environment", tags=["projects"])
    store = engine.parts.store

    @router.get("")
    async def show_environment(project: str, response: Response, reveal: bool = False) -> EnvironmentBody:
        """Return the names, and with `reveal=true` the values."""
        found = await store.get_project(project)
        environment = await store.get_environment(found.id)
        outdated = await outdated_sessions(engine.parts, found.id, environment)
        response.headers["Cache-Control"] = "no-store"
        return views.environment(environment, outdated, is_revealed=reveal)

    @router.put("")
    async def replace_environment(project: str, new: NewEnvironment) -> EnvironmentBody:
        """Replace all variables. 422: a line or a name is wrong. 409: another version is there; nothing was saved.

        Restarts nothing: `sessions_to_restart` says which dev servers have other values.
        """
        edit = Edit(values={**_pasted(new.text), **new.variables}, is_replacement=True)
        return await change(project, edit, new.version)

    @router.patch("")
    async def change_environment(project: str, changes: EnvironmentChanges) -> EnvironmentBody:
        """Set and unset some variables; the rest stays. Answers as replacing them does."""
        edit = Edit(values={**_pasted(changes.text), **changes.set}, unset=frozenset(changes.unset))
        return await change(project, edit, changes.version)

    async def change(project: str, edit: Edit, version: int | None) -> EnvironmentBody:
        found = await store.get_project(project)
        return views.environment(*await engine.change_environment(found.id, edit, version))

    return router


def _pasted(text: str | None) -> dict[str, str]:
    return {} if text is None else parse_dotenv(text)
