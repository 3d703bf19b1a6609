"""What is still being written: streamed text, thinking, output of running commands, a wait; folded, then shown.

The final event takes the place of its parts, so nothing of this stays on the screen.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from lot.cli.output import plain
from lot.cli.render_tools import call_title, tail_lines
from lot.cli.transcript import describe_retry
from lot.core import events as e

OUTPUT_LINES = 8
"""So much is shown of a running command."""
_KEPT_CHARS = 20_000
_SHOWN_CHARS = 8_000
"""More than a screen holds."""
_MAX_STRETCHES = 100
_STYLES = {"thought": "dim italic", "tool_input": "dim"}


@dataclass(slots=True)
class _Stretch:
    kind: str
    text: str
    end: int
    """Characters so far, also those no longer kept."""
    parent: str | None


@dataclass(frozen=True, slots=True)
class _Call:
    event: e.ToolCalled
    since: float


class LiveParts:
    """Folds parts and the events that replace them; `clock` gives seconds that only ever grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stretches: dict[str, _Stretch] = {}
        self._running: dict[str, _Call] = {}
        self._in_background: dict[str, e.ToolCalled] = {}
        self._retry: tuple[e.ModelRetried, float] | None = None

    def take_part(self, part: e.LivePart) -> None:
        """Add a part to what is shown."""
        if part.kind == "reset":
            self._drop(lambda key, stretch: key not in self._in_background)
            return
        if part.kind != "tool_output":
            self._retry = None
        stretch = self._stretches.get(part.key)
        if stretch is None or part.offset == 0:
            if len(self._stretches) >= _MAX_STRETCHES:
                del self._stretches[next(iter(self._stretches))]
            stretch = _Stretch(part.kind, "…" if part.offset else "", part.offset, part.parent_tool_call_id)
            self._stretches[part.key] = stretch
        new = part.text[max(0, stretch.end - part.offset) :]
        gap = "…" if part.offset > stretch.end else ""
        stretch.text = (stretch.text + gap + new)[-_KEPT_CHARS:]
        stretch.end = max(stretch.end, part.offset + len(part.text))

    def take_event(self, event: e.SessionEvent) -> None:
        """Forget what the event takes the place of."""
        match event:
            case e.AgentText(part_key=key) | e.AgentThought(part_key=key):
                self._retry = None
                self._drop(lambda each, stretch: each == key if key else _is_prose_of(stretch, event))
            case e.ToolCalled():
                self._retry = None
                self._stretches.pop(event.tool_call_id, None)
                self._drop(lambda _, stretch: _is_input_of(stretch, event))
                self._running[event.tool_call_id] = _Call(event, self._clock())
            case e.ToolFinished():
                self._finish(event)
            case e.SubagentChanged(tool_call_id=str(call), status=status) if status != "running":
                self._in_background.pop(call, None)
                self._stretches.pop(call, None)
            case e.SetupChanged(snapshot_id=key, status=status) if status != "step":
                self._stretches.pop(key, None)
            case e.ModelRetried():
                self._retry = (event, self._clock() + event.delay_s)
            case e.QuestionAsked() | e.PlanProposed() | e.PermissionAsked() | e.PlanChanged():
                self._retry = None
            case e.TurnEnded() | e.TurnFailed() | e.AgentGone() | e.CameBack():
                self._end_turn()
            case _:
                return

    def render(self, indent: Callable[[str | None], int] = lambda _: 0) -> RenderableType | None:
        """Return what there is to show, or None for nothing; `indent` says how far in something of a parent stands."""
        shown: list[tuple[RenderableType, str | None]] = []
        for key, stretch in self._stretches.items():
            if stretch.kind == "setup_output":
                shown.append((self._output(key), None))
            elif stretch.kind != "tool_output" and stretch.text:
                shown.append((_prose(stretch), stretch.parent))
        for key, call in self._running.items():
            shown += [(each, call.event.parent_tool_call_id) for each in self._call(key, call)]
        for key, event in self._in_background.items():
            if key in self._stretches:
                head = Text(f"◇ {call_title(event)}  in the background", style="dim")
                shown += [(head, event.parent_tool_call_id), (self._output(key), event.parent_tool_call_id)]
        if self._retry is not None:
            retried, due = self._retry
            shown.append((Text(f"· {describe_retry(retried, max(0.0, due - self._clock()))}", style="yellow"), None))
        if not shown:
            return None
        return Group(*(Padding(each, (0, 0, 0, indent(parent))) for each, parent in shown))

    def _call(self, key: str, call: _Call) -> list[RenderableType]:
        head = Text.assemble(("… ", "cyan"), (call_title(call.event), "dim"), "  ")
        head.append(f"{self._clock() - call.since:.0f} s", style="cyan")
        return [head, self._output(key)] if key in self._stretches else [head]

    def _output(self, key: str) -> RenderableType:
        output = tail_lines(self._stretches[key].text, OUTPUT_LINES)
        output.stylize("dim")
        output.no_wrap, output.overflow = True, "ellipsis"
        return Padding(output, (0, 0, 0, 4))

    def _finish(self, event: e.ToolFinished) -> None:
        call = self._running.pop(event.tool_call_id, None)
        if event.is_in_background:
            if call is not None:
                self._in_background[event.tool_call_id] = call.event
        else:
            self._stretches.pop(event.tool_call_id, None)

    def _end_turn(self) -> None:
        self._retry = None
        self._running.clear()
        self._drop(lambda key, stretch: key not in self._in_background)

    def _drop(self, is_over: Callable[[str, _Stretch], bool]) -> None:
        self._stretches = {key: each for key, each in self._stretches.items() if not is_over(key, each)}


def _is_prose_of(stretch: _Stretch, event: e.AgentText | e.AgentThought) -> bool:
    kind = "text" if isinstance(event, e.AgentText) else "thought"
    return stretch.kind == kind and stretch.parent == event.parent_tool_call_id


def _is_input_of(stretch: _Stretch, event: e.ToolCalled) -> bool:
    return stretch.kind == "tool_input" and stretch.parent == event.parent_tool_call_id


def _prose(stretch: _Stretch) -> Text:
    if stretch.kind == "tool_input":
        line = " ".join(plain(stretch.text).split())
        text = Text(f"… prepares a tool call  {line[-200:]}", style="dim", no_wrap=True)
        text.overflow = "ellipsis"
        return text
    return Text(plain(stretch.text[-_SHOWN_CHARS:]), style=_STYLES.get(stretch.kind, ""))
