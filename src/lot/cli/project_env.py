"""`lot project env`: the environment variables of a project. Values are printed only where they are asked for."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lot.api.schemas.projects import EnvironmentBody, EnvironmentChanges, NewEnvironment
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.env_file import read_env_text
from lot.cli.output import ago, counted, err, out, plain, print_json, table
from lot.core.environment import parse_dotenv
from lot.core.errors import InvalidInputError
from lot.runner.dotenv import dotenv_text

ProjectArgument = Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.", show_default=False)]
RevealFlag = Annotated[bool, typer.Option("--reveal", help="Show the values, too.")]


class _EnvGroup(TyperGroup):
    """`lot project env PROJECT`, with or without options after it, means `lot project env PROJECT show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        project = next((place for place, word in enumerate(args) if not word.startswith("-")), None)
        if project is not None and all(word.startswith("-") for word in args[project + 1 :]):
            args = [*args[: project + 1], "show", *args[project + 1 :]]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_EnvGroup, add_completion=False)


@app.callback()
def env(ctx: typer.Context, project: ProjectArgument, as_json: JsonFlag = False) -> None:
    """Environment variables of a project, written to the `.env` of its sessions.

    Saving restarts nothing: a session uses new values after `lot session restart`, a new session at once.
    """
    ctx.meta["project"] = project
    common(ctx, as_json=as_json)


@app.command()
def show(ctx: typer.Context, reveal: RevealFlag = False, as_json: JsonFlag = False) -> None:
    """List the variables; without a command, that is what is done."""
    shared = common(ctx, as_json=as_json)
    project = ctx.meta["project"]
    with connect(ctx) as client:
        environment = client.get_environment(project, is_revealed=reveal)
    if shared.as_json:
        print_json(environment)
    else:
        _print(environment, project, is_revealed=reveal)


@app.command("set")
def set_variables(
    ctx: typer.Context,
    variables: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE...", help="NAME alone: its value is asked for.", show_default=False),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Set variables. NAME alone asks for its value without showing it, or reads it from standard input."""
    given = [variable.partition("=") for variable in variables]
    alone = [name for name, equals, _ in given if not equals]
    if len(alone) > 1 and not sys.stdin.isatty():
        raise InvalidInputError("Standard input can be the value of one variable. Next step: set one at a time")
    values = {name: value if equals else _ask(name) for name, equals, value in given}
    _change(ctx, {"set": values}, as_json=as_json)


@app.command()
def unset(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Remove variables; from a session's `.env` and processes they go when its dev server is restarted."""
    _change(ctx, {"unset": names}, as_json=as_json)


@app.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .env file, or - for standard input.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the file does not set.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Set all variables of a `.env` file."""
    text = read_env_text(file)
    # Here, too, so that the message names the file.
    parse_dotenv(text, str(file))
    if not replace:
        return _change(ctx, {"text": text}, as_json=as_json)
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changed = client.replace_environment(ctx.meta["project"], checked(NewEnvironment, text=text))
    return _say(changed, as_json=shared.as_json)


@app.command()
def export(
    ctx: typer.Context,
    reveal: RevealFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the variables with their values as a `.env` file; needs --reveal."""
    shared = common(ctx, as_json=as_json)
    if not reveal:
        raise InvalidInputError("This prints secrets. Next step: add --reveal if that is wanted here")
    with connect(ctx) as client:
        environment = client.get_environment(ctx.meta["project"], is_revealed=True)
    if shared.as_json:
        print_json(environment)
    else:
        sys.stdout.write(dotenv_text({each.name: each.value or "" for each in environment.variables}))


def _ask(name: str) -> str:
    if sys.stdin.isatty():
        value: str = typer.prompt(name, hide_input=True, err=True)
        return value
    return sys.stdin.read().removesuffix("\n")


def _change(ctx: typer.Context, changes: dict[str, object], *, as_json: bool) -> None:
    shared = common(ctx, as_json=as_json)
    wanted = checked(EnvironmentChanges, **changes)
    with connect(ctx) as client:
        changed = client.change_environment(ctx.meta["project"], wanted)
    _say(changed, as_json=shared.as_json)


def _say(changed: EnvironmentBody, *, as_json: bool) -> None:
    if as_json:
        return print_json(changed)
    out.print(f"Saved: {counted(len(changed.variables), 'variable')} now.")
    return _say_restarts(changed)


def _print(environment: EnvironmentBody, project: str, *, is_revealed: bool) -> None:
    if not environment.variables:
        out.print(f"No variables yet. Next step: `lot project env {plain(project)} set NAME=VALUE`")
    else:
        grid = table("NAME", "CHANGED", *(("VALUE",) if is_revealed else ()))
        for each in environment.variables:
            changed = ago(each.changed_at) if each.changed_at else ""
            grid.add_row(plain(each.name), changed, *((plain(each.value or ""),) if is_revealed else ()))
        out.print(grid)
    _say_restarts(environment)


def _say_restarts(environment: EnvironmentBody) -> None:
    for session in environment.sessions_to_restart:
        err.print(f"Session {session} still has other values: `lot session restart {session}`", style="yellow")
