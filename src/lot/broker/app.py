"""The broker as one application, served to runners only: model, git and leases. The user interface is not here."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from lot.broker.model import ModelBroker


def create_broker_app(model: ModelBroker, git: ASGIApp, lease: ASGIApp | None = None) -> Starlette:
    """Return the application, to be mounted at `/broker` of the control plane's socket.

    Args:
        model: Serves `/model`.
        git: Serves `/git`; see `create_git_app`.
        lease: Serves `/lease`: renewals and candidates of runners.
    """
    routes: list[BaseRoute] = [Mount("/model", routes=model.routes()), Mount("/git", app=git)]
    if lease is not None:
        routes.append(Mount("/lease", app=lease))
    return Starlette(routes=routes)
