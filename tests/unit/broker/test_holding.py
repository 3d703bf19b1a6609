"""A pause in the middle of an answer: broker and gateway together, over real sockets, before a scripted provider."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import pytest
from model_accounts import RememberedAccounts
from model_bench import STREAM, Pieces, a_provider, key, passes
from starlette.applications import Starlette
from starlette.routing import Mount

from lot.broker.app import create_broker_app
from lot.broker.backoff import Backoff
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl
from lot.broker.providers import Provider
from lot.core.errors import StaleEpochError
from lot.core.ids import SessionId
from lot.rehearsal.serve import serve_on_socket
from lot.runner.gateway import SandboxGateway
from lot.runner.parts import Credentials

pytestmark = pytest.mark.anyio

EVENTS = [event + b"\n\n" for event in STREAM.strip().split(b"\n\n")]
MESSAGES = "/model/v1/messages"


class Script(httpx.AsyncByteStream):
    """An answer whose second part comes when the test says so."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self.may_end, self.is_closed = anyio.Event(), anyio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._parts[0]
        await self.may_end.wait()
        for part in self._parts[1:]:
            yield part

    async def aclose(self) -> None:
        self.is_closed.set()


@dataclass
class World:
    """One session's sandbox, gateway, broker and provider."""

    folder: Path
    port: int
    scripts: list[Script] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=lambda: list(EVENTS))
    status: int = 200
    accounts: RememberedAccounts = field(default_factory=RememberedAccounts)
    epoch: int = 1
    backoff: Backoff = field(default_factory=lambda: Backoff(attempts=1))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.content)
        if self.status != 200:
            return httpx.Response(self.status, stream=Pieces(b"{}", 1))
        self.scripts.append(Script(self.parts))
        headers = {"content-type": "text/event-stream", "request-id": "r1"}
        return httpx.Response(200, headers=headers, stream=self.scripts[-1])

    @asynccontextmanager
    async def control_plane(self) -> AsyncIterator[ModelBroker]:
        provider = a_provider(self.handle, key())

        async def provider_of(session_id: SessionId) -> Provider:
            return provider

        async def check_epoch(kind: str, id: str, epoch: int) -> None:
            if epoch != self.epoch:
                raise StaleEpochError("over")

        control = PassControl(passes, check_epoch)
        broker = ModelBroker(control, provider_of, self.accounts, self.accounts.on_wait, self.backoff)
        app = Starlette(routes=[Mount("/broker", app=create_broker_app(broker, git=Starlette()))])
        async with broker.running(), serve_on_socket(app, self.folder / "c.sock"):
            yield broker
        await provider.close()

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[SandboxGateway]:
        token = passes.issue("session", "abc", self.epoch)
        listener = socket.create_server(("127.0.0.1", self.port))
        gateway = SandboxGateway(listener, Credentials(control_socket=self.folder / "c.sock", pass_token=token))
        await gateway.open()
        try:
            yield gateway
        finally:
            await gateway.close()

    @asynccontextmanager
    async def sandbox(self) -> AsyncIterator[httpx.AsyncClient]:
        url = f"http://127.0.0.1:{self.port}"
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
            yield client


@pytest.fixture
async def world(tmp_path: Path) -> World:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return World(tmp_path, free.getsockname()[1])


async def cut(client: httpx.AsyncClient, gateway: SandboxGateway, body: object = "asked") -> None:
    """Ask, read the first part, and be paused; the answer ends in order, incomplete."""
    async with client.stream("POST", MESSAGES, json=body) as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == EVENTS[0]
        await gateway.quiesce(0.05)
        assert [part async for part in parts] == []


async def soon(event: anyio.Event) -> None:
    with anyio.fail_after(20):
        await event.wait()


async def test_answer_cut_off_by_a_pause_is_paid_once_and_replayed_byte_for_byte(world: World) -> None:
    async with world.control_plane():
        async with world.gateway() as gateway, world.sandbox() as client:
            await cut(client, gateway)
        # The runner is gone, and the provider goes on.
        assert world.accounts.metered == []
        world.scripts[0].may_end.set()
        await world.accounts.until_held()
        assert len(world.accounts.metered) == 1
        world.epoch = 2
        async with world.gateway(), world.sandbox() as client:
            answer = await client.post(MESSAGES, json="asked")
            assert answer.content == STREAM
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["request-id"] == "r1"
            assert world.accounts.held == {}
            assert len(world.seen) == 1
            assert len(world.accounts.metered) == 1
            # Asked once more, it is a new request.
            world.parts = [STREAM]
            async with client.stream("POST", MESSAGES, json="asked") as again:
                world.scripts[-1].may_end.set()
                assert await again.aread() == STREAM
    assert len(world.seen) == 2


