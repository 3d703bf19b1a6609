"""Groups of commands that load a command's file when the command is run.

`lot session list` need not wait for the server's libraries, nor `lot --help` for anybody's.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what the list of commands says of it."""

    module: str
    attribute: str
    """A Typer application, or a function that is a command by itself."""
    summary: str


class LazyGroup(TyperGroup):
    """A group whose commands are named in `entries`."""

    entries: ClassVar[Mapping[str, Entry]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name=name, help=entry.summary, callback=None) for name, entry in self.entries.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find and load a command; a `--json` before it is handed on to it."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return None, None, rest
        command = _load(self.entries[name])
        takes_json = any(parameter.name == "as_json" for parameter in command.params)
        return name, command, ["--json", *rest] if takes_json and ctx.params.get("as_json") else rest


def _load(entry: Entry) -> Any:
    target = getattr(importlib.import_module(entry.module), entry.attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    alone = typer.Typer(add_completion=False)
    alone.command()(target)
    return typer.main.get_command(alone)
