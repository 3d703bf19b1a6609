"""The model broker with what it really stands on: its accounts in a store, and the agent program behind a gateway."""

import os
import signal
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from agent_rig import PATIENCE_S, AgentRig, agent_rig, directive
from model_bench import STREAM, Pieces, a_provider, key, passes
from starlette.applications import Starlette
from starlette.routing import Mount
from store_samples import NOW, PROJECT, SESSION, fill, session

from lot.broker.accounts import StoredAccounts
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl
from lot.broker.prices import Prices
from lot.broker.providers import Provider
from lot.config import ModelPrice
from lot.core.ids import SessionId
from lot.store.store import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

TOKENS = 7 + 5 + 3
"""Of `STREAM`."""
PRICES = Prices({"m-1": ModelPrice(input=1e6, output=1e6, cache_write=1e6, cache_read=1e6)})
OTHER = SessionId("other")


class Desk:
    """A broker with a store behind it, and an engine that only notes what it is told."""

    def __init__(self, store: Store) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.asked = 0
        self.provider = a_provider(self._answer, key())
        accounts = StoredAccounts(store, PRICES, lambda: NOW, self._on_budget)
        self.broker = ModelBroker(PassControl(passes, self._check), self._provider_of, accounts, self._on_wait)

    async def ask(self, session_id: SessionId = SESSION) -> httpx.Response:
        app = Starlette(routes=[Mount("/model", routes=self.broker.routes())])
        headers = {"authorization": f"Bearer {passes.issue('session', session_id, 1)}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://c/model", headers=headers) as client:
            return await client.post("/v1/messages", json={})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(STREAM, 100))

    async def _check(self, kind: str, id: str, epoch: int) -> None:
        """Every epoch holds."""

    async def _provider_of(self, session_id: SessionId) -> Provider:
        return self.provider

    async def _on_budget(self, session_id: SessionId, limit: str, detail: str) -> None:
        self.told.append((session_id, limit, detail))

    async def _on_wait(self, *wait: object) -> None:
        raise AssertionError("nothing fails here")


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    await fill(store)
    desk = Desk(store)
    async with desk.broker.running():
        yield desk
    await desk.provider.close()


async def test_answers_are_priced_and_charged_to_session_and_project(desk: Desk, store: Store) -> None:
    assert (await desk.ask()).content == STREAM
    assert (await desk.ask()).content == STREAM
    used = await store.session_usage(SESSION)
    assert (used.tokens, used.cost_usd, used.models) == (2 * TOKENS, 2.0 * TOKENS, {"m-1": 2 * TOKENS})
    assert await store.spending(PROJECT) == (2 * TOKENS, 2.0 * TOKENS)
    assert desk.told == []


@pytest.mark.parametrize("budget", [{"budget_tokens": 2 * TOKENS}, {"budget_usd": 2.0 * TOKENS}])
async def test_session_that_has_used_its_budget_up_asks_no_more(
    desk: Desk, store: Store, budget: dict[str, float]
) -> None:
    await store.add_session(session(id=OTHER, **budget), [])
    assert (await desk.ask(OTHER)).is_success
    assert desk.told == []
    assert (await desk.ask(OTHER)).is_success
    [told] = desk.told
    assert told[:2] == (OTHER, next(iter(budget)).replace("budget", "session"))
    refused = await desk.ask(OTHER)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (403, "false")
    assert "`lot session budget other`" in refused.json()["error"]["message"]
    assert desk.asked == 2
    assert (await desk.ask(SESSION)).is_success, "another session has its own"


async def test_budget_of_a_project_holds_for_all_its_sessions_and_can_be_raised(desk: Desk, store: Store) -> None:
    await store.add_session(session(id=OTHER), [])
    await store.change_project(PROJECT, budget_tokens=TOKENS)
    assert (await desk.ask(SESSION)).is_success
    refused = await desk.ask(OTHER)
    assert refused.status_code == 403
    assert "`lot project budget project`" in refused.json()["error"]["message"]
    assert [(session_id, limit) for session_id, limit, _ in desk.told] == [
        (SESSION, "project_tokens"),
        (OTHER, "project_tokens"),
    ]
    await store.change_project(PROJECT, budget_tokens=10 * TOKENS)
    assert (await desk.ask(OTHER)).is_success


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig


@pytest.mark.parametrize("is_read_to_its_end", [False, True], ids=["joined", "replayed"])
async def test_pause_in_the_middle_of_an_answer_costs_no_tokens(rig: AgentRig, is_read_to_its_end: bool) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("slow", seconds=3))
        with anyio.fail_after(PATIENCE_S):
            while not rig.rehearsal.log:  # noqa: ASYNC110 - the rehearsal tells nobody
                await anyio.sleep(0.02)
        await anyio.sleep(0.5)
        program = (await rig.status()).pid
        await rig.gateway.quiesce(0.1)
        os.kill(program, signal.SIGSTOP)  # a paused sandbox does not knock at a door that is closed
        if is_read_to_its_end:
            await rig.accounts.until_held()
        await rig.gateway.open()
        os.kill(program, signal.SIGCONT)
        await followed.turns(1)
    ended = followed.of("turn_ended")[0]
    assert ended.outcome == "completed"  # type: ignore[attr-defined]
    assert followed.of("agent_text")[-1].text.endswith("it ends here.")  # type: ignore[attr-defined]
    assert len(rig.rehearsal.log) == 1, "the provider is asked once"
    assert len(rig.metered) == 1
    assert rig.accounts.held == {}
    assert (await rig.status()).pid == program, "the same program goes on"
