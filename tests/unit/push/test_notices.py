"""From what happens in a session to what a browser reads; and that push services hold nothing up."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import pytest
from push_rig import Browser, PushService, push_service
from sign_in_samples import browser_session, sign_in_link, user
from starlette.responses import Response

from lot.core.asks import Choice, Question
from lot.core.errors import UnavailableError
from lot.core.events import QuestionAsked, TurnEnded, TurnFailed
from lot.core.ids import AskId, BrowserSessionId, PushDeviceId, SessionId
from lot.core.news import News, Standing
from lot.core.push import PushDevice
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.push.notices import MAX_TITLE, Notices, notice_of
from lot.push.services import PushServices
from lot.store.store import Store
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import Agent, World

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
COLOUR = Question(question="Which colour?", choices=(Choice(label="red"), Choice(label="blue")))
ASKED = QuestionAsked(at=AT, ask_id=AskId("toolu_1"), questions=(COLOUR,))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with push_service(tmp_path) as running:
        yield running


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine whose agents end a turn only when they are told to."""
    world = World()
    world.turns_end_by_themselves = False
    async with rig(tmp_path, world) as made:
        yield made


@pytest.fixture
async def running(lot: Rig) -> Session:
    """A session with a turn under way."""
    session = await lot.session(message="begin")
    await lot.delivered(session.id, 1)
    return await lot.engine.change_session(session.id, {"title": "Fix the sign-in"})


def agent_of(lot: Rig, session: Session) -> Agent:
    return lot.world.sandboxes[session.sandbox].agents[1]


def ends(lot: Rig, session: Session) -> None:
    agent_of(lot, session).say(agent=AgentState.IDLE, events=(TurnEnded(at=AT, outcome="completed"),))


async def add_device(lot: Rig, service: PushService, browser: Browser, name: str = "phone") -> PushDevice:
    """Have a user turn push on in a browser."""
    store, made_at = lot.parts.store, lot.parts.now()
    if not await store.has_users():
        await store.add_sign_in_link(sign_in_link(user_id=None, created_at=made_at, ends_at=LATER))
        await store.use_link_as_new_user("digest of a link", made_at, user())
    session = browser_session(id=BrowserSessionId(name), digest=name, created_at=made_at, ends_at=LATER)
    await store.add_browser_session(session)
    device = PushDevice(
        id=PushDeviceId(name),
        browser_session_id=session.id,
        user_agent=session.user_agent,
        made_at=made_at,
        failure=None,
    )
    await store.add_push_device(device, browser.subscription(f"{service.endpoint}/{name}"))
    return device


@asynccontextmanager
async def telling(lot: Rig, service: PushService, timeout_s: float = 20.0) -> AsyncIterator[None]:
    """Tell of what is news from here on, for the length of the block."""
    async with httpx.AsyncClient(verify=service.trust) as http, anyio.create_task_group() as group:
        services = PushServices(http, [service.host], None, timeout_s)
        # The service's clock is the true one.
        now = lambda: datetime.now(UTC)  # noqa: E731
        await group.start(Notices(lot.parts.store, lot.parts.bus.overview, services, now, settle_s=0.0).run)
        yield
        group.cancel_scope.cancel()


async def devices(lot: Rig) -> list[PushDevice]:
    return await lot.parts.store.list_push_devices(None, lot.parts.now())


async def test_question_and_end_of_a_turn_are_told_once_each(lot: Rig, service: PushService, running: Session) -> None:
    browser = Browser()
    await add_device(lot, service, browser)
    async with telling(lot, service):
        agent_of(lot, running).ask(ASKED)
        [asked] = await service.take(1)
        await lot.engine.pause(running.id)
        await lot.until(running.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
        await lot.engine.resume(running.id)
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.WAITING)
        agent_of(lot, running).take(AskId("toolu_1"))
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.RUNNING)
        ends(lot, running)
        _, done = await service.take(2)
    project = (await lot.parts.store.get_project(running.project_id)).name
    about = {"session": running.id, "body": project}
    assert asked.said(browser) == about | {"title": "Fix the sign-in needs you"}
    assert done.said(browser) == about | {"title": "Fix the sign-in is done"}
    assert [taken.headers["urgency"] for taken in service.asked] == ["high", "normal"]
    assert {taken.headers["topic"] for taken in service.asked} == {running.id}


