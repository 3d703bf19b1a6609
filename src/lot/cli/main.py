"""The `lot` command: its options, its list of commands, and how errors end it. Each command is in a file of its own."""

import json
import sys
from typing import Annotated, Any

import typer

from lot.cli.common import Common, DataDirOption, JsonFlag, UrlOption
from lot.cli.lazy import Entry, LazyGroup
from lot.client.errors import ServerUnreachableError
from lot.core.errors import InvalidInputError, LotError

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3

COMMANDS = {
    "setup": Entry("lot.cli.setup", "setup", "Set this machine up: sandbox runtime and base image."),
    "doctor": Entry("lot.cli.doctor", "doctor", "Show what Lot needs of this machine, and how to mend it."),
    "up": Entry("lot.cli.up", "up", "Run the Lot server."),
    "project": Entry("lot.cli.project", "app", "Repositories and the snapshots that sessions start from."),
    "session": Entry("lot.cli.session", "app", "Start, follow, pause, resume, fork and end sessions."),
    "account": Entry("lot.cli.account", "app", "Accounts at git hosts, such as GitHub."),
    "provider": Entry("lot.cli.provider", "app", "With which key a provider of models is asked."),
    "settings": Entry("lot.cli.defaults", "app", "What new sessions and projects start from."),
    "pr": Entry("lot.cli.pull_request", "app", "Show and merge pull requests."),
    "sign-in-link": Entry("lot.cli.sign_in_link", "sign_in_link", "Print a link with which a browser signs in, once."),
    "user": Entry("lot.cli.user", "app", "Who may sign in: list, rename, remove."),
    "secrets": Entry("lot.cli.secrets", "app", "Change the key that secrets are encrypted with."),
    "sizes": Entry("lot.cli.sizes", "sizes", "List the sizes that sandboxes can have."),
    "usage": Entry("lot.cli.usage", "usage", "Show what was used on each day: compute units, tokens, money."),
    "models": Entry("lot.cli.models", "models", "List the models that can be asked."),
    "rehearsal": Entry("lot.cli.rehearsal", "app", "The scripted provider by itself, and what it can play."),
    "demo": Entry("lot.cli.demo", "demo", "Play a session's whole life, each step checked."),
    "bench": Entry("lot.cli.bench", "app", "Measure sessions beside the bare runtime, and conversations."),
}


class _LotGroup(LazyGroup):
    entries = COMMANDS

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except LotError as error:
            raise typer.Exit(_report(error, as_json=ctx.find_object(Common).as_json)) from error


app = typer.Typer(cls=_LotGroup, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.callback()
def lot(
    ctx: typer.Context,
    as_json: JsonFlag = False,
    url: UrlOption = None,
    data_dir: DataDirOption = None,
    token: Annotated[
        str | None, typer.Option(envvar="LOT_API_TOKEN", hidden=True, help="Instead of the one in the data folder")
    ] = None,
) -> None:
    """Self-hosted coding sessions: live sandboxes with an agent in each.

    Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the server cannot be reached.
    """
    ctx.obj = Common(url=url, data_dir=data_dir, token=token, as_json=as_json)


def _report(error: LotError, *, as_json: bool) -> int:
    """Say on stderr what went wrong; return the exit code."""
    if as_json:
        print(json.dumps({"code": error.code, "message": str(error)}), file=sys.stderr)
    else:
        print(f"lot: {error}", file=sys.stderr)
    if isinstance(error, ServerUnreachableError):
        return EXIT_UNREACHABLE
    return EXIT_USAGE if isinstance(error, InvalidInputError) else EXIT_REFUSED


if __name__ == "__main__":
    app()
