"""`lot session stop|pause|resume|restart|fork|delete`: what is done to a session by hand."""

from collections.abc import Callable
from typing import Annotated

import typer

from lot.api.schemas.sessions import NewFork, SessionBody
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import label, out, plain, print_json
from lot.client.client import LotClient

WAIT_S = 120.0

NoWaitFlag = Annotated[bool, typer.Option("--no-wait", help="Return at once, while it is being done.")]


def stop(ctx: typer.Context, session: SessionArgument, no_wait: NoWaitFlag = False, as_json: JsonFlag = False) -> None:
    """Interrupt the agent's turn; what it did so far stays."""
    _move(ctx, session, LotClient.stop_session, no_wait=no_wait, as_json=as_json)


def pause(ctx: typer.Context, session: SessionArgument, no_wait: NoWaitFlag = False, as_json: JsonFlag = False) -> None:
    """Hibernate a session: all its memory is kept, and none of the host's is used."""
    _move(ctx, session, LotClient.pause_session, no_wait=no_wait, as_json=as_json)


def resume(
    ctx: typer.Context, session: SessionArgument, no_wait: NoWaitFlag = False, as_json: JsonFlag = False
) -> None:
    """Bring a paused session back as it was, without starting the agent."""
    _move(ctx, session, LotClient.resume_session, no_wait=no_wait, as_json=as_json)


def restart(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """Restart the dev server with the project's newest environment variables; `.env` is written first."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        restarted = client.restart_dev_server(find_session(client, session).id)
    if shared.as_json:
        print_json(restarted)
    else:
        out.print(
            f"Session {restarted.id}: its dev server starts anew. Next step: `lot session logs {restarted.id} -f`"
        )


def fork(
    ctx: typer.Context,
    session: SessionArgument,
    title: Annotated[str | None, typer.Option(help="By default the parent's.")] = None,
    no_wait: NoWaitFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a second session out of one, with its memory, files and conversation; both go on."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(NewFork, title=title)
    with connect(ctx) as client:
        parent = find_session(client, session)
        child = client.fork_session(parent.id, wanted, 0.0 if no_wait else WAIT_S)
    if shared.as_json:
        return print_json(child)
    out.print("Session", child.id, "forked from", parent.id, end=": ")
    return _print_state(child)


def delete(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """Delete a session for good: conversation, disk, memory. Its branch and pull request stay."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        client.delete_session(found.id)
    if shared.as_json:
        print_json({"deleted": found.id})
    else:
        out.print(f"Deleted {found.id}  {plain(found.title)}")


def _move(
    ctx: typer.Context,
    session: str,
    move: Callable[[LotClient, str, float], SessionBody],
    *,
    no_wait: bool,
    as_json: bool,
) -> None:
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        moved = move(client, find_session(client, session).id, 0.0 if no_wait else WAIT_S)
    if shared.as_json:
        return print_json(moved)
    out.print("Session", moved.id, end=": ")
    return _print_state(moved)


def _print_state(session: SessionBody) -> None:
    state = label(session.label)
    if session.reason:
        state.append(f": {plain(session.reason)}", style="default")
    out.print(state)
