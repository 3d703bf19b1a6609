"""A session's events as a person reads them in a terminal: each becomes what is printed of it, or nothing."""

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from lot.api.schemas.sessions import EventBody
from lot.cli import render_asks, render_tools
from lot.cli.output import SCRIPTED, byte_size, duration, money, plain
from lot.cli.render_tools import SILENT_TOOLS, Cut
from lot.core import events as e

MAX_LINES = 40
MAX_CHARS = 4_000
_THOUGHT_CHARS, _THOUGHT_LINES = 600, 6
_FULL = 1_000_000
_INDENT = 4
_MAX_DEPTH = 4
_MAX_CALLS = 10_000
_TODO_MARKS = {"pending": ("☐", ""), "in_progress": ("◐", "bold cyan"), "completed": ("☑", "dim strike")}
_TASK_STYLES = {"running": "dim", "completed": "green", "failed": "red", "stopped": "yellow"}
_LIMIT_NAMES = {
    "session_tokens": "the session's budget of tokens",
    "session_usd": "the session's budget of money",
    "project_tokens": "the project's budget of tokens",
    "project_usd": "the project's budget of money",
    "activity": "the time of the longest activity",
}


class Transcript:
    """Turns events, told in their order, into what is printed; remembers tool calls and questions for what follows."""

    def __init__(self, cut: Cut | None = None) -> None:
        self._cut = cut or Cut()
        self._calls: dict[str, e.ToolCalled] = {}
        self._asks: dict[str, render_asks.AskEvent] = {}
        self._tasks: dict[str, str] = {}
        self._last_call: str | None = None

    def render(self, event: e.SessionEvent) -> RenderableType | None:
        """Return how an event looks, or None for one that is not worth a line."""
        match event:
            case e.MessageAdded():
                return self._message(event)
            case e.AgentText(text=text):
                shown = self._shortened(text, MAX_CHARS * 10, MAX_LINES * 10)
                return Padding(Markdown(shown), (1, 0, 0, self.indent(event.parent_tool_call_id)))
            case e.AgentThought(text=text):
                shown = self._shortened(text, _THOUGHT_CHARS, _THOUGHT_LINES)
                return self._inside(Text(shown, style="dim italic"), event.parent_tool_call_id)
            case e.ToolCalled():
                return self._call(event)
            case e.ToolFinished():
                return self._result(event)
            case e.PlanChanged():
                return self._inside(todo_list(event), event.parent_tool_call_id)
            case e.QuestionAsked() | e.PlanProposed() | e.PermissionAsked():
                self._asks[event.ask_id] = event
                return self._inside(Group("", render_asks.ask(event, self._cut)), event.parent_tool_call_id)
            case e.AskAnswered(answer=answer):
                return render_asks.answer(answer)
            case e.AskClosed():
                return self._closed(event)
            case e.SubagentChanged():
                return self._inside(self._task(event), event.tool_call_id)
            case _:
                return _agent_line(event) or _session_line(event)

    def indent(self, parent: str | None) -> int:
        """Return how far in something stands whose parent is this tool call: a sub-agent's doings below its call."""
        depth = 0
        while parent is not None and depth < _MAX_DEPTH:
            depth += 1
            call = self._calls.get(parent)
            parent = call.parent_tool_call_id if call else None
        return depth * _INDENT

    def _inside(self, shown: RenderableType, parent: str | None) -> RenderableType:
        return Padding(shown, (0, 0, 0, self.indent(parent)))

    def _shortened(self, text: str, max_chars: int = MAX_CHARS, max_lines: int = MAX_LINES) -> str:
        return shortened(text, _FULL, _FULL) if self._cut.is_full else shortened(text, max_chars, max_lines)

    def _message(self, event: e.MessageAdded) -> RenderableType:
        parts: list[RenderableType] = [Text("\nYou", style="bold green")]
        parts.append(Padding(Text(self._shortened(event.text)), (0, 0, 0, 2)))
        for file in event.attachments:
            note = f"  + {plain(file.name)}  {plain(file.media_type)}, {byte_size(file.size_bytes)}"
            parts.append(Text(note, style="cyan"))
        return Group(*parts)

    def _call(self, event: e.ToolCalled) -> RenderableType | None:
        if len(self._calls) >= _MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        self._calls[event.tool_call_id] = event
        if event.name in SILENT_TOOLS:
            return None
        self._last_call = event.tool_call_id
        return self._inside(render_tools.tool_call(event), event.parent_tool_call_id)

    def _result(self, event: e.ToolFinished) -> RenderableType | None:
        call = self._calls.get(event.tool_call_id)
        if call is not None and call.name in SILENT_TOOLS and not event.is_error:
            return None
        shown = render_tools.tool_result(event, call.tool_kind if call else "other", self._cut)
        if call is not None and self._last_call != event.tool_call_id:
            # Another call was printed in between: say whose result it is.
            shown = Group(Text(f"↳ {render_tools.call_title(call)}", style="dim"), shown)
        self._last_call = event.tool_call_id
        return Padding(shown, (0, 0, 0, self.indent(call.parent_tool_call_id if call else None) + _INDENT))

    def _task(self, event: e.SubagentChanged) -> Text:
        """Return how a sub-agent or background command stands, by the name it had when it started."""
        call = self._calls.get(event.tool_call_id or "")
        name = event.description or self._tasks.get(event.task_id) or (render_tools.call_title(call) if call else "")
        self._tasks[event.task_id] = name
        text = Text("◇ ", style=_TASK_STYLES[event.status])
        text.append(f"{shortened(name or 'a task', 200, 1)}: {event.status}")
        if event.summary:
            text.append(f"\n{shortened(event.summary, 600, 4)}", style="dim")
        return text

    def _closed(self, event: e.AskClosed) -> RenderableType | None:
        asked = self._asks.pop(event.ask_id, None)
        if event.outcome == "taken":
            return None
        what = {"question_asked": "question", "plan_proposed": "plan", "permission_asked": "request for permission"}
        return _dim(f"the {what[asked.kind] if asked else 'question'} is withdrawn")


