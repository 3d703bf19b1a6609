"""How questions, plans and requests for permission look, and the answers to them."""

import json
from typing import Any

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from lot.cli.output import plain
from lot.cli.render_tools import Cut, cut_lines, tool_name
from lot.core import events as e
from lot.core.asks import Answer, Question

AskEvent = e.QuestionAsked | e.PlanProposed | e.PermissionAsked
_INPUT_LINES = 12
_PLAN_LINES = 200
_VERDICTS = {"allow": "allowed", "allow_always": "allowed, always", "deny": "denied"}
_SHOWN_FIRST = ("command", "file_path", "path", "url")


def ask(event: AskEvent, cut: Cut | None = None) -> RenderableType:
    """Return something that the agent asks."""
    cut = cut or Cut()
    match event:
        case e.QuestionAsked(questions=questions):
            return Group(*(question(each, place, len(questions)) for place, each in enumerate(questions, 1)))
        case e.PlanProposed(plan=plan):
            shown = cut_lines(plan, cut.lines(_PLAN_LINES)).plain
            return Panel(Markdown(plain(shown)), title="Plan", title_align="left", border_style="yellow", box=ROUNDED)
        case e.PermissionAsked():
            return _permission(event, cut)


def title(event: AskEvent) -> Text:
    """Return in one line what an answer is for."""
    match event:
        case e.QuestionAsked(questions=questions):
            text = questions[0].question if questions else "A question"
        case e.PlanProposed():
            text = "Is the plan approved?"
        case e.PermissionAsked():
            text = f"Allowed? {event.title or tool_name(event.name)}"
    return Text(" ".join(plain(text).split()), style="bold", no_wrap=True, overflow="ellipsis")


def question(asked: Question, number: int = 1, total: int = 1) -> Text:
    """Return a question with its numbered choices."""
    text = Text()
    text.append("? ", style="bold yellow")
    if total > 1:
        text.append(f"{number} of {total}  ", style="dim")
    if asked.header:
        text.append(f"{plain(asked.header)}: ", style="bold")
    text.append(plain(asked.question), style="bold")
    if asked.is_multiple:
        text.append("  (several may be chosen)", style="dim")
    for place, choice in enumerate(asked.choices, 1):
        text.append(f"\n  {place}. ", style="cyan").append(plain(choice.label))
        if choice.description:
            text.append(f"  {plain(choice.description)}", style="dim")
    return text


def answer(given: Answer) -> Text:
    """Return what the user answered, in one line or a few."""
    said: list[str] = []
    if given.verdict:
        said.append(_VERDICTS[given.verdict])
    said += [f"{plain(question)}: {', '.join(map(plain, chosen))}" for question, chosen in given.choices.items()]
    if given.text:
        said.append(plain(given.text))
    if given.mode:
        said.append(f"in mode {plain(given.mode)}")
    return Text("↳ " + " · ".join(said or ["no answer"]), style="red" if given.verdict == "deny" else "green")


def _permission(event: e.PermissionAsked, cut: Cut) -> RenderableType:
    head = Text.assemble(("? ", "bold yellow"), (f"Allowed? {plain(event.title or tool_name(event.name))}", "bold"))
    body = cut_lines(_input(event.input), cut.lines(_INPUT_LINES))
    body.stylize("dim")
    return Group(head, body)


def _input(values: dict[str, Any]) -> str:
    """Return a tool's input with what matters most first, long texts below their names."""
    names = sorted(values, key=lambda name: (name not in _SHOWN_FIRST, isinstance(values[name], str)))
    return "\n".join(_entry(name, values[name]) for name in names)


def _entry(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"  {name}:\n{_indented(text)}" if "\n" in text.rstrip("\n") else f"  {name}: {text}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
