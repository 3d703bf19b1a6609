"""`lot session pr` opens a session's pull request or brings it up to date; `lot pr` lists, shows and merges them."""

import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from lot.api.schemas.projects import CheckBody, PullRequestBody, ReviewCommentBody
from lot.api.schemas.sessions import NewPullRequest
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import ago, facts, out, plain, print_json, table
from lot.cli.render_tools import coloured_patch
from lot.client.errors import RefusedError
from lot.core.errors import NotSupportedError

_Body = TypeVar("_Body")

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
    return out.print(f"Next step: {_next_step(project, opened)}")


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
    """Show a pull request, with its checks and review comments where the host has them."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        if patch:
            text = client.get_pull_request_patch(project, number)
            return _print_patch(text, as_json=shared.as_json)
        found = client.get_pull_request(project, number)
        checks = _asked(client.list_checks, project, number)
        comments = _asked(client.list_review_comments, project, number)
    if shared.as_json:
        return print_json(_as_json(found, checks, comments))
    _print(found)
    _print_checks(checks)
    return _print_comments(comments)


@app.command()
def merge(ctx: typer.Context, project: ProjectArgument, number: NumberArgument, as_json: JsonFlag = False) -> None:
    """Merge a pull request into its base branch."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        merged = client.merge_pull_request(project, number)
    return print_json(merged) if shared.as_json else _print(merged)


def _next_step(project: str, opened: PullRequestBody) -> str:
    """Return what is to be done about a pull request that is open: merging is not everywhere Lot's."""
    show = f"`lot pr show {project} {opened.number}`"
    if opened.can_merge:
        return f"{show} or `lot pr merge {project} {opened.number}`"
    has_page = opened.url.startswith(("http://", "https://"))
    where = plain(opened.url) if has_page else f"its host, where branch {plain(opened.branch)} is now"
    return f"{show}; {'mark it as ready' if opened.state == 'draft' else 'open and merge it'} at {where}"


def _asked(list_: Callable[[str, int], list[_Body]], project: str, number: int) -> list[_Body] | str | None:
    """Return what a host tells; None where it tells none, and why where it does not answer."""
    try:
        return list_(project, number)
    except RefusedError as error:
        return None if error.code == NotSupportedError.code else str(error)


def _as_json(
    found: PullRequestBody, checks: list[CheckBody] | str | None, comments: list[ReviewCommentBody] | str | None
) -> dict[str, object]:
    """Return a pull request with what its host tells; null where it tells none or does not answer."""
    told = {"checks": checks, "comments": comments}
    lists = {
        name: [each.model_dump(mode="json") for each in value] if isinstance(value, list) else None
        for name, value in told.items()
    }
    return found.model_dump(mode="json") | lists


def _print_checks(checks: list[CheckBody] | str | None) -> None:
    if isinstance(checks, str):
        out.print(f"Its checks cannot be read: {plain(checks)}")
    for check in checks if isinstance(checks, list) else ():
        word = check.conclusion or check.status
        style = {"success": "green", "failure": "red", "timed_out": "red"}.get(word, "yellow")
        out.print(Text.assemble((plain(word), style), f"  {plain(check.name)}  ", (plain(check.url), "dim")))


def _print_comments(comments: list[ReviewCommentBody] | str | None) -> None:
    if isinstance(comments, str):
        out.print(f"Its review comments cannot be read: {plain(comments)}")
    for comment in comments if isinstance(comments, list) else ():
        place = f"{comment.path}:{comment.line}" if comment.line else comment.path
        out.print(Text.assemble((plain(comment.author), "bold"), f" at {plain(place)}  ", (plain(comment.url), "dim")))
        out.print(plain(comment.body))


def _print_patch(text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"patch": text})
    elif sys.stdout.isatty():
        out.print(coloured_patch(text), soft_wrap=True)
    else:
        sys.stdout.write(text)


def _state(state: str) -> Text:
    return Text(state, style={"draft": "yellow", "open": "green", "merged": "magenta"}.get(state, "red"))


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
