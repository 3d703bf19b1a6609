"""What an agent asks outlives pauses, restarts and lost memory; an answer reaches it once, awake or asleep."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lot.core.asks import Answer, Choice, Question
from lot.core.errors import InvalidInputError, TransitionNotAllowedError
from lot.core.events import PermissionAsked, PlanProposed, QuestionAsked
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, AskState, Attachment, Session
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.runner.protocol import RunnerNews
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import Agent, World

AT = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = MessageId("message-1"), MessageId("message-2")
ASK = AskId("toolu_1")
COLOUR = Question(question="Which colour?", choices=(Choice(label="red"), Choice(label="blue")))
ASKED = QuestionAsked(at=AT, ask_id=ASK, questions=(COLOUR,))
RED = Answer(choices={"Which colour?": ("red",)})


def agent_of(lot: Rig, session: Session, run: int = 1) -> Agent:
    """Return the agent of a session that is on."""
    return lot.world.sandboxes[session.sandbox].agents[run]


async def asking(lot: Rig, asked: QuestionAsked | PlanProposed | PermissionAsked = ASKED) -> Session:
    """Return a session whose agent asks."""
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="begin")
    await lot.delivered(session.id, 1)
    agent_of(lot, session).ask(asked)
    return await lot.until(session.id, lambda seen: seen.label is SessionLabel.WAITING)


async def asking_asleep(lot: Rig) -> Session:
    """Return a paused session whose agent asks."""
    session = await asking(lot)
    await lot.engine.pause(session.id)
    return await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)


async def state_of(lot: Rig, session: Session) -> AskState:
    """Return how far the ask is."""
    return (await lot.parts.store.get_ask(session.id, ASK)).state


async def taken(lot: Rig, session: Session) -> None:
    """Return once the agent has the answer."""

    async def holds() -> bool:
        return await state_of(lot, session) is AskState.TAKEN

    await lot.eventually(holds)


async def test_answer_awake_reaches_the_agent_and_the_turn_goes_on(lot: Rig) -> None:
    session = await asking(lot)
    ask = await lot.engine.answer(session.id, ASK, RED)
    assert ask.state is AskState.ANSWERED
    await taken(lot, session)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    assert agent_of(lot, session).answers == {ASK: RED}
    kinds = await lot.kinds(session.id)
    told = [kind for kind in kinds if kind in ("question_asked", "ask_answered", "ask_closed")]
    assert told == ["question_asked", "ask_answered", "ask_closed"]


async def test_same_answer_twice_is_one_and_another_is_refused(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    for _ in range(2):
        assert (await lot.engine.answer(session.id, ASK, RED)).answer == RED
    with pytest.raises(TransitionNotAllowedError):
        await lot.engine.answer(session.id, ASK, Answer(text="blue"))
    assert (await lot.kinds(session.id)).count("ask_answered") == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(), Answer(choices={"Which size?": ("big",)}), Answer(text="  "), Answer(text="red", mode="anything")],
)
async def test_what_is_no_answer_is_refused(lot: Rig, answer: Answer) -> None:
    session = await asking(lot)
    with pytest.raises(InvalidInputError):
        await lot.engine.answer(session.id, ASK, answer)
    assert await state_of(lot, session) is AskState.OPEN


async def test_plan_needs_a_verdict(lot: Rig) -> None:
    session = await asking(lot, PlanProposed(at=AT, ask_id=ASK, plan="# Plan"))
    with pytest.raises(InvalidInputError, match="verdict"):
        await lot.engine.answer(session.id, ASK, Answer(text="good"))
    await lot.engine.answer(session.id, ASK, Answer(verdict="allow"))
    await taken(lot, session)


async def test_waiting_session_pauses_keeps_waiting_and_its_answer_wakes_it(lot: Rig) -> None:
    session = await asking(lot)
    lot.clock.forward(301)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert paused.agent is AgentState.WAITING
    await lot.engine.answer(session.id, ASK, RED)
    await taken(lot, session)
    back = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert back.agent is AgentState.RUNNING
    assert agent_of(lot, session).answers == {ASK: RED}
    assert [event.rung for event in await lot.came_back(session.id)] == ["memory"]
    assert lot.world.taken == [MessageId("first-begin")]


async def test_resume_to_look_leaves_the_question_waiting(lot: Rig) -> None:
    session = await asking_asleep(lot)
    await lot.engine.resume(session.id)
    back = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert back.label is SessionLabel.WAITING
    await lot.engine.answer(session.id, ASK, RED)
    await taken(lot, session)


async def test_control_plane_killed_while_asked_and_while_answered_hands_the_answer_over(
    tmp_path: Path, world: World
) -> None:
    world.answers_are_taken = False
    async with rig(tmp_path, world) as lot:
        session = await asking(lot)
    async with rig(tmp_path, world) as lot:
        assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.WAITING
        # As if it had died right after this transaction: nobody was woken, and no state was moved.
        await lot.parts.store.answer_ask(session.id, ASK, RED, lot.clock.now())
    world.answers_are_taken = True
    async with rig(tmp_path, world) as lot:
        await taken(lot, session)
        await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    assert world.sandboxes[session.sandbox].agents[1].answers == {ASK: RED}


async def test_runner_killed_with_the_answer_in_hand_hands_it_over_again(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    await lot.engine.answer(session.id, ASK, RED)

    async def is_handed() -> bool:
        return "answer" in lot.world.calls

    await lot.eventually(is_handed)
    lot.world.calls.clear()
    for runner in list(lot.world.runners.values()):
        runner.kill()
    await lot.eventually(is_handed)
    agent_of(lot, session).take(ASK)
    await taken(lot, session)


async def test_question_whose_memory_is_lost_stays_and_is_answered_in_words_once(lot: Rig) -> None:
    session = await asking_asleep(lot)
    shutil.rmtree(lot.parts.folders.hibernation)
    lot.world.saved.clear()
    await lot.engine.resume(session.id)
    back = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert (back.agent, await state_of(lot, session)) == (AgentState.WAITING, AskState.OPEN)
    await lot.engine.answer(session.id, ASK, RED)
    await taken(lot, session)
    await lot.delivered(session.id, 2)
    texts = [
        one.event.text for one in await lot.parts.store.read_events(session.id) if one.event.kind == "message_added"
    ]
    assert texts[1:] == ["You asked: Which colour?\nThe user's answer: Which colour?: red"]
    assert "turn_failed" not in await lot.kinds(session.id)
    assert lot.world.orders[-1].is_continuation


async def test_answer_given_asleep_survives_the_loss_of_the_memory(lot: Rig) -> None:
    session = await asking_asleep(lot)
    shutil.rmtree(lot.parts.folders.hibernation)
    lot.world.saved.clear()
    await lot.engine.answer(session.id, ASK, RED)
    await lot.delivered(session.id, 2)
    assert await state_of(lot, session) is AskState.TAKEN
    assert len(lot.world.taken) == 2


async def test_sandbox_lost_with_its_memory_leaves_the_question_to_be_answered_in_words(lot: Rig) -> None:
    session = await asking(lot)
    lot.world.sandboxes.clear()
    (runner,) = lot.world.runners.values()
    runner.tell(RunnerNews(news="sandbox_gone", detail="killed by signal 9"))
    lost = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert (lost.agent, await state_of(lot, session)) == (AgentState.WAITING, AskState.OPEN)
    await lot.engine.answer(session.id, ASK, RED)
    await lot.delivered(session.id, 2)
    assert await state_of(lot, session) is AskState.TAKEN
    assert "turn_failed" not in await lot.kinds(session.id)
    (back,) = await lot.came_back(session.id)
    assert "killed by signal 9" in (back.reason or "")


async def test_program_that_was_lost_with_its_sandbox_leaves_the_question_open(lot: Rig) -> None:
    session = await asking(lot)
    agent_of(lot, session).is_running = False
    agent_of(lot, session).say(run=1, is_end=True, is_lost=True)
    await lot.engine.answer(session.id, ASK, RED)
    await lot.delivered(session.id, 2)
    assert await state_of(lot, session) is AskState.TAKEN
    assert "turn_failed" not in await lot.kinds(session.id)


async def test_agent_that_dies_while_it_asks_withdraws_the_question_and_goes_on_with_the_next_message(lot: Rig) -> None:
    session = await asking(lot)
    agent_of(lot, session).die()
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.ERRORED)
    assert await state_of(lot, session) is AskState.WITHDRAWN
    await lot.engine.send(session.id, TWO, "go on")
    await lot.delivered(session.id, 2)
    assert (lot.world.orders[-1].run, lot.world.orders[-1].is_continuation) == (2, True)


async def test_answered_but_not_taken_when_the_agent_dies_goes_in_words(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    await lot.engine.answer(session.id, ASK, RED)
    agent_of(lot, session).die()
    await lot.delivered(session.id, 2)
    assert await state_of(lot, session) is AskState.TAKEN
    assert len(lot.world.taken) == 2


async def test_answer_that_was_taken_unheard_is_not_repeated_in_words(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    agent = agent_of(lot, session)
    agent.take(ASK)
    await lot.parts.store.answer_ask(session.id, ASK, RED, lot.clock.now())
    await lot.engine.answer(session.id, ASK, RED)
    await taken(lot, session)
    assert (await lot.kinds(session.id)).count("message_added") == 1


async def test_plain_message_is_the_answer_to_the_one_question(lot: Rig) -> None:
    session = await asking(lot)
    message = await lot.engine.send(session.id, ONE, "green, rather")
    assert message.delivery == "delivered"
    await taken(lot, session)
    assert agent_of(lot, session).answers == {ASK: Answer(text="green, rather")}
    await lot.engine.send(session.id, ONE, "green, rather")
    assert lot.world.taken == [MessageId("first-begin")]
    assert (await lot.kinds(session.id)).count("message_added") == 2


async def test_plain_message_declines_a_plan_with_its_text(lot: Rig) -> None:
    session = await asking(lot, PlanProposed(at=AT, ask_id=ASK, plan="# Plan"))
    await lot.engine.send(session.id, ONE, "smaller steps")
    await taken(lot, session)
    assert agent_of(lot, session).answers == {ASK: Answer(text="smaller steps", verdict="deny")}


async def test_plain_message_wakes_a_sleeping_session_and_answers(lot: Rig) -> None:
    session = await asking_asleep(lot)
    await lot.engine.send(session.id, ONE, "blue")
    await taken(lot, session)
    assert agent_of(lot, session).answers == {ASK: Answer(text="blue")}


async def test_message_beside_two_questions_or_with_files_answers_none_of_them(lot: Rig) -> None:
    session = await asking(lot)
    picture = Attachment(name="a.txt", media_type="text/plain", data=b"text")
    await lot.engine.send(session.id, ONE, "see the file", [picture])
    await lot.delivered(session.id, 2)
    assert lot.world.files == ["a.txt"]
    assert await state_of(lot, session) is AskState.OPEN
    agent_of(lot, session).ask(PermissionAsked(at=AT, ask_id="toolu_2", name="Bash", input={}))
    await lot.told(session.id, "permission_asked")
    await lot.engine.send(session.id, TWO, "and mind this")
    await lot.delivered(session.id, 3)
    assert len(await lot.parts.store.list_asks(session.id)) == 2


async def test_waits_until_the_last_of_two_is_answered(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    agent_of(lot, session).ask(PermissionAsked(at=AT, ask_id="toolu_2", name="Bash", input={}))
    await lot.told(session.id, "permission_asked")
    await lot.engine.answer(session.id, ASK, RED)
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.WAITING
    await lot.engine.answer(session.id, AskId("toolu_2"), Answer(verdict="allow"))
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)


async def test_question_of_a_fork_is_answered_in_each_by_itself(lot: Rig) -> None:
    parent = await asking(lot)
    child = await lot.engine.fork(parent.id, None)
    child = await lot.until(child.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert child.label is SessionLabel.WAITING
    await lot.engine.answer(child.id, ASK, RED)
    await taken(lot, child)
    assert await state_of(lot, parent) is AskState.OPEN


async def test_approved_plan_goes_on_in_the_mode_before_or_the_one_chosen(lot: Rig) -> None:
    plan = PlanProposed(at=AT, ask_id=ASK, plan="# Plan")
    session = await asking(lot, plan)
    await lot.engine.change_session(session.id, {"mode": "edits"})
    await lot.engine.change_session(session.id, {"mode": "plan"})
    answered = await lot.engine.answer(session.id, ASK, Answer(verdict="allow"))
    assert answered.answer == Answer(verdict="allow", mode="edits")
    await lot.until(session.id, lambda seen: seen.mode is AgentMode.EDITS)
    assert (await lot.engine.answer(session.id, ASK, Answer(verdict="allow"))).answer == answered.answer


async def test_plan_approved_after_its_memory_was_lost_is_carried_out_in_the_next_run(lot: Rig) -> None:
    session = await asking(lot, PlanProposed(at=AT, ask_id=ASK, plan="# Plan"))
    await lot.engine.change_session(session.id, {"mode": "plan"})
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    shutil.rmtree(lot.parts.folders.hibernation)
    lot.world.saved.clear()
    await lot.engine.answer(session.id, ASK, Answer(verdict="allow"))
    await lot.delivered(session.id, 2)
    assert (lot.world.orders[-1].run, lot.world.orders[-1].mode) == (2, AgentMode.FULL)
