"""A conversation on a screen, without the screen: events and typed lines go in, what is printed and sent comes out."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from lot.api.schemas.sessions import EventBody
from lot.cli import render_asks
from lot.cli.line_input import LineInput
from lot.cli.live import LiveParts
from lot.cli.lower_part import LowerPart
from lot.cli.prompt import Prompt
from lot.cli.render_tools import Cut
from lot.cli.transcript import Transcript
from lot.core import events as e
from lot.core.asks import Answer

_TYPED_LINES = 5
_IDLE_HINT = "type a message and Enter to send it · Ctrl-C leaves, the session goes on"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the user typed: an answer to what is asked, or a message where nothing is."""

    ask_id: str | None
    answer: Answer | None = None
    text: str | None = None


class Conversation:
    """Folds events, parts and keys."""

    def __init__(self, clock: Callable[[], float], cut: Cut | None = None, *, can_type: bool = False) -> None:
        self._transcript = Transcript(cut)
        self._live = LiveParts(clock)
        self._can_type = can_type
        self._asks: dict[str, render_asks.AskEvent] = {}
        self._sent: dict[str, render_asks.AskEvent] = {}
        """Answered here; the event that says so has not come."""
        self._prompt: Prompt | None = None
        self._input = LineInput()
        self._drafts: dict[str | None, str] = {}

    def take(self, item: EventBody | e.LivePart) -> RenderableType | None:
        """Take an event or a part; return what is to be printed of it for good."""
        if isinstance(item, e.LivePart):
            self._live.take_part(item)
            return None
        event = e.EVENT.validate_python(item.event)
        self._live.take_event(event)
        match event:
            case e.QuestionAsked() | e.PlanProposed() | e.PermissionAsked():
                self._asks[event.ask_id] = event
            case e.AskAnswered() | e.AskClosed():
                self._asks.pop(event.ask_id, None)
                self._sent.pop(event.ask_id, None)
        self._choose_prompt()
        return self._transcript.render(event)

    def ask_again(self, reply: Reply) -> None:
        """Take back what could not be sent: a question is open again, a text stands where it was typed."""
        asked = self._sent.pop(reply.ask_id, None) if reply.ask_id else None
        if asked is not None:
            self._asks = {asked.ask_id: asked, **self._asks}
            self._choose_prompt()
        elif reply.text and self._prompt is None and not self._input.text:
            self._input.text = reply.text

    def type(self, keys: bytes) -> list[Reply]:
        """Take keys; return what they finish."""
        replies = [self._reply(line) for line in self._input.feed(keys)]
        return [reply for reply in replies if reply is not None]

    @property
    def is_left(self) -> bool:
        """Whether the user wants no more of it."""
        return self._input.is_ended

    def render(self) -> RenderableType:
        """Return what stands below the transcript and changes."""
        return LowerPart(self._live.render(self._transcript.indent), Group(*self._bottom()))

    def _bottom(self) -> list[RenderableType]:
        if not self._can_type:
            return []
        shown: list[RenderableType] = [Text("")]
        hint = _IDLE_HINT
        if self._prompt is not None:
            place, total = self._prompt.place
            if self._prompt.question is not None and total > 1:
                shown.append(render_asks.question(self._prompt.question, place, total))
            else:
                shown.append(render_asks.title(self._prompt.event))
            hint = self._prompt.hint
            if self._prompt.problem:
                shown.append(Text(self._prompt.problem, style="red"))
        shown.append(Text(hint, style="dim", no_wrap=True, overflow="ellipsis"))
        typed = "\n  ".join(self._input.text.split("\n")[-_TYPED_LINES:])
        shown.append(
            Text.assemble(("> ", "bold green" if self._prompt is None else "bold yellow"), typed, ("▏", "dim"))
        )
        return shown

    def _choose_prompt(self) -> None:
        """Turn to the oldest thing asked; what is half typed stays with what it was typed for."""
        before = self._prompt.event.ask_id if self._prompt else None
        asked = next(iter(self._asks.values()), None)
        now = asked.ask_id if asked else None
        if now != before:
            self._drafts[before] = self._input.text
            self._input.text = self._drafts.pop(now, "")
            self._prompt = Prompt(asked) if asked else None

    def _reply(self, line: str) -> Reply | None:
        if self._prompt is None:
            return Reply(None, text=line) if line.strip() else None
        answer = self._prompt.take(line)
        if answer is None:
            return None
        ask_id = self._prompt.event.ask_id
        # Not asked for twice, while the answer is on its way.
        self._sent[ask_id] = self._asks.pop(ask_id)
        self._choose_prompt()
        return Reply(ask_id, answer=answer)
