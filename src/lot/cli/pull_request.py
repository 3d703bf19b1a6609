"""`lot session pr` opens a session's pull request or brings it up to date; `lot pr` lists, shows and merges them."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from lot.api.schemas.projects import PullRequestBody
from lot.api.schemas.sessions import NewPullRequest
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import ago, facts, out, plain, print_json, table
from lot.cli.render_tools import coloured_patch

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Show and merge pull requests; `lot session pr` opens one."
)

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.", show_default=False)]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, show_default=False)]


def pr(
    ctx: typer.Context,
    session: SessionArgument,
    title: Annotated[str | None, typer.Option(help="By default the session's title.")] = None,
    body: Annotated[str | None, typer.Option(help="By default made from the messages.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Commit, push, and open a pull request; again: bring the same one up to date."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(NewPullRequest, title=title, body=body)
    with connect(ctx) as client:
        opened = client.open_pull_request(find_session(client, session).id, wanted)
        project = client.get_project(opened.project_id).name
    if shared.as_json:
        return print_json(opened)
    _print(opened)
    return out.print(f"Next step: `lot pr show {project} {opened.number}` or `lot pr merge {project} {opened.number}`")


@app.command("list")
def list_pull_requests(ctx: typer.Context, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """List a project's pull requests."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = client.list_pull_requests(project)
    if shared.as_json:
        return print_json(found)
    if not found:
        return out.print("No pull requests yet. Next step: `lot session pr <session>`")
    grid = table("NUMBER", "STATE", "TITLE", "BRANCH", "CHANGED")
    for each in found:
        grid.add_row(str(each.number), _state(each.state), plain(each.title), plain(each.branch), ago(each.updated_at))
    return out.print(grid)


@app.command()
def show(
    ctx: typer.Context,
    project: ProjectArgument,
    number: NumberArgument,
    patch: Annotated[bool, typer.Option("--patch", help="Its changes instead; piped, a patch.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a pull request."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        if patch:
            text = client.get_pull_request_patch(project, number)
            return _print_patch(text, as_json=shared.as_json)
        found = client.get_pull_request(project, number)
    return print_json(found) if shared.as_json else _print(found)


@app.command()
def merge(ctx: typer.Context, project: ProjectArgument, number: NumberArgument, as_json: JsonFlag = False) -> None:
    """Merge a pull request into its base branch."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        merged = client.merge_pull_request(project, number)
    return print_json(merged) if shared.as_json else _print(merged)


def _print_patch(text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"patch": text})
    elif sys.stdout.isatty():
        out.print(coloured_patch(text), soft_wrap=True)
    else:
        sys.stdout.write(text)


def _state(state: str) -> Text:
    return Text(state, style={"open": "green", "merged": "magenta"}.get(state, "red"))


def _print(request: PullRequestBody) -> None:
    out.print(
        facts(
            [
                ("pull request", f"{request.number}  {request.title}"),
                ("state", _state(request.state)),
                ("branch", f"{request.branch} into {request.base_branch}"),
                ("head", request.head_commit),
                ("address", request.url),
                ("", request.body),
            ]
        )
    )
