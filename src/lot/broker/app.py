"""The broker as one application, served to runners only: model, git and what agents ask for.

The user interface is not here, and leases are renewed apart (`lease.py`).
"""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from lot.broker.model import ModelBroker


def create_broker_app(model: ModelBroker, git: ASGIApp, session: ASGIApp | None = None) -> Starlette:
    """Return the application, to be mounted at `/broker` of the control plane's socket.

    Args:
        model: Serves `/model`.
        git: Serves `/git`; see `create_git_app`.
        session: Serves `/session`: what the agent's own tools ask for.
    """
    routes: list[BaseRoute] = [Mount("/model", routes=model.routes()), Mount("/git", app=git)]
    if session is not None:
        routes.append(Mount("/session", app=session))
    return Starlette(routes=routes)