def print_event(console: Console, body: EventBody, transcript: Transcript | None = None) -> None:
    """Print one event; those that say nothing to a person print nothing."""
    shown = (transcript or Transcript()).render(e.EVENT.validate_python(body.event))
    if shown is not None:
        console.print(shown)


def shortened(text: str, max_chars: int = MAX_CHARS, max_lines: int = MAX_LINES) -> str:
    """Return printable text of a bounded length, saying how much is left out."""
    lines = plain(text[: max_chars * 2]).split("\n")
    kept = "\n".join(lines[:max_lines])[:max_chars]
    missing = len(text) - len(kept)
    return f"{kept} … ({missing:,} more characters)" if len(lines) > max_lines or missing > max_chars else kept


def todo_list(event: e.PlanChanged) -> Text:
    """Return a list of things to do with a mark for each."""
    done = sum(entry.status == "completed" for entry in event.entries)
    text = Text(f"To do, {done} of {len(event.entries)} done", style="dim")
    for entry in event.entries:
        mark, style = _TODO_MARKS[entry.status]
        text.append(f"\n  {mark} ", style="cyan").append(shortened(entry.content, 300, 3), style=style or "not dim")
    return text


def describe_turn(event: e.TurnEnded) -> str:
    """Return how a turn ended, with its duration, tokens and cost."""
    parts = ["✓ Turn completed" if event.outcome == "completed" else "■ Turn interrupted"]
    if event.duration_s is not None:
        parts.append(f"{event.duration_s:.1f} s")
    if event.input_tokens is not None or event.output_tokens is not None:
        parts.append(f"{event.input_tokens or 0:,} tokens in, {event.output_tokens or 0:,} out")
    if event.cost_usd:
        parts.append(money(event.cost_usd))
    if event.outcome == "interrupted" and (reason := event.reason or event.terminal_reason):
        parts.append(plain(reason))
    return " · ".join(parts)


def describe_retry(event: e.ModelRetried, left_s: float | None = None) -> str:
    """Return why the model is asked again, and when; `left_s` is what remains of the wait."""
    because = f" after HTTP {event.status}" if event.status else ""
    reason = f" ({shortened(event.reason, 200, 1)})" if event.reason else ""
    when = f"in {event.delay_s:.1f} s" if left_s is None else f"in {left_s:.0f} s" if left_s > 0 else "now"
    return f"asking the model again{because}{reason}, attempt {event.attempt}, {when}"


