"""How tool calls and their results look: titles, outputs cut to what one reads, patches with line numbers."""

import json
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lot.cli.output import coloured, counted, plain
from lot.core import events as e

MAX_INPUT_CHARS = 160
MAX_PATCH_LINES = 60
FULL_LINES = 100_000
SILENT_TOOLS = frozenset({"AskUserQuestion", "ExitPlanMode", "TodoWrite"})
"""Their calls are shown by events of their own."""
_OUTPUT_LINES: dict[str, int] = {"read": 3, "search": 6}
_DEFAULT_LINES = 10
_MAX_LINE_CHARS = 2_000
_MAIN_INPUT = ("command", "file_path", "path", "pattern", "url", "query", "description", "prompt")
"""What says most about a tool call, the best first."""
_MARKS: dict[str, tuple[str, str]] = {
    "edit": ("●", "yellow"),
    "delete": ("●", "red"),
    "move": ("●", "yellow"),
    "execute": ("●", "magenta"),
    "think": ("●", "blue"),
}
_PATCH_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of long things is shown."""

    is_full: bool = False

    def lines(self, usual: int) -> int:
        """Return how many lines of something are shown."""
        return FULL_LINES if self.is_full else usual


def call_title(event: e.ToolCalled) -> str:
    """Return in one line what a tool call does."""
    return _line(event.title) if event.title else f"{tool_name(event.name)}  {short_input(event.input)}"


def tool_call(event: e.ToolCalled) -> Text:
    """Return a tool call: what it does, with which tool, of what kind."""
    mark, style = _MARKS.get(event.tool_kind, ("●", "cyan"))
    name = tool_name(event.name)
    if event.title is None:
        return Text.assemble((f"{mark} ", style), (name, "bold"), "  ", (short_input(event.input), "dim"))
    title = _line(event.title)
    notes = [] if title.startswith(name) else [name]
    notes += [event.tool_kind] if event.tool_kind not in ("other", name.lower()) else []
    return Text.assemble((f"{mark} ", style), (title, "bold"), (f"  {' · '.join(notes)}".rstrip(), "dim"))


def tool_name(name: str) -> str:
    """Return a tool's name for people: `mcp__lot__create_pull_request` becomes `lot: create_pull_request`."""
    parts = plain(name).split("__", 2)
    return f"{parts[1]}: {parts[2]}" if parts[0] == "mcp" and len(parts) > 2 else plain(name)


def short_input(values: dict[str, Any]) -> str:
    """Return what says most of a tool call's input, in one line."""
    main = next((values[key] for key in _MAIN_INPUT if isinstance(values.get(key), str)), None)
    return _line(main if main is not None else json.dumps(values, ensure_ascii=False))


def tool_result(event: e.ToolFinished, kind: str = "other", cut: Cut | None = None) -> RenderableType:
    """Return the result of a tool call of this kind."""
    cut = cut or Cut()
    parts: list[RenderableType] = []
    if event.patch and not event.is_error:
        parts.append(patch_head(event))
        parts.append(numbered_patch(event.patch, cut.lines(MAX_PATCH_LINES)))
    else:
        output = cut_lines(event.output.strip("\n"), cut.lines(_OUTPUT_LINES.get(kind, _DEFAULT_LINES)))
        output.stylize("red" if event.is_error else "dim")
        parts += [output] if output.plain else []
    parts += [Text(note, style="yellow") for note in _notes(event)]
    return Group(*parts) if parts else Text("(no output)", style="dim")


def _notes(event: e.ToolFinished) -> list[str]:
    notes = []
    if event.is_interrupted:
        notes.append("■ interrupted")
    if event.is_in_background:
        notes.append("… goes on in the background")
    if event.images:
        notes.append(f"({counted(event.images, 'image')} in the result)")
    if event.is_truncated:
        notes.append("(the rest was not kept)")
    return notes


def patch_head(event: e.ToolFinished) -> Text:
    """Return which file an edit changed, and how many lines."""
    lines = [str(line) for hunk in event.patch or () for line in _lines_of(hunk)]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    head = Text(plain(event.path or "a file"), style="bold")
    if event.is_new_file:
        head.append("  new", style="green")
    return head.append(f"  +{added}", style="green").append(f" -{removed}", style="red")


def numbered_patch(hunks: list[dict[str, Any]], max_lines: int = MAX_PATCH_LINES) -> Text:
    """Return the hunks of an edit, coloured; each line with its number: the old one where it went, else the new one."""
    text = Text()
    shown = 0
    total = sum(len(_lines_of(hunk)) for hunk in hunks)
    for place, hunk in enumerate(hunks):
        if place and shown < max_lines:
            text.append("    ⋮\n", style="dim")
        old, new = _start(hunk, "oldStart"), _start(hunk, "newStart")
        for line in _lines_of(hunk)[: max(0, max_lines - shown)]:
            sign = str(line)[:1]
            number = old if sign == "-" else new
            old += sign != "+"
            new += sign != "-"
            shown += 1
            text.append(f"{number:>5} ", style="dim")
            text.append(f"{sign or ' '} {_cut_line(plain(str(line)[1:]))}\n", style=_PATCH_STYLES.get(sign, ""))
    if total > shown:
        text.append(_more(total - shown), style="dim")
    text.rstrip()
    return text


def coloured_patch(patch: str) -> Text:
    """Return a patch with its added and removed lines coloured."""
    text = Text()
    for line in plain(patch).split("\n"):
        is_head = line.startswith(("+++", "---", "diff ", "index "))
        text.append(line + "\n", style="bold" if is_head else _PATCH_STYLES.get(line[:1], ""))
    text.rstrip()
    return text


def cut_lines(output: str, max_lines: int) -> Text:
    """Return the beginning of an output with its colours, and how many lines follow."""
    lines = output.split("\n")
    text = coloured("\n".join(_cut_line(line) for line in lines[:max_lines]))
    if len(lines) > max_lines:
        text.append("\n" + _more(len(lines) - max_lines))
    return text


def tail_lines(output: str, max_lines: int) -> Text:
    """Return the end of an output that still grows; a line that was overwritten shows what stands there last."""
    lines = [line.rsplit("\r", 1)[-1] for line in output.replace("\r\n", "\n").rstrip("\n").split("\n")[-max_lines:]]
    return coloured("\n".join(_cut_line(line) for line in lines))


def _more(count: int) -> str:
    return f"… {counted(count, 'more line')} (--full shows all)"


def _lines_of(hunk: dict[str, Any]) -> list[Any]:
    lines = hunk.get("lines")
    return lines if isinstance(lines, list) else []


def _start(hunk: dict[str, Any], key: str) -> int:
    start = hunk.get(key)
    return start if isinstance(start, int) else 1


def _cut_line(line: str) -> str:
    return line if len(line) <= _MAX_LINE_CHARS else f"{line[:_MAX_LINE_CHARS]}…"


def _line(text: str) -> str:
    line = " ".join(plain(text).split())
    return line if len(line) <= MAX_INPUT_CHARS else line[:MAX_INPUT_CHARS] + "…"