async def test_request_that_comes_again_while_the_answer_is_read_joins_it(world: World) -> None:
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        await cut(client, gateway)
        await gateway.open()
        async with client.stream("POST", MESSAGES, json="asked") as answer:
            parts = answer.aiter_raw()
            assert await anext(parts) == EVENTS[0]
            world.scripts[0].may_end.set()
            assert b"".join([part async for part in parts]) == b"".join(EVENTS[1:])
    assert len(world.seen) == 1
    assert len(world.accounts.metered) == 1
    assert world.accounts.held == {}


async def test_second_pause_holds_the_joined_answer_again(world: World) -> None:
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        for _ in range(3):
            await cut(client, gateway)
            await gateway.open()
        await gateway.quiesce(0.0)
        world.scripts[0].may_end.set()
        await world.accounts.until_held()
        await gateway.open()
        assert (await client.post(MESSAGES, json="asked")).content == STREAM
    assert len(world.seen) == 1


async def test_replay_that_a_pause_cuts_off_is_held_again(world: World) -> None:
    # 24 MB: too much for the buffers of sockets, so that it is still on its way when the pause comes.
    tail = [b": " + b"x" * 60_000 + b"\n\n"] * 400
    world.parts = [EVENTS[0], *tail, *EVENTS[1:]]
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        await cut(client, gateway)
        world.scripts[0].may_end.set()
        await world.accounts.until_held()
        await gateway.open()
        async with client.stream("POST", MESSAGES, json="asked") as answer:
            parts = answer.aiter_raw()  # held, as one that is dropped closes the connection
            await anext(parts)
            assert world.accounts.held == {}
            await gateway.quiesce(0.05)
        await world.accounts.until_held()
        await gateway.open()
        assert (await client.post(MESSAGES, json="asked")).content == b"".join(world.parts)
    assert len(world.seen) == 1


async def test_agent_that_gives_up_ends_the_request_to_the_provider(world: World) -> None:
    async with world.control_plane(), world.gateway(), world.sandbox() as client:
        async with client.stream("POST", MESSAGES, json="asked") as answer:
            await anext(answer.aiter_raw())
        await soon(world.scripts[0].is_closed)
        assert len(world.accounts.metered) == 1  # what it has used by then
    assert world.accounts.held == {}


async def test_joined_agent_that_gives_up_ends_it_too(world: World) -> None:
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        await cut(client, gateway)
        await gateway.open()
        async with client.stream("POST", MESSAGES, json="asked") as answer:
            await anext(answer.aiter_raw())
        await soon(world.scripts[0].is_closed)


async def test_gateway_that_is_closed_for_good_holds_nothing(world: World) -> None:
    async with (
        world.control_plane(),
        world.gateway() as gateway,
        world.sandbox() as client,
        client.stream("POST", MESSAGES, json="asked") as answer,
    ):
        parts = answer.aiter_raw()
        await anext(parts)
        await gateway.close()
        await soon(world.scripts[0].is_closed)
    assert world.accounts.held == {}


async def test_other_requests_are_not_answered_with_what_is_held(world: World) -> None:
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        await cut(client, gateway)
        world.scripts[0].may_end.set()
        await world.accounts.until_held()
        await gateway.open()
        world.parts = [STREAM]
        async with client.stream("POST", MESSAGES, json="another") as answer:
            world.scripts[1].may_end.set()
            await answer.aread()
        assert len(world.accounts.held) == 1
        assert (await client.post(MESSAGES, json="asked")).content == STREAM
    assert len(world.seen) == 2


async def test_parallel_answers_are_held_each(world: World) -> None:
    async with world.control_plane(), world.gateway() as gateway, world.sandbox() as client:
        async with client.stream("POST", MESSAGES, json=1) as one, client.stream("POST", MESSAGES, json=2) as two:
            parts = [one.aiter_raw(), two.aiter_raw()]
            for each in parts:
                await anext(each)
            await gateway.quiesce(0.0)
        for script in world.scripts:
            script.may_end.set()
        await world.accounts.until_held(2)
        await gateway.open()
        for body in (2, 1):
            assert (await client.post(MESSAGES, json=body)).content == STREAM
    assert len(world.seen) == 2


