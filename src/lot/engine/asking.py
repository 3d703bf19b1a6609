"""What agents ask their users: whether an answer fits, how it reads in words, and when nothing is asked any more."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from lot.core.asks import MAX_ANSWER_CHARS, Answer
from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.events import (
    AskClosed,
    PermissionAsked,
    PlanProposed,
    QuestionAsked,
    SessionEvent,
    SettingsChanged,
    TurnFailed,
)
from lot.core.ids import MessageId, SessionId
from lot.core.records import AgentMode, Ask, AskState, Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.moves import Moves, reason_to_keep
from lot.engine.parts import Parts

_QUOTED_CHARS = 2000

Asked = QuestionAsked | PlanProposed | PermissionAsked


async def find_asked(parts: Parts, ask: Ask) -> Asked:
    """Return the event that tells what was asked.

    Raises:
        NotFoundError: the transcript does not have it.
    """
    for stored in await parts.store.read_events(ask.session_id, after=ask.event - 1, limit=1):
        if isinstance(stored.event, QuestionAsked | PlanProposed | PermissionAsked):
            return stored.event
    raise NotFoundError(f"session {ask.session_id} has no event that asks {ask.id}")


def require_fitting(asked: Asked, answer: Answer) -> None:
    """Do nothing when an answer can be one to what was asked.

    Raises:
        InvalidInputError: it cannot; the message says what is needed.
    """
    size = len(answer.text or "") + sum(len(choice) for chosen in answer.choices.values() for choice in chosen)
    if size > MAX_ANSWER_CHARS:
        raise InvalidInputError(f"an answer has at most {MAX_ANSWER_CHARS} characters")
    if answer.mode is not None and answer.mode not in set(AgentMode):
        raise InvalidInputError(f"there is no mode {answer.mode!r}; there are {', '.join(AgentMode)}")
    if not isinstance(asked, QuestionAsked):
        if answer.verdict is None:
            raise InvalidInputError("this needs a verdict: allow, allow_always or deny")
        return
    unknown = set(answer.choices) - {question.question for question in asked.questions}
    if unknown:
        raise InvalidInputError(f"nothing was asked in the words {sorted(unknown)[0][:80]!r}")
    if not answer.choices and not (answer.text or "").strip():
        raise InvalidInputError("a question needs choices or a text as its answer")


def answer_in_words(asked: Asked, text: str) -> Answer:
    """Return a plain message as the answer to what was asked; to plans and permissions it is a denial with a reason."""
    text = text[:MAX_ANSWER_CHARS]
    return Answer(text=text) if isinstance(asked, QuestionAsked) else Answer(text=text, verdict="deny")


def words_of(asked: Asked, answer: Answer) -> str:
    """Return question and answer as a message to an agent whose program does not wait for the answer any more."""
    match asked:
        case QuestionAsked(questions=questions):
            asked_for = " / ".join(question.question for question in questions)
            said = [f"{question}: {', '.join(chosen)}" for question, chosen in answer.choices.items()]
            return f"You asked: {_quoted(asked_for)}\nThe user's answer: {_joined([*said, answer.text])}"
        case PlanProposed(plan=plan):
            verdict = "The user declined it." if answer.verdict == "deny" else "The user approved it: carry it out."
            return f"You proposed this plan:\n{_quoted(plan)}\n{_joined([verdict, answer.text])}"
        case PermissionAsked(name=name, title=title):
            verdict = "The user did not allow it." if answer.verdict == "deny" else "The user allowed it."
            return f"You asked for permission: {_quoted(title or name)}\n{_joined([verdict, answer.text])}"


def message_of(session_id: SessionId, ask: Ask) -> MessageId:
    """Return the id of the message that carries an answer in words: always the same, so that it is sent once."""
    return MessageId(str(uuid5(NAMESPACE_URL, f"lot:{session_id}:{ask.id}")))


async def with_mode(parts: Parts, session_id: SessionId, asked: Asked, answer: Answer) -> Answer:
    """Return an approval of a plan with the mode to go on in: the newest that is not planning, or doing everything."""
    if not isinstance(asked, PlanProposed) or answer.verdict == "deny" or answer.mode is not None:
        return answer
    told = [stored.event for stored in await parts.store.events_of_kind(session_id, "settings_changed")]
    modes = [event.mode for event in told if isinstance(event, SettingsChanged) and event.mode is not None]
    before = [mode for mode in modes if mode != AgentMode.PLAN]
    return answer.model_copy(update={"mode": before[-1] if before else AgentMode.FULL.value})


async def withdrawals(parts: Parts, session_id: SessionId, *, answered_too: bool) -> list[AskClosed]:
    """Return the events that close what is still asked.

    Args:
        answered_too: Also what is answered and was not taken; else that answer goes its way in words.
    """
    states = {AskState.OPEN, AskState.ANSWERED} if answered_too else {AskState.OPEN}
    pending = await parts.store.list_asks(session_id)
    return [AskClosed(at=parts.now(), ask_id=ask.id, outcome="withdrawn") for ask in pending if ask.state in states]


def open_asks(asks: Sequence[Ask]) -> list[Ask]:
    """Return those that wait for the user."""
    return [ask for ask in asks if ask.state is AskState.OPEN]


async def cut(parts: Parts, session: Session, reason: str) -> list[SessionEvent]:
    """Return the events that tell that a turn was lost with its sandbox's memory; none where none was.

    A turn that waits for its user, or for the agent to take an answer, is not lost: the answer goes on in words.
    """
    states = {ask.state for ask in await parts.store.list_asks(session.id)}
    is_waiting = session.agent is AgentState.WAITING and bool(states)
    is_answered = session.agent is AgentState.RUNNING and AskState.ANSWERED in states
    if session.agent not in (AgentState.RUNNING, AgentState.WAITING) or is_waiting or is_answered:
        return []
    told = TurnFailed(at=parts.now(), reason=f"the turn was interrupted: {reason}")
    return [*await withdrawals(parts, session.id, answered_too=False), told]


async def go_on_when_answered(parts: Parts, moves: Moves, session_id: SessionId) -> None:
    """Have a waiting agent run once nothing waits for its user; repeatable."""
    if open_asks(await parts.store.list_asks(session_id)):
        return
    session = await parts.store.get_session(session_id)
    await moves.apply(
        session_id,
        agent=Trigger.QUESTION_ANSWERED,
        reason=None if session.sandbox_state is SandboxState.ON else reason_to_keep(session),
        only_if=lambda seen: seen.agent is AgentState.WAITING,
    )


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARS else text[:_QUOTED_CHARS] + " …"


def _joined(lines: Sequence[str | None]) -> str:
    return "\n".join(line for line in lines if line)
