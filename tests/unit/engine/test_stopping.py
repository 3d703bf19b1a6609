"""Stop works in every state, and loses no message."""

import anyio
import pytest

from lot.core.errors import TransitionNotAllowedError
from lot.core.events import TurnEnded
from lot.core.ids import MessageId
from lot.core.records import AskState
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.engine import stopping
from tests.unit.engine.conftest import Rig
from tests.unit.engine.test_asks import ASK, RED, agent_of, asking, asking_asleep, state_of

ONE = MessageId("message-1")


async def test_stop_while_waiting_withdraws_the_question(lot: Rig) -> None:
    session = await asking(lot)
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert await state_of(lot, session) is AskState.WITHDRAWN
    kinds = await lot.kinds(session.id)
    assert kinds.index("ask_closed") < kinds.index("turn_ended")


async def test_stop_after_the_answer_withdraws_it_too(lot: Rig) -> None:
    lot.world.answers_are_taken = False
    session = await asking(lot)
    await lot.engine.answer(session.id, ASK, RED)
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert await state_of(lot, session) is AskState.WITHDRAWN
    assert (await lot.kinds(session.id)).count("message_added") == 1


async def test_stop_of_a_sleeping_question_wakes_and_withdraws_it(lot: Rig) -> None:
    session = await asking_asleep(lot)
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert await state_of(lot, session) is AskState.WITHDRAWN


async def test_stop_before_the_agent_took_the_message_hands_it_over_and_stops_it(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    lot.world.hold["start_agent"] = anyio.Event()
    await lot.engine.send(session.id, ONE, "hello")
    await lot.engine.stop_turn(session.id)
    assert "notice" in await lot.kinds(session.id)
    lot.world.hold.pop("start_agent").set()
    await lot.told(session.id, "turn_ended")
    stopped = await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert lot.world.taken == [ONE]
    assert stopped.agent is AgentState.IDLE


async def test_stop_while_the_session_boots_is_remembered(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.hold["bring_up"] = anyio.Event()
    await lot.engine.send(session.id, ONE, "hello")
    await lot.engine.stop_turn(session.id)
    lot.world.hold.pop("bring_up").set()
    await lot.told(session.id, "turn_ended")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert lot.world.taken == [ONE]


async def test_stop_of_an_agent_whose_program_is_gone_ends_the_turn(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="begin")
    await lot.delivered(session.id, 1)
    agent_of(lot, session).is_running = False
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    ended = [one.event for one in await lot.parts.store.read_events(session.id) if isinstance(one.event, TurnEnded)]
    assert [event.outcome for event in ended] == ["interrupted"]


async def test_stop_with_nothing_to_stop_is_refused(lot: Rig) -> None:
    session = await lot.session()
    with pytest.raises(TransitionNotAllowedError):
        await lot.engine.stop_turn(session.id)


async def test_turn_that_begins_after_a_stop_is_not_ended_by_it(lot: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "SETTLE_S", 0.3)
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="begin")
    await lot.delivered(session.id, 1)
    await lot.engine.stop_turn(session.id)
    await lot.told(session.id, "turn_ended")
    await lot.engine.send(session.id, ONE, "rather this")
    await lot.delivered(session.id, 2)
    await anyio.sleep(0.6)
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.RUNNING
    assert (await lot.kinds(session.id)).count("turn_ended") == 1


async def test_agent_that_does_not_stop_in_its_time_is_taken_to_be_gone(
    lot: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "SETTLE_S", 0.2)
    monkeypatch.setattr(stopping, "INTERRUPT_S", 0.1)
    session = await asking(lot)
    lot.world.hold["interrupt"] = anyio.Event()
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert await state_of(lot, session) is AskState.WITHDRAWN
    lot.world.hold.pop("interrupt").set()
