"""`lot session diff`: everything that differs from the commit a session started at."""

import sys
from typing import Annotated

import typer

from lot.api.schemas.sessions import DiffBody
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import err, out, plain, print_json, table
from lot.cli.render_tools import coloured_patch


def diff(
    ctx: typer.Context,
    session: SessionArgument,
    stat: Annotated[bool, typer.Option("--stat", help="Only the files and how many lines changed.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a session's changes: committed, uncommitted and new files alike. Piped, it is a patch for `git apply`."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changes = client.get_diff(find_session(client, session).id)
    if shared.as_json:
        return print_json(changes)
    if not changes.is_live:
        err.print(f"The sandbox is off: this is how it was at {changes.taken_at.astimezone():%F %T}", style="yellow")
    if changes.is_truncated:
        err.print("The diff is too large to show whole; this is its beginning", style="yellow")
    if not changes.files and not changes.patch:
        return err.print("No changes")
    if stat:
        return _print_stat(changes)
    if sys.stdout.isatty():
        return out.print(coloured_patch(changes.patch), soft_wrap=True)
    sys.stdout.write(changes.patch)
    return None


def _print_stat(changes: DiffBody) -> None:
    grid = table("STATUS", "FILE", "+", "-")
    for file in changes.files:
        name = f"{file.old_path} -> {file.path}" if file.old_path and file.old_path != file.path else file.path
        added, removed = ("binary" if count is None else str(count) for count in (file.added, file.removed))
        grid.add_row(file.status, plain(name), added, removed)
    out.print(grid)
