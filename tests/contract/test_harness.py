"""What every harness must do, run over each of them; so far there is one."""

from collections.abc import AsyncIterator

import pytest
from agent_rig import AgentRig, agent_rig, directive

from lot.core.errors import AgentError
from lot.core.records import AgentMode

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


@pytest.fixture(params=["claude"])
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig


async def test_start_is_repeatable_and_letting_go_leaves_the_program_running(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    first = await rig.status()
    await rig.harness.start(rig.link, rig.options())
    await rig.harness.detach()
    await rig.harness.detach()
    assert (await rig.status()).pid == first.pid
    assert (await rig.status()).is_running


async def test_nothing_can_be_sent_to_a_program_that_is_not_attached(rig: AgentRig) -> None:
    for call in (
        rig.send("hello"),
        rig.harness.interrupt(),
        rig.harness.configure(model=None, effort=None, mode=AgentMode.FULL),
    ):
        with pytest.raises(AgentError):
            await call


async def test_program_that_is_asked_to_end_ends_its_records_and_is_not_missed(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("say", text="bye"))
        await followed.turns(1)
        await rig.link.stop("agent-1")
        await followed.until(lambda f: f.records[-1].is_end)
    assert followed.of("agent_gone") == []
    assert [(r.run, r.from_offset) for r in followed.records[1:]] == [
        (r.run, r.to_offset) for r in followed.records[:-1]
    ]
