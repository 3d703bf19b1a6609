"""`lot session logs`: what the dev server, or another process of a sandbox, prints."""

import codecs
import json
import sys
from typing import Annotated

import typer

from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import coloured, err, out, print_json
from lot.client.client import LotClient
from lot.client.process_output import follow_output
from lot.runner.protocol import DEV_PREFIX

TAIL_BYTES = 64 << 10


def logs(
    ctx: typer.Context,
    session: SessionArgument,
    process: Annotated[str, typer.Option(help="`dev` is the dev server; else one that runs beside it.")] = "dev",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep showing what comes; also across a pause.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the dev server's log, also of a paused session. With --json and -f, one object a line."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        process = f"{DEV_PREFIX}{process}" if process in found.processes else process
        if not follow:
            text = client.get_log(found.id, process)
            if shared.as_json:
                return print_json({"process": process, "text": text})
            return out.print(coloured(text), soft_wrap=True)
        if found.sandbox != "on":
            text = client.get_log(found.id, process)
            _write(text, as_json=shared.as_json)
            err.print(f"The session is {found.label}; its log goes on when it is back", style="yellow")
        return _follow(client, found.id, process, as_json=shared.as_json)


def _follow(client: LotClient, session: str, process: str, *, as_json: bool) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for data in follow_output(client, session, process, TAIL_BYTES, on_wait=_say_waiting):
        _write(decoder.decode(data), as_json=as_json)
    if not as_json:
        err.print(f"The process {process} has ended", style="yellow")


def _write(text: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"text": text}) + "\n")
        sys.stdout.flush()
    else:
        out.print(coloured(text), end="", soft_wrap=True)


def _say_waiting(reason: str) -> None:
    err.print(f"· {reason}; waiting", style="dim")