def _agent_line(event: e.SessionEvent) -> RenderableType | None:
    match event:
        case e.TurnEnded():
            return Text("\n" + describe_turn(event), style="green" if event.outcome == "completed" else "yellow")
        case e.TurnFailed(reason=reason, status=status):
            by = f" (HTTP {status} from the model provider)" if status else ""
            return Text(f"\n✗ The turn failed: {shortened(reason)}{by}. Send a message to try again", style="red")
        case e.ModelRetried():
            return Text(f"· {describe_retry(event)}", style="yellow")
        case e.AgentStarted(program=program, version=version, provider=provider, model=model, is_scripted=scripted):
            asked = SCRIPTED if scripted else f"{model or 'default model'} at {provider}"
            return Text(f"· {plain(program)} {plain(version or '')} is up: {plain(asked)}", style="dim")
        case e.AgentGone(reason=reason):
            return Text(f"· the agent program ended: {shortened(reason)}", style="red")
        case e.SettingsChanged():
            return _settings_line(event)
        case e.Compacted(trigger=trigger, tokens_before=tokens):
            before = f" from {tokens:,} tokens" if tokens else ""
            return Text(f"· the conversation was summed up{before} ({plain(trigger)})", style="magenta")
        case e.LimitReached(limit=limit, detail=detail):
            onward = "A message goes on" if limit == "activity" else f"`lot {limit.partition('_')[0]} budget` raises it"
            text = Text(f"■ {_LIMIT_NAMES[limit]} is used up: {shortened(detail)}", style="bold red")
            return text.append(f". {onward}", style="not bold default")
        case _:
            return None


def _session_line(event: e.SessionEvent) -> RenderableType | None:
    match event:
        case e.StateChanged():
            return _state_line(event)
        case e.StepDone(step=step, seconds=seconds, detail=detail):
            return _dim(f"{step}, {seconds:.2f} s{_after(detail)}")
        case e.CameBack(rung=rung, seconds=seconds, reason=reason):
            style = "green" if rung == "memory" else "yellow"
            return Text(f"· came back from {rung} in {seconds:.2f} s{_after(reason)}", style=style)
        case e.Forked(parent_id=parent, parent_event=number):
            return _dim(f"forked from {parent} at its event {number}")
        case e.DevServerChanged(status=status, port=port, detail=detail, process=process):
            at = f" on port {port}" if port else ""
            style = "red" if status in ("exited", "silent") else "dim"
            what = f"process {plain(process)}" if process else "dev server"
            return Text(shortened(f"· {what} {status}{at}{_after(detail)}"), style=style)
        case e.EnvironmentChanged(restart_needed=needed):
            said = "changed: restart needed, `lot session restart`" if needed else "new values are in use"
            return Text(f"· environment variables: {said}", style="yellow" if needed else "dim")
        case e.PullRequestChanged(number=number, action=action, url=url):
            return Text(f"· pull request {number} {action}  {plain(url)}", style="magenta")
        case e.SetupChanged(status=status, generation=generation, detail=detail, log_end=log_end):
            style = {"ready": "green", "failed": "red"}.get(status, "dim")
            head = f"setup {generation}" if status == "step" else f"setup {generation} {status}"
            said = f"· {head}: {plain(detail)}"
            return Text(f"{said}\n{plain(log_end).rstrip()}" if log_end else shortened(said), style=style)
        case e.Notice(text=text):
            return Text(f"· {shortened(text)}", style="yellow")
        case _:
            return None


def _settings_line(event: e.SettingsChanged) -> Text:
    named = (("model", event.model), ("effort", event.effort), ("mode", event.mode))
    changes = ", ".join(f"{name} {plain(value)}" for name, value in named if value)
    by = " (by the agent)" if event.by == "agent" else ""
    return Text(f"· from now on: {changes or 'as the model does by itself'}{by}", style="magenta")


def _state_line(event: e.StateChanged) -> Text:
    style = {"Errored": "red", "Waiting for user": "yellow"}.get(event.label, "dim")
    line = Text(f"· {plain(event.label)}", style=style)
    if event.reason:
        line.append(f": {shortened(event.reason)}")
    if event.pause_at:
        line.append(f"  pauses in {duration((event.pause_at - event.at).total_seconds())}", style="dim")
    return line


def _after(detail: str | None) -> str:
    return f": {shortened(detail)}" if detail else ""


def _dim(text: str) -> Text:
    return Text(f"· {plain(text)}", style="dim")
