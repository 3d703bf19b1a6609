"""What is printed: JSON for programs, or lines and tables for people; never an escape sequence from a sandbox."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

SCRIPTED = "scripted rehearsal, no model"
"""Stands wherever the rehearsal provider is at work."""

out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)

_UNPRINTABLE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b(?:\[[0-9;?<=>]*[ -/]*[@-~]|.)?|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

LABEL_STYLES = {
    "Running": "cyan",
    "Idle": "green",
    "Waiting for user": "yellow",
    "Errored": "red",
    "Paused": "blue",
}


def plain(text: str) -> str:
    """Return text without anything that a terminal would obey; it may come from a sandbox."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n"))


def coloured(text: str) -> Text:
    """Return text from a sandbox with its colours, and with nothing else that a terminal would obey."""
    obeyed = _UNPRINTABLE.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text.replace("\r\n", "\n"))
    return Text.from_ansi(obeyed, end="")


def print_json(value: BaseModel | Sequence[BaseModel] | dict[str, object]) -> None:
    """Print one JSON value on one line."""
    if isinstance(value, BaseModel):
        text = value.model_dump_json()
    elif isinstance(value, dict):
        text = json.dumps(value)
    else:
        text = "[" + ",".join(item.model_dump_json() for item in value) + "]"
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def label(name: str) -> Text:
    """Return a session's label in its colour."""
    return Text(name, style=LABEL_STYLES.get(name, "magenta"))


def provider_note(provider: str, *, is_scripted: bool) -> str:
    """Return the provider's name, with the warning where no model is asked."""
    return f"{provider} ({SCRIPTED})" if is_scripted else provider


def say_if_scripted(provider: str, *, is_scripted: bool) -> None:
    """Say plainly when no model will answer."""
    if is_scripted:
        err.print(f"Provider: {provider}: {SCRIPTED}", style="yellow")


def ago(moment: datetime) -> str:
    """Return how long ago something was, short."""
    return f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Return a length of time in its largest unit, rounded."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 message, 2 messages."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def byte_size(size: float) -> str:
    """Return a number of bytes in its largest unit, rounded."""
    for limit, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return counted(int(size), "byte")


def money(usd: float) -> str:
    """Return an amount of money; small ones with what they consist of."""
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def table(*columns: str) -> Table:
    """Return an empty table without lines."""
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid


def facts(rows: Sequence[tuple[str, str | Text | None]]) -> Table:
    """Return names and values below each other; rows without a value are left out."""
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(name, value if isinstance(value, Text) else Text(plain(value)))
    return grid
