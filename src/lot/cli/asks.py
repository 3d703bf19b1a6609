"""`lot session asks|answer`: what the agent asks and waits for, and the answer to it."""

from typing import Annotated

import typer
from rich.padding import Padding

from lot.api.schemas.sessions import AskBody
from lot.cli import render_asks
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import ago, out, print_json
from lot.cli.prompt import chosen_of
from lot.cli.render_tools import Cut
from lot.client.client import LotClient
from lot.core import events as e
from lot.core.asks import Answer, Verdict
from lot.core.errors import InvalidInputError, NotFoundError

_STATE_STYLES = {"open": "yellow", "answered": "green"}


def asks(
    ctx: typer.Context,
    session: SessionArgument,
    is_all: Annotated[bool, typer.Option("--all", help="Also what is answered or withdrawn.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what the agent asks: questions, plans, requests for permission."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        asked = client.list_asks(found.id, is_all=is_all)
    if shared.as_json:
        return print_json(asked)
    if not asked:
        return out.print("Nothing is asked")
    for ask in asked:
        out.print(f"{ask.id}  {ask.kind}, {ask.state}, {ago(ask.asked_at)}", style=_STATE_STYLES.get(ask.state, "dim"))
        out.print(Padding(render_asks.ask(event_of(ask), Cut()), (0, 0, 0, 2)))
        if ask.answer is not None:
            out.print(Padding(render_asks.answer(ask.answer), (0, 0, 0, 2)))
    return None


def answer(
    ctx: typer.Context,
    session: SessionArgument,
    ask: Annotated[
        str | None, typer.Argument(help="Its id, or the beginning; by default the only one.", show_default=False)
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(help="A choice, by its words or its number; repeatable. Of several questions: `2: Blue`."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="In your own words; beside a verdict, what the agent is told.")
    ] = None,
    allow: Annotated[bool, typer.Option("--allow", help="Approve the plan, permit the tool call.")] = False,
    always: Annotated[bool, typer.Option("--always", help="Permit it from now on.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Deny the plan or the tool call.")] = False,
    mode: Annotated[
        str | None, typer.Option(help="With --allow for a plan: full, edits or ask; by default as before the planning.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Answer what the agent asks, awake or asleep: a sleeping session wakes for it."""
    shared = common(ctx, as_json=as_json)
    verdict = _verdict(is_allowed=allow, is_always=always, is_denied=deny)
    with connect(ctx) as client:
        found = find_session(client, session)
        asked = _find(client, found.id, ask)
        given = make_answer(event_of(asked), choose or [], text, verdict, mode)
        answered = client.answer_ask(found.id, asked.id, given)
    if shared.as_json:
        print_json(answered)
    else:
        out.print(render_asks.answer(given))


def make_answer(
    event: render_asks.AskEvent, choose: list[str], text: str | None, verdict: Verdict | None, mode: str | None = None
) -> Answer:
    """Return an answer that fits what is asked.

    Raises:
        InvalidInputError: it does not fit.
    """
    if not isinstance(event, e.QuestionAsked):
        if verdict is None or choose:
            raise InvalidInputError("A plan or a permission wants a verdict. Next step: --allow, --always or --deny")
        return checked(Answer, verdict=verdict, text=text, mode=mode)
    if verdict is not None or mode is not None or not (choose or text):
        raise InvalidInputError("A question wants an answer. Next step: --choose LABEL, or --text")
    return checked(Answer, choices=_choices(event, choose), text=text)


def event_of(ask: AskBody) -> render_asks.AskEvent:
    """Return what exactly is asked.

    Raises:
        NotFoundError: the server says something that this version does not know.
    """
    event = e.EVENT.validate_python(ask.event.event)
    if isinstance(event, e.QuestionAsked | e.PlanProposed | e.PermissionAsked):
        return event
    raise NotFoundError(f"{ask.id} is a {event.kind}, which cannot be answered")


def _choices(event: e.QuestionAsked, choose: list[str]) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {}
    for each in choose:
        number, text = _numbered(each, len(event.questions))
        question = event.questions[number - 1]
        labels = chosen_of(question, text)
        if isinstance(labels, str):
            raise InvalidInputError(f"{question.question} {labels}. Next step: `lot session asks`")
        labels = tuple(dict.fromkeys((*chosen.get(question.question, ()), *labels)))
        if len(labels) > 1 and not question.is_multiple:
            raise InvalidInputError(f"{question.question} takes one answer. Next step: one --choose for each question")
        chosen[question.question] = labels
    return chosen


def _numbered(text: str, questions: int) -> tuple[int, str]:
    """Return which question a choice is for; `2: Blue` names it, where there are several."""
    head, colon, rest = text.partition(":")
    if questions > 1:
        if not (colon and head.strip().isdecimal() and 1 <= int(head) <= questions):
            raise InvalidInputError(
                f"There are {questions} questions. Next step: say which, as in --choose '1: {text}'"
            )
        return int(head), rest.strip()
    return 1, text.strip()


def _find(client: LotClient, session: str, wanted: str | None) -> AskBody:
    asked = client.list_asks(session)
    found = [each for each in asked if each.state == "open" and each.id.startswith(wanted or "")]
    if not found:
        raise NotFoundError(
            f"Session {session} asks nothing {'of that id' if wanted else 'at the moment'}. "
            f"Next step: `lot session asks {session} --all`"
        )
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise InvalidInputError(f"Several things are asked: {ids}. Next step: name one")
    return found[0]


def _verdict(*, is_allowed: bool, is_always: bool, is_denied: bool) -> Verdict | None:
    if is_denied and (is_allowed or is_always):
        raise InvalidInputError("Allowed and denied at once. Next step: choose one")
    if is_always:
        return "allow_always"
    return "allow" if is_allowed else "deny" if is_denied else None
