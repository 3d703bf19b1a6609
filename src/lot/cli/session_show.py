"""`lot session list|show`: what sessions there are, and how one stands."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from lot.api.schemas.sessions import SessionBody
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import ago, duration, facts, label, out, plain, print_json, provider_note, table


def list_sessions(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the sessions, the newest first."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        sessions = client.list_sessions(project)
    sessions.sort(key=lambda session: session.created_at, reverse=True)
    if shared.as_json:
        return print_json(sessions)
    if not sessions:
        return out.print("No sessions yet. Next step: `lot session new <project>`")
    grid = table("SESSION", "STATE", "PROJECT", "TITLE", "PROVIDER", "CHANGED")
    for session in sessions:
        provider = provider_note(session.provider, is_scripted=session.is_scripted)
        state = label(session.label)
        grid.add_row(session.id, state, session.project_name, plain(session.title), provider, ago(session.changed_at))
    return out.print(grid)


def show(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """Show a session."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
    if shared.as_json:
        print_json(found)
    else:
        print_session(found)


def print_session(session: SessionBody) -> None:
    """Print what a session is and how it stands."""
    state = label(session.label)
    if session.reason:
        state.append(f": {plain(session.reason)}", style="default")
    out.print(
        facts(
            [
                ("session", f"{session.id}  {session.title}"),
                ("state", state),
                ("agent", f"{session.agent}" if session.label.lower() != session.agent else None),
                ("project", session.project_name),
                ("provider", provider_note(session.provider, is_scripted=session.is_scripted)),
                ("model", session.model),
                ("size", session.size),
                ("branch", f"{session.branch}, from {session.base_branch} {(session.base_commit or '')[:10]}"),
                ("forked from", session.parent_id),
                ("pauses", _pauses(session)),
                ("waiting", f"{session.kept_messages} messages not yet taken" if session.kept_messages else None),
                ("preview", session.preview.url if session.preview else None),
                ("open it with", Text(session.preview.sign_in_url, overflow="fold") if session.preview else None),
            ]
        )
    )


def _pauses(session: SessionBody) -> str | None:
    if session.pause_at is None:
        return None
    left = duration((session.pause_at - datetime.now(UTC)).total_seconds())
    return f"in {left}{f' ({session.pause_reason})' if session.pause_reason else ''}"
