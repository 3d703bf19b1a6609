"""A pull request that the running agent asks for itself."""

import pytest

from lot.core.errors import SandboxUnavailableError
from lot.core.session import SandboxState, SessionLabel
from tests.unit.engine.conftest import Rig


async def test_running_agent_opens_then_updates_its_pull_request_without_waiting_for_its_turn(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="work")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    opened = await lot.engine.publish_for_agent(session.id, "A title", "Its text")
    assert opened.startswith("Pull request 1 was opened: http://localhost:7070/projects/")
    assert [(one.title, one.body) for one in lot.world.forge.opened] == [("A title", "Its text")]
    updated = await lot.engine.publish_for_agent(session.id, None, None)
    assert updated.startswith("Pull request 1 was updated: ")
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.RUNNING
    assert (await lot.kinds(session.id)).count("pull_request_changed") == 2


async def test_session_that_is_off_is_not_woken_by_its_agents_wish(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    with pytest.raises(SandboxUnavailableError):
        await lot.engine.publish_for_agent(session.id, None, None)
