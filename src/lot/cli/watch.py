"""`lot session watch`: a transcript as it grows."""

from typing import Annotated

import typer

from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import err, out, print_json, say_if_scripted
from lot.cli.transcript import print_event
from lot.client.client import LotClient
from lot.client.errors import SessionDeletedError
from lot.client.follow import follow


def watch(
    ctx: typer.Context,
    session: SessionArgument,
    after: Annotated[int, typer.Option(min=0, help="Begin after this event's number.")] = 0,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Print what there is, then end.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a session's conversation and keep showing it; Ctrl-C ends the watching, not the session.

    With --json, one event a line.
    """
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        if not shared.as_json:
            say_if_scripted(found.provider, is_scripted=found.is_scripted)
        if no_follow:
            _print_stored(client, found.id, after, as_json=shared.as_json)
            return
        try:
            for event in follow(client, found.id, after, on_lost=_say_lost):
                if shared.as_json:
                    print_json(event)
                else:
                    print_event(out, event)
        except SessionDeletedError:
            if not shared.as_json:
                err.print("The session was deleted", style="yellow")


def _print_stored(client: LotClient, session: str, after: int, *, as_json: bool) -> None:
    while True:
        page = client.list_events(session, after)
        for event in page.events:
            if as_json:
                print_json(event)
            else:
                print_event(out, event)
        if not page.events or page.events[-1].number >= page.newest:
            return
        after = page.events[-1].number


def _say_lost(reason: str) -> None:
    err.print(f"· connection lost ({reason}); reconnecting", style="dim")
