"""The HTTP application: routes, sign-in and previews over one engine."""

from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

import lot
from lot.api.auth import require_token
from lot.api.description import describe_frames
from lot.api.errors import ErrorBody, install_error_handlers
from lot.api.overview import overview_routes
from lot.api.preview import Preview
from lot.api.routes.conversation import conversation_routes
from lot.api.routes.environment import environment_routes
from lot.api.routes.git_accounts import git_account_routes
from lot.api.routes.host import health_routes, host_routes
from lot.api.routes.projects import project_routes
from lot.api.routes.providers import provider_routes
from lot.api.routes.sessions import session_routes
from lot.api.routes.usage import usage_routes
from lot.api.stream import stream_routes
from lot.api.tickets import Tickets
from lot.api.views import Views
from lot.config import Settings
from lot.engine.engine import Engine

LANDING = Path(__file__).with_name("landing.html")

DESCRIPTION = """Sessions of Lot: live sandboxes with an AI coding agent each.

Instants are ISO 8601 with a time zone; sizes are in bytes, durations in seconds. Errors are
`{"code", "message"}`: `code` is stable, `message` names the next step.
"""


def build_app(engine: Engine, settings: Settings, *, token: str, tickets: Tickets) -> FastAPI:
    """Return the application; every route but health, its own description and the landing page needs the token."""

    async def signed_in(connection: HTTPConnection) -> None:
        require_token(connection, token)

    app = FastAPI(title="Lot", version=lot.__version__, description=DESCRIPTION)
    install_error_handlers(app)
    views = Views(engine, settings, tickets)
    app.include_router(health_routes())
    app.include_router(stream_routes(engine), dependencies=[Depends(signed_in)])
    app.include_router(overview_routes(engine, views), dependencies=[Depends(signed_in)])
    for routes in (
        host_routes(engine),
        provider_routes(engine),
        usage_routes(engine),
        git_account_routes(engine, views),
        project_routes(engine, views),
        environment_routes(engine, views),
        session_routes(engine, views),
        conversation_routes(engine, views),
    ):
        # The second dependency only tells the schema how to sign in.
        app.include_router(
            routes,
            dependencies=[Depends(signed_in), Depends(HTTPBearer(auto_error=False))],
            responses={"default": {"model": ErrorBody, "description": "Any error; `code` says which"}},
        )
    app.openapi = describe_frames(app)  # type: ignore[method-assign]
    app.add_middleware(Preview, engine=engine, tickets=tickets, token=token, domain=settings.preview_domain)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def landing() -> str:
        """Say what this is, until the web application stands here."""
        return LANDING.read_text()

    return app
