"""The broker as one application, served to runners only: model, git, leases and what agents ask for.

The user interface is not here.
"""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from lot.broker.model import ModelBroker


def create_broker_app(
    model: ModelBroker, git: ASGIApp, lease: ASGIApp | None = None, session: ASGIApp | None = None
) -> Starlette:
    """Return the application, to be mounted at `/broker` of the control plane's socket.

    Args:
        model: Serves `/model`.
        git: Serves `/git`; see `create_git_app`.
        lease: Serves `/lease`: renewals and candidates of runners.
        session: Serves `/session`: what the agent's own tools ask for.
    """
    routes: list[BaseRoute] = [Mount("/model", routes=model.routes()), Mount("/git", app=git)]
    if lease is not None:
        routes.append(Mount("/lease", app=lease))
    if session is not None:
        routes.append(Mount("/session", app=session))
    return Starlette(routes=routes)
