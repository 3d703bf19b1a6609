"""`lot up`: runs the server until it is told to stop."""

import errno
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import SecretStr

from lot.api.schemas.projects import NewProject, ProjectBody
from lot.cli.common import DataDirOption
from lot.cli.output import SCRIPTED, err, out, plain
from lot.cli.project_wait import wait_for_snapshot
from lot.client.address import Address, find_token
from lot.client.client import LotClient
from lot.compose import create_app
from lot.config import Settings
from lot.core.errors import InvalidInputError, LotError, NotFoundError, UnavailableError
from lot.examples import vite_react

PROVIDERS = ("anthropic", "rehearsal")
POLL_S = 0.05
GRACE_S = 3
"""How long open requests may take to end before the sessions are paused."""

ApiKeyOption = Annotated[str | None, typer.Option(envvar="ANTHROPIC_API_KEY", hidden=True)]
ProviderOption = Annotated[
    str | None, typer.Option(help=f"What answers in new sessions: anthropic, or rehearsal ({SCRIPTED}).")
]


def up(
    ctx: typer.Context,
    example: Annotated[bool, typer.Option("--example", help="Create the example project, once.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="By default 7070.")] = None,
    provider: ProviderOption = None,
    data_dir: DataDirOption = None,
    while_stdin: Annotated[bool, typer.Option("--while-stdin", hidden=True)] = False,
    api_key: ApiKeyOption = None,
) -> None:
    """Run the Lot server on this machine. Ctrl-C pauses every session, then stops; a second one leaves them running."""
    settings = settings_of(port=port, provider=provider, data_dir=data_dir, anthropic_api_key=api_key)
    server = _Server(
        uvicorn.Config(create_app(settings), log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
    )
    listening = _listen(settings)
    with listening:
        threading.Thread(target=_greet, args=(server, settings, example), daemon=True, name="greeting").start()
        if while_stdin:
            threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True, name="stdin").start()
        server.run(sockets=[listening])
    if not server.started:
        raise UnavailableError("The server did not start; the reason is above. Next step: run `lot doctor`")
    out.print("Stopped.")


def settings_of(**options: Any) -> Settings:
    """Return the settings of the environment with the options that were given; the key of our own name comes first.

    Raises:
        InvalidInputError: there is no such provider.
    """
    settings = Settings()
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("provider", settings.provider) not in PROVIDERS:
        raise InvalidInputError(f"There is no such provider. Next step: use one of {', '.join(PROVIDERS)}")
    if settings.anthropic_api_key or settings.anthropic_auth_token:
        given.pop("anthropic_api_key", None)
    elif "anthropic_api_key" in given:
        given["anthropic_api_key"] = SecretStr(given["anthropic_api_key"])
    return Settings(**given)


def has_key(settings: Settings) -> bool:
    """Return whether there is something to ask a model with."""
    return settings.anthropic_api_key is not None or settings.anthropic_auth_token is not None


class _Server(uvicorn.Server):
    """Says what an orderly stop does, and lets a second Ctrl-C cut it short."""

    _is_stopping = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._is_stopping and sig == signal.SIGINT:
            err.print("\nStopped at once. Sessions that are on stay on; the next `lot up` takes them over.")
            # Whatever is under way is safe to cut: the next server finishes it or takes it back.
            os._exit(130)
        if not self._is_stopping:
            err.print("\nStopping: every session is paused first. Ctrl-C again leaves them running.")
        self._is_stopping = True
        # Not uvicorn's own way, which would raise the signal once more after an orderly end.
        self.should_exit = True


def _stop_with_stdin(server: _Server) -> None:
    """Stop in order once standard input ends: whoever holds its other end is gone, however that came."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.handle_exit(signal.SIGTERM, None)


def _listen(settings: Settings) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by each connection, which asyncio sets it for by itself only where the protocol is named: without it the
    # second half of an answer waits 40 ms for the caller's acknowledgement of the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise UnavailableError(
            f"Port {settings.port} of {settings.host} {reason}. Next step: stop what uses it "
            "(another `lot up`?), or choose another with --port"
        ) from error
    return listening


def _greet(server: _Server, settings: Settings, example: bool) -> None:
    """Once the server answers, say where it is and what to do; runs beside it."""
    if not _has_started(server):
        return
    address = Address(f"http://{settings.host}:{settings.port}", find_token(settings.data_dir))
    shown = "localhost" if settings.host == "127.0.0.1" else settings.host
    out.print(f"Lot is up at http://{shown}:{settings.port}, data in {settings.data_dir}")
    try:
        with LotClient(address) as client:
            _say_how_to_sign_in(client)
            _say_provider(client, settings)
            projects = client.list_projects()
            if example:
                _ensure_example(client, settings, projects)
            elif not projects:
                out.print("Next step, in another terminal: `lot project create <git URL or path>`")
    except LotError as error:
        if not server.should_exit:
            err.print(f"lot: {error}", style="red")


def _say_how_to_sign_in(client: LotClient) -> None:
    if not client.get_sign_in().has_users:
        out.print("Choose a name and a password (the link is good once, for 24 hours):")
        out.print(client.make_sign_in_link().url, soft_wrap=True)


def _has_started(server: _Server) -> bool:
    while not server.started and not server.should_exit:
        time.sleep(POLL_S)
    return server.started


def _say_provider(client: LotClient, settings: Settings) -> None:
    if settings.provider == "rehearsal":
        out.print(f"Provider: rehearsal: {SCRIPTED}", style="yellow")
    elif not has_key(settings) and not any(each.key_kind for each in client.list_providers()):
        out.print(
            f"Sessions need a key for the model: store one with `lot provider connect {settings.provider}`, or set "
            "ANTHROPIC_API_KEY (or LOT_ANTHROPIC_AUTH_TOKEN for your own subscription) and start again, or play with "
            f"`lot up --provider rehearsal` ({SCRIPTED}).",
            style="yellow",
        )


def _ensure_example(client: LotClient, settings: Settings, projects: list[ProjectBody]) -> None:
    project = next((each for each in projects if each.name == vite_react.NAME), None)
    if project is None:
        repository = vite_react.make_repository(settings.data_dir / "examples" / vite_react.NAME)
        project = client.create_project(
            NewProject(
                source=str(repository),
                name=vite_react.NAME,
                setup_command=vite_react.SETUP_COMMAND,
                dev_command=vite_react.DEV_COMMAND,
                port=vite_react.PORT,
            )
        )
        out.print("Setting up the example project; sessions can start when its snapshot is ready")
    if project.ready_snapshot is None:
        project = wait_for_snapshot(client, project, is_shown=True)
    if project.ready_snapshot is None:
        reason = plain(project.snapshot.failure or "no reason was given") if project.snapshot else "no snapshot"
        raise NotFoundError(f"The example is not ready: {reason}. Next step: `lot project retry {project.name}`")
    out.print(f"The example project is ready. Next step: `lot session new {project.name}`, in another terminal")
