"""The HTTP application: routes, sign-in and previews over one engine."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import APIKeyCookie, HTTPBearer

import lot
from lot.api.cookies import COOKIE
from lot.api.description import describe
from lot.api.errors import ErrorBody, install_error_handlers
from lot.api.gate import Gate
from lot.api.origins import Origins
from lot.api.overview import overview_routes
from lot.api.preview import Preview
from lot.api.preview_entry import PreviewEntry
from lot.api.routes.access import access_routes
from lot.api.routes.conversation import conversation_routes
from lot.api.routes.defaults import default_routes
from lot.api.routes.environment import environment_routes, pasting_routes
from lot.api.routes.git_accounts import git_account_routes
from lot.api.routes.host import health_routes, host_routes
from lot.api.routes.previews import preview_routes
from lot.api.routes.projects import project_routes
from lot.api.routes.providers import provider_routes
from lot.api.routes.push import push_routes
from lot.api.routes.sessions import session_routes
from lot.api.routes.sign_in import sign_in_routes, sign_out_routes
from lot.api.routes.sign_in_elsewhere import sign_in_elsewhere_routes
from lot.api.routes.usage import usage_routes
from lot.api.routes.users import user_routes
from lot.api.stream import stream_routes
from lot.api.tickets import Tickets
from lot.api.views import Views
from lot.api.web_app import install_web_app
from lot.config import Settings
from lot.engine.engine import Engine
from lot.push.devices import PushDevices
from lot.sign_in.sign_in import SignIn

DESCRIPTION = """Sessions of Lot: live sandboxes with an AI coding agent each.

Instants are ISO 8601 with a time zone; sizes are in bytes, durations in seconds. Errors are
`{"code", "message"}`: `code` is stable, `message` names the next step.
"""

ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": ErrorBody, "description": "Any error; `code` says which"}
}


def build_app(engine: Engine, settings: Settings, *, token: str, tickets: Tickets) -> FastAPI:
    """Return the application; `token` is the operator's. Who is let in where is up to the gate, not to the routes."""
    sign_in = SignIn(engine.parts.store, engine.parts.now, token, settings)
    entry = PreviewEntry(tickets, sign_in, settings)
    # Its pages about the API would load their scripts from another host.
    app = FastAPI(title="Lot", version=lot.__version__, description=DESCRIPTION, docs_url=None, redoc_url=None)
    install_error_handlers(app)
    views = Views(engine, settings, tickets)
    app.include_router(health_routes())
    app.include_router(stream_routes(engine))
    app.include_router(overview_routes(engine, views))
    app.include_router(sign_in_routes(sign_in), responses=ERRORS)
    app.include_router(sign_in_elsewhere_routes(sign_in), responses=ERRORS)
    app.include_router(preview_routes(entry), responses=ERRORS)
    for routes in (
        sign_out_routes(sign_in, settings),
        access_routes(sign_in.access),
        user_routes(sign_in),
        push_routes(PushDevices(engine.parts.store, settings, engine.parts.now)),
        host_routes(engine),
        provider_routes(engine),
        default_routes(engine),
        usage_routes(engine),
        git_account_routes(engine, views),
        project_routes(engine, views),
        environment_routes(engine, views),
        pasting_routes(),
        session_routes(engine, views),
        conversation_routes(engine, views),
    ):
        # These dependencies only tell the schema how to sign in.
        ways_in = [Depends(HTTPBearer(auto_error=False)), Depends(APIKeyCookie(name=COOKIE, auto_error=False))]
        app.include_router(routes, dependencies=ways_in, responses=ERRORS)
    app.add_middleware(Gate, sign_in=sign_in, origins=Origins(settings))
    app.add_middleware(Preview, engine=engine, entry=entry, revocations=sign_in.revocations)

    install_web_app(app, preview_domain=settings.preview_domain)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app
