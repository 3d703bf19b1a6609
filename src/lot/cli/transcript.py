"""A session's events as a person reads them in a terminal."""

import json
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from lot.api.schemas.sessions import EventBody
from lot.cli.output import SCRIPTED, duration, label, plain
from lot.core import events as e

MAX_LINES = 40
MAX_CHARS = 4_000
MAX_INPUT_CHARS = 160
_MAIN_INPUT = ("command", "file_path", "path", "pattern", "url", "query", "description", "prompt")
"""What says most about a tool call, the best first."""
_PATCH_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_event(console: Console, body: EventBody) -> None:
    """Print one event; those that say nothing to a person print nothing."""
    shown = render(e.EVENT.validate_python(body.event))
    if shown is not None:
        console.print(shown)


def render(event: e.SessionEvent) -> RenderableType | None:
    """Return how an event looks, or None for one that is not worth a line."""
    match event:
        case e.MessageAdded(text=text):
            return Group(Text("\nYou", style="bold green"), Padding(Text(shortened(text)), (0, 0, 0, 2)))
        case e.AgentText(text=text):
            return Padding(Markdown(shortened(text, MAX_CHARS * 10, MAX_LINES * 10)), (1, 0, 0, _indent(event)))
        case e.AgentThought(text=text):
            return Padding(Text(shortened(text, 600, 6), style="dim italic"), (0, 0, 0, _indent(event)))
        case e.ToolCalled():
            return Padding(_call(event), (0, 0, 0, _indent(event)))
        case e.ToolFinished():
            return Padding(_result(event), (0, 0, 0, 4))
        case e.TurnEnded() | e.TurnFailed() | e.ModelRetried() | e.AgentStarted() | e.AgentGone():
            return _agent_line(event)
        case e.StateChanged():
            return _state_line(event)
        case e.StepDone(step=step, seconds=seconds, detail=detail):
            return _dim(f"{step}, {seconds:.2f} s{_after(detail)}")
        case e.CameBack(rung=rung, seconds=seconds, reason=reason):
            style = "green" if rung == "memory" else "yellow"
            return Text(f"· came back from {rung} in {seconds:.2f} s{_after(reason)}", style=style)
        case e.Forked(parent_id=parent, parent_event=number):
            return _dim(f"forked from {parent} at its event {number}")
        case e.DevServerChanged(status=status, port=port, detail=detail):
            at = f" on port {port}" if port else ""
            style = "red" if status in ("exited", "silent") else "dim"
            return Text(shortened(f"· dev server {status}{at}{_after(detail)}"), style=style)
        case e.PullRequestChanged(number=number, action=action, url=url):
            return Text(f"· pull request {number} {action}  {plain(url)}", style="magenta")
        case e.Notice(text=text):
            return Text(f"· {shortened(text)}", style="yellow")
        case _:
            return None


def shortened(text: str, max_chars: int = MAX_CHARS, max_lines: int = MAX_LINES) -> str:
    """Return printable text of a bounded length, saying how much is left out."""
    lines = plain(text[: max_chars * 2]).split("\n")
    kept = "\n".join(lines[:max_lines])[:max_chars]
    missing = len(text) - len(kept)
    return f"{kept} … ({missing:,} more characters)" if len(lines) > max_lines or missing > max_chars else kept


def _indent(event: e.AgentText | e.AgentThought | e.ToolCalled) -> int:
    """A sub-agent's doings stand further in."""
    return 4 if event.parent_tool_call_id else 0


def _call(event: e.ToolCalled) -> Text:
    return Text.assemble(("● ", "cyan"), (plain(event.name), "bold"), "  ", (_short_input(event.input), "dim"))


def _short_input(values: dict[str, Any]) -> str:
    main = next((values[key] for key in _MAIN_INPUT if isinstance(values.get(key), str)), None)
    text = main if main is not None else json.dumps(values, ensure_ascii=False)
    line = " ".join(plain(text).split())
    return line if len(line) <= MAX_INPUT_CHARS else line[:MAX_INPUT_CHARS] + "…"


def _result(event: e.ToolFinished) -> Text:
    if event.patch and not event.is_error:
        return coloured_patch("\n".join(_hunk(hunk) for hunk in event.patch))
    return Text(shortened(event.output.strip("\n"), 1_500, 10), style="red" if event.is_error else "dim")


def _hunk(hunk: dict[str, Any]) -> str:
    head = "@@ -{oldStart},{oldLines} +{newStart},{newLines} @@"
    try:
        return "\n".join([head.format(**hunk), *map(str, hunk["lines"])])
    except (KeyError, TypeError):
        return json.dumps(hunk)


def coloured_patch(patch: str) -> Text:
    """Return a patch with its added and removed lines coloured."""
    text = Text()
    for line in plain(patch).split("\n"):
        is_head = line.startswith(("+++", "---", "diff ", "index "))
        text.append(line + "\n", style="bold" if is_head else _PATCH_STYLES.get(line[:1], ""))
    text.rstrip()
    return text


def _agent_line(event: e.TurnEnded | e.TurnFailed | e.ModelRetried | e.AgentStarted | e.AgentGone) -> Text:
    match event:
        case e.TurnEnded():
            return Text("\n" + describe_turn(event), style="green" if event.outcome == "completed" else "yellow")
        case e.TurnFailed(reason=reason, status=status):
            by = f" (HTTP {status} from the model provider)" if status else ""
            return Text(f"\n✗ The turn failed: {shortened(reason)}{by}. Send a message to try again", style="red")
        case e.ModelRetried(attempt=attempt, delay_s=delay, status=status):
            because = f" after HTTP {status}" if status else ""
            return Text(f"· asking the model again{because}, attempt {attempt}, in {delay:.1f} s", style="yellow")
        case e.AgentStarted(program=program, version=version, provider=provider, model=model, is_scripted=scripted):
            asked = SCRIPTED if scripted else f"{model or 'default model'} at {provider}"
            return Text(f"· {plain(program)} {plain(version or '')} is up: {plain(asked)}", style="dim")
        case e.AgentGone(reason=reason):
            return Text(f"· the agent program ended: {shortened(reason)}", style="red")


def describe_turn(event: e.TurnEnded) -> str:
    """Return how a turn ended, with its duration and tokens."""
    parts = ["✓ Turn completed" if event.outcome == "completed" else "■ Turn interrupted"]
    if event.duration_s is not None:
        parts.append(f"{event.duration_s:.1f} s")
    if event.input_tokens is not None or event.output_tokens is not None:
        parts.append(f"{event.input_tokens or 0:,} tokens in, {event.output_tokens or 0:,} out")
    if event.outcome == "interrupted" and event.terminal_reason:
        parts.append(plain(event.terminal_reason))
    return " · ".join(parts)


def _state_line(event: e.StateChanged) -> Text:
    line = Text.assemble(("· ", "dim"), label(event.label))
    if event.reason:
        line.append(f": {shortened(event.reason)}")
    if event.pause_at:
        line.append(f"  pauses in {duration((event.pause_at - event.at).total_seconds())}", style="dim")
    return line


def _after(detail: str | None) -> str:
    return f": {shortened(detail)}" if detail else ""


def _dim(text: str) -> Text:
    return Text(f"· {plain(text)}", style="dim")