async def test_failed_turn_is_told_to_every_device(lot: Rig, service: PushService, running: Session) -> None:
    browsers = {name: Browser() for name in ("phone", "laptop")}
    for name, browser in browsers.items():
        await add_device(lot, service, browser, name)
    async with telling(lot, service):
        failed = TurnFailed(at=AT, reason="no key")
        agent_of(lot, running).say(agent=AgentState.ERRORED, events=(failed,))
        told = await service.take(2)
    said = {taken.path: taken.said(browsers[taken.path.rsplit("/", 1)[1]])["title"] for taken in told}
    assert set(said.values()) == {"Fix the sign-in failed"}
    assert len(said) == 2


async def test_nothing_is_sent_while_no_device_is_there_or_once_its_browser_was_signed_out(
    lot: Rig, service: PushService, running: Session
) -> None:
    laptop = Browser()
    await add_device(lot, service, Browser(), "phone")
    await lot.parts.store.delete_browser_session(BrowserSessionId("phone"), None)
    async with telling(lot, service):
        agent_of(lot, running).ask(ASKED)
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.WAITING)
        agent_of(lot, running).take(AskId("toolu_1"))
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.RUNNING)
        await add_device(lot, service, laptop, "laptop")
        ends(lot, running)
        [done] = await service.take(1)
    assert done.said(laptop)["title"] == "Fix the sign-in is done"


async def test_device_that_is_gone_is_forgotten(lot: Rig, service: PushService, running: Session) -> None:
    service.answer = lambda: Response(status_code=410)
    await add_device(lot, service, Browser())
    async with telling(lot, service):
        ends(lot, running)

        async def is_forgotten() -> bool:
            return await devices(lot) == []

        await lot.eventually(is_forgotten)


async def test_failure_is_kept_for_its_user_to_see_until_a_notice_gets_through(
    lot: Rig, service: PushService, running: Session
) -> None:
    service.answer = lambda: Response("BadJwtToken", 403)
    await add_device(lot, service, Browser())

    async def failure() -> str | None:
        [device] = await devices(lot)
        return device.failure

    async def is_noted() -> bool:
        return await failure() == "localhost answered 403: BadJwtToken"

    async def is_over() -> bool:
        return await failure() is None

    async with telling(lot, service):
        agent_of(lot, running).ask(ASKED)
        await lot.eventually(is_noted)
        agent_of(lot, running).take(AskId("toolu_1"))
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.RUNNING)
        service.answer = lambda: Response(status_code=201)
        ends(lot, running)
        await lot.eventually(is_over)


async def test_service_that_hangs_holds_up_neither_the_session_nor_other_devices(
    lot: Rig, service: PushService, running: Session
) -> None:
    laptop = Browser()
    service.hangs_at = "/phone"
    await add_device(lot, service, Browser(), "phone")
    await add_device(lot, service, laptop, "laptop")
    async with telling(lot, service, timeout_s=600.0):
        agent_of(lot, running).ask(ASKED)
        await service.take(2)
        agent_of(lot, running).take(AskId("toolu_1"))
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.RUNNING)
        ends(lot, running)
        await lot.until(running.id, lambda seen: seen.label is SessionLabel.IDLE)
        told = [taken for taken in await service.take(4) if taken.path.endswith("/laptop")]
    assert [taken.said(laptop)["title"] for taken in told] == ["Fix the sign-in needs you", "Fix the sign-in is done"]


async def test_database_that_was_away_makes_news_late_and_not_lost(
    lot: Rig, service: PushService, running: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser()
    await add_device(lot, service, browser)
    missed = anyio.Event()

    async def away(*_: object) -> list[Standing]:
        missed.set()
        raise UnavailableError("the database did not answer")

    async with telling(lot, service):
        with monkeypatch.context() as patched:
            patched.setattr(Store, "list_standings", away)
            ends(lot, running)
            await lot.until(running.id, lambda seen: seen.label is SessionLabel.IDLE)
            await missed.wait()
        lot.parts.bus.overview.session(SessionId("another"))
        [done] = await service.take(1)
    assert done.said(browser)["title"] == "Fix the sign-in is done"


def test_long_title_is_cut_so_that_the_notice_fits() -> None:
    long = Standing(
        session_id=SessionId("session1"),
        title="\U0001f600" * 4000,
        project_name="\U0001f600" * 4000,
        agent=AgentState.IDLE,
        is_waiting=False,
    )
    notice = notice_of(long, News.DONE)
    assert "\U0001f600" * (MAX_TITLE - 1) + "…" in notice.text.decode()
    assert len(notice.text) <= 3993
