"""When an agent's program is ended for a new one, and what its turns have cost."""

import pytest

from lot.core.errors import AgentError
from lot.core.events import TurnEnded
from lot.core.ids import MessageId
from lot.core.session import SandboxState, SessionLabel
from lot.engine.creating import SessionOptions
from tests.unit.engine.conftest import Rig

ONE, TWO = MessageId("message-1"), MessageId("message-2")
"""Of two turns."""


@pytest.mark.parametrize(("program", "runs"), [("claude", [1, 1]), ("acp:other acp", [1, 2])])
async def test_only_an_agent_that_speaks_tcp_is_started_anew_after_a_restore(
    lot: Rig, program: str, runs: list[int]
) -> None:
    session = await lot.session(options=SessionOptions(program=program))
    seen = []
    for message in (ONE, TWO):
        await lot.engine.send(session.id, message, "hello")
        await lot.told(session.id, "turn_ended", len(seen) + 1)
        idle = await lot.until(session.id, lambda now: now.label is SessionLabel.IDLE)
        seen.append(idle.agent_run)
        await lot.engine.pause(session.id)
        await lot.until(session.id, lambda now: now.sandbox_state is SandboxState.PAUSED)
    assert seen == runs
    assert lot.world.taken == [ONE, TWO]


async def test_agent_that_cannot_be_attached_to_is_ended_before_the_next_run(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "hello")
    await lot.told(session.id, "turn_ended")
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda now: now.sandbox_state is SandboxState.PAUSED)
    lot.world.fail["start_agent"] = AgentError("it does not answer")
    await lot.engine.resume(session.id)

    async def has_been_tried() -> bool:
        return lot.world.calls.count("start_agent") == 2

    await lot.eventually(has_been_tried)
    del lot.world.fail["start_agent"]
    await lot.engine.send(session.id, TWO, "hello again")
    await lot.told(session.id, "turn_ended", 2)
    agents = lot.world.sandboxes[session.sandbox].agents
    assert [agent.is_running for agent in agents.values()] == [False, True]


async def test_end_of_a_turn_says_what_the_broker_metered_for_it(lot: Rig) -> None:
    session = await lot.session()
    costs = []
    for message, usd in ((ONE, 0.25), (TWO, 0.5), (MessageId("message-3"), 0.0)):
        await lot.parts.store.add_model_usage(session.id, "m", 10, 1, 0, 0, lot.parts.now(), usd)
        await lot.engine.send(session.id, message, "hello")
        await lot.told(session.id, "turn_ended", len(costs) + 1)
        stored = await lot.parts.store.events_of_kind(session.id, "turn_ended")
        assert isinstance(stored[-1].event, TurnEnded)
        costs.append(stored[-1].event.cost_usd)
    assert costs == [0.25, 0.5, None]