@pytest.mark.parametrize("end", [[EVENTS[1]], [EVENTS[1], b"x" * (33 << 20)]], ids=["incomplete", "too large"])
async def test_answer_that_does_not_come_to_its_end_is_not_held(world: World, end: list[bytes]) -> None:
    world.parts = [EVENTS[0], *end]
    async with world.control_plane() as broker, world.gateway() as gateway, world.sandbox() as client:
        await cut(client, gateway)
        world.scripts[0].may_end.set()
        await soon(world.scripts[0].is_closed)
        with anyio.fail_after(20):
            while broker._held:  # noqa: ASYNC110 - what is forgotten is told to nobody
                await anyio.sleep(0.01)
        assert len(world.accounts.metered) == 1
        assert world.accounts.held == {}


async def test_request_that_waits_for_another_attempt_is_not_held(world: World) -> None:
    begun, may_go_on = anyio.Event(), anyio.Event()

    async def sleep(seconds: float) -> None:
        begun.set()
        await may_go_on.wait()

    world.status, world.backoff = 529, Backoff(sleep=sleep)
    async with world.control_plane() as broker, world.gateway() as gateway, world.sandbox() as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.post(MESSAGES, json="asked"))
            await soon(begun)
            await gateway.quiesce(0.0)
        may_go_on.set()
        with anyio.fail_after(20):
            while broker._held:  # noqa: ASYNC110 - what is forgotten is told to nobody
                await anyio.sleep(0.01)
    assert len(world.seen) == 1
    assert world.accounts.held == {}


async def test_agent_that_leaves_ends_the_waiting(world: World) -> None:
    begun, is_cancelled = anyio.Event(), anyio.Event()

    async def sleep(seconds: float) -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            is_cancelled.set()

    world.status, world.backoff = 529, Backoff(sleep=sleep)
    async with world.control_plane(), world.gateway(), world.sandbox() as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.post(MESSAGES, json="asked"))
            await soon(begun)
            tasks.cancel_scope.cancel()
        await soon(is_cancelled)


async def test_answer_under_way_is_lost_with_the_control_plane_and_asked_anew(world: World) -> None:
    async with world.gateway() as gateway, world.sandbox() as client:
        async with world.control_plane():
            await cut(client, gateway)
        await soon(world.scripts[0].is_closed)
        assert len(world.accounts.metered) == 1
        await gateway.open()
        world.parts = [STREAM]
        async with world.control_plane(), client.stream("POST", MESSAGES, json="asked") as answer:
            world.scripts[1].may_end.set()
            assert await answer.aread() == STREAM


async def test_only_a_session_can_have_its_own_answers_held(world: World) -> None:
    transport = httpx.AsyncHTTPTransport(uds=str(world.folder / "c.sock"))
    async with (
        world.control_plane() as broker,
        world.gateway() as gateway,
        world.sandbox() as client,
        client.stream("POST", MESSAGES, json="asked", headers={"x-lot-exchange": "mine"}) as answer,
        httpx.AsyncClient(transport=transport, base_url="http://c/broker/model") as runner,
    ):
        parts = answer.aiter_raw()
        await anext(parts)
        [(session_id, name)] = broker._named
        assert (session_id, name != "mine") == ("abc", True)
        for token, body, status in [
            (passes.issue("session", "other", 1), {"exchanges": [name]}, 204),
            (passes.issue("session", "abc", 0), {"exchanges": [name]}, 409),
            (passes.issue("snapshot", "abc", 1), {"exchanges": [name]}, 401),
            (passes.issue("session", "abc", 1), {"exchanges": name}, 400),
            (passes.issue("session", "abc", 1), {"exchanges": ["x" * (1 << 18)]}, 413),
            (passes.issue("session", "abc", 1), {"exchanges": ["", "unknown"]}, 204),
        ]:
            headers = {"authorization": f"Bearer {token}"}
            assert (await runner.post("/hold", content=json.dumps(body), headers=headers)).status_code == status
        assert broker._held == {}
        await gateway.close()
