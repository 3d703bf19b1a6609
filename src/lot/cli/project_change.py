"""`lot project set|size|budget|browser|image`: what a project is set to."""

from collections.abc import Mapping
from typing import Annotated, Literal

import typer

from lot.api.schemas.projects import ProjectBody, ProjectChanges
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import out, plain, print_json
from lot.cli.processes import changed_beside
from lot.cli.project_show import print_project
from lot.cli.project_snapshot import ProjectArgument
from lot.cli.session_show import spent_of
from lot.cli.settings import NoneFlag, TokensOption, UsdOption, budget_changes
from lot.core.errors import InvalidInputError
from lot.core.image_source import FORMS


def set_project(
    ctx: typer.Context,
    project: ProjectArgument,
    setup: Annotated[str | None, typer.Option(help="Setup command; empty: none.")] = None,
    dev: Annotated[str | None, typer.Option(help="Dev command; empty: none.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port of the dev server; 0: found out.")] = None,
    branch: Annotated[str | None, typer.Option(help="What new sessions start from.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COMMAND", help="Runs beside the dev server; `NAME=` takes it away; repeatable."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Edit a project's commands, port, branch or name by hand. Sessions that are there keep theirs."""
    given = {"setup_command": setup, "dev_command": dev, "port": port, "branch": branch, "name": name}
    # Nothing at all means that none is wanted; an option that is not there, that it stays.
    changes: dict[str, object] = {key: value or None for key, value in given.items() if value is not None}
    if process:
        with connect(ctx) as client:
            changes["processes"] = changed_beside(client.get_project(project).processes, process)
    if not changes:
        raise InvalidInputError("What is to be changed? Next step: --setup, --dev, --port, --process, --branch, --name")
    changed = _change(ctx, project, changes, as_json=as_json)
    if changed is not None:
        print_project(changed)


def size(
    ctx: typer.Context,
    project: ProjectArgument,
    size: Annotated[str, typer.Argument(help="One that `lot sizes` lists.", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Give sessions that are started from now on another size; the others keep theirs."""
    changed = _change(ctx, project, {"size": size}, as_json=as_json)
    if changed is not None:
        out.print(
            f"Project {plain(changed.name)}: new sessions are {plain(changed.size)}. They start from disk until the "
            f"snapshot is of that size, too. Next step: `lot project retry {plain(changed.name)}`"
        )


def budget(
    ctx: typer.Context,
    project: ProjectArgument,
    tokens: TokensOption = None,
    usd: UsdOption = None,
    none: NoneFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Limit what all sessions of a project together may use of models; at the limit they are paused."""
    changed = _change(ctx, project, budget_changes(tokens, usd, is_none=none), as_json=as_json)
    if changed is not None:
        out.print(f"Project {plain(changed.name)} has used {spent_of(changed) or 'nothing'}")


def browser(
    ctx: typer.Context,
    project: ProjectArgument,
    state: Annotated[Literal["on", "off"], typer.Argument(show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Let a project's agents look at the app in a browser, or not."""
    changed = _change(ctx, project, {"has_browser": state == "on"}, as_json=as_json)
    if changed is not None:
        out.print(f"Project {plain(changed.name)}: browser verification is {'on' if changed.has_browser else 'off'}")


def image(
    ctx: typer.Context,
    project: ProjectArgument,
    wanted: Annotated[str, typer.Argument(metavar="IMAGE", help=f"{FORMS}, or default.", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Change what a project's sandboxes are made of, from its next snapshot on."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changed = client.change_project(project, checked(ProjectChanges, image=None if wanted == "default" else wanted))
    if shared.as_json:
        print_json(changed)
    else:
        out.print(f"Project {plain(changed.name)}: image {plain(changed.image or 'default')}")
        out.print(f"Next step: `lot project retry {changed.name}` builds a snapshot of it")


def _change(ctx: typer.Context, project: str, changes: Mapping[str, object], *, as_json: bool) -> ProjectBody | None:
    """Change a project; return it where it is to be shown to a person."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(ProjectChanges, **changes)
    with connect(ctx) as client:
        changed = client.change_project(project, wanted)
    if shared.as_json:
        print_json(changed)
        return None
    return changed
