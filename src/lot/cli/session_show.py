"""`lot session list|show`: what sessions there are, and how one stands."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from lot.api.schemas.projects import ProjectBody
from lot.api.schemas.sessions import PortBody, ProcessBody, SessionBody
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import (
    ago,
    byte_size,
    counted,
    duration,
    facts,
    label,
    money,
    out,
    plain,
    print_json,
    provider_note,
    table,
)
from lot.client.client import LotClient
from lot.client.errors import RefusedError
from lot.runner.protocol import DEV_PREFIX

_MAX_PORTS = 10


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
        if session.restart_needed:
            state.append(", restart needed", style="yellow")
        grid.add_row(session.id, state, session.project_name, plain(session.title), provider, ago(session.changed_at))
    return out.print(grid)


def show(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """Show a session."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        inside = None if shared.as_json else _look_inside(client, found)
    if shared.as_json:
        print_json(found)
    else:
        print_session(found, inside)


@dataclass(frozen=True, slots=True)
class Inside:
    """What is seen of a sandbox that is on."""

    processes: list[ProcessBody]
    ports: list[PortBody]


def _look_inside(client: LotClient, session: SessionBody) -> Inside | None:
    """Return what is seen of a session's sandbox; None while it is not on."""
    if session.sandbox != "on":
        return None
    try:
        return Inside(client.list_processes(session.id), client.list_ports(session.id).ports)
    except RefusedError:
        return None  # it went off meanwhile


def print_session(session: SessionBody, inside: Inside | None = None) -> None:
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
                ("model", _model(session)),
                ("mode", session.mode if session.mode != "full" else None),
                ("program", session.program if session.program != "claude" else None),
                ("size", f"{session.size} ({session.cpus} vCPU, {byte_size(session.memory_bytes)})"),
                ("branch", f"{session.branch}, from {session.base_branch} {(session.base_commit or '')[:10]}"),
                ("forked from", session.parent_id),
                ("pauses", _pauses(session)),
                ("asks", _asks(session)),
                ("waiting", _kept(session.kept_messages)),
                ("environment", _restart(session)),
                ("spent", spent_of(session)),
                ("processes", _processes(session, inside)),
                ("ports", _ports(session, inside)),
                ("preview", session.preview.url if session.preview else None),
            ]
        )
    )
    if session.preview:
        # On a line of its own and never broken: it is there to be copied.
        out.print(Text.assemble(("open it with  ", "dim"), plain(session.preview.sign_in_url)), soft_wrap=True)


def spent_of(spender: SessionBody | ProjectBody) -> str | None:
    """Return what was used of models, and of which budget; None where there is neither."""
    tokens, usd = counted(spender.spent_tokens, "token"), money(spender.spent_usd)
    if spender.budget_tokens is not None:
        tokens += f" of {spender.budget_tokens:,}"
    if spender.budget_usd is not None:
        usd += f" of {money(spender.budget_usd)}"
    has_any = spender.spent_tokens or spender.spent_usd or spender.budget_tokens or spender.budget_usd
    return f"{tokens}, {usd}" if has_any else None


def _model(session: SessionBody) -> str | None:
    if session.effort is None:
        return session.model
    return f"{session.model or 'the default'}, effort {session.effort}"


def _asks(session: SessionBody) -> str | None:
    if not session.open_asks:
        return None
    return f"{counted(session.open_asks, 'thing')} to answer: `lot session asks {session.id}`"


def _restart(session: SessionBody) -> str | None:
    if not session.restart_needed:
        return None
    first = "`lot session resume`, then " if session.sandbox != "on" else ""
    return f"variables were changed, restart needed: {first}`lot session restart {session.id}`"


def _kept(messages: int) -> str | None:
    return f"{counted(messages, 'message')} not yet taken" if messages else None


def _processes(session: SessionBody, inside: Inside | None) -> str | None:
    """Return how the dev server and what runs beside it stand, where anything runs beside it."""
    if not session.processes:
        return None
    known = {process.name: process for process in inside.processes} if inside else {}
    names = {"dev": "dev", **{name: f"{DEV_PREFIX}{name}" for name in session.processes}}
    if inside is None:
        return f"{', '.join(names)}: {session.label.lower()}"
    return ", ".join(f"{name} {_state(known.get(durable))}" for name, durable in names.items())


def _state(process: ProcessBody | None) -> str:
    if process is None:
        return "not started"
    return f"runs (pid {process.pid})" if process.is_running else f"ended with exit code {process.exit_code}"


def _ports(session: SessionBody, inside: Inside | None) -> str | None:
    if inside is None or not inside.ports:
        return None
    named = ", ".join(f"{port.port} {port.name}".rstrip() for port in inside.ports[:_MAX_PORTS])
    more = ", and more" if len(inside.ports) > _MAX_PORTS else ""
    return f"{named}{more}: `lot session ports {session.id}`"


def _pauses(session: SessionBody) -> str | None:
    if session.pause_at is None:
        return None
    left = duration((session.pause_at - datetime.now(UTC)).total_seconds())
    return f"in {left}{f' ({session.pause_reason})' if session.pause_reason else ''}"
