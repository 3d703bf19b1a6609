"""What the store promises of browsers in which push is on, and of how sessions stand, on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sign_in_samples import AT, USER, browser_session, sign_in_link, user
from store_samples import SESSION, fill

from lot.core.errors import NotFoundError
from lot.core.ids import BrowserSessionId, PushDeviceId, SessionId, UserId
from lot.core.push import PushDevice, PushSubscription
from lot.core.session import AgentState
from lot.store.secrets import KEY_BYTES, SecretBox
from lot.store.store import Store

pytestmark = pytest.mark.anyio
STORE_KEY = bytes(range(KEY_BYTES))
"""Of the fixture `box`."""
LATER = AT + timedelta(hours=1)
GIVEN = PushSubscription(endpoint="https://push.example.net/one", p256dh="a key", auth="a secret")
OTHER = PushSubscription(endpoint="https://push.example.net/other", p256dh="another key", auth="another secret")
BROWSER, PHONE = BrowserSessionId("browser1"), BrowserSessionId("browser2")


def device(**changes: object) -> PushDevice:
    sample = PushDevice(
        id=PushDeviceId("device1"), browser_session_id=BROWSER, user_agent="Firefox", made_at=LATER, failure=None
    )
    return replace(sample, **changes)  # type: ignore[arg-type]


@pytest.fixture
async def signed_in(store: Store) -> Store:
    """A store with two users, each with a browser."""
    for number, name in ((1, "ada"), (2, "grace")):
        made = user(id=UserId(f"user{number}"), name=name)
        await store.add_sign_in_link(sign_in_link(digest=name, user_id=None))
        await store.use_link_as_new_user(name, LATER, made)
        session = browser_session(id=BrowserSessionId(f"browser{number}"), digest=name, user_id=made.id)
        await store.add_browser_session(session)
    return store


async def test_device_is_its_users_and_is_reached_by_what_its_browser_gave(signed_in: Store) -> None:
    await signed_in.add_push_device(device(), GIVEN)
    phone = device(id=PushDeviceId("device2"), browser_session_id=PHONE, made_at=LATER + timedelta(seconds=1))
    await signed_in.add_push_device(phone, OTHER)
    assert await signed_in.list_push_devices(USER, LATER) == [device()]
    assert await signed_in.list_push_devices(None, LATER) == [phone, device()]
    assert await signed_in.find_push_subscription(phone.id, LATER) == OTHER
    with pytest.raises(NotFoundError):
        await signed_in.delete_push_device(phone.id, USER)
    await signed_in.delete_push_device(phone.id, UserId("user2"))
    assert await signed_in.find_push_subscription(phone.id, LATER) is None
    with pytest.raises(NotFoundError):
        await signed_in.delete_push_device(phone.id, None)


async def test_browser_has_one_device_and_an_endpoint_one_browser(signed_in: Store) -> None:
    await signed_in.add_push_device(device(), GIVEN)
    anew = device(id=PushDeviceId("anew"))
    await signed_in.add_push_device(anew, OTHER)
    assert await signed_in.list_push_devices(None, LATER) == [anew]
    elsewhere = device(id=PushDeviceId("elsewhere"), browser_session_id=PHONE)
    await signed_in.add_push_device(elsewhere, OTHER)
    assert await signed_in.list_push_devices(None, LATER) == [elsewhere]


async def test_device_ends_with_its_browser_session(signed_in: Store) -> None:
    await signed_in.add_push_device(device(), GIVEN)
    over = browser_session().ends_at
    assert await signed_in.list_push_devices(None, over) == []
    assert await signed_in.find_push_subscription(device().id, over) is None
    await signed_in.delete_browser_session(BROWSER, USER)
    assert await signed_in.list_push_devices(None, LATER) == []
    with pytest.raises(NotFoundError, match="browser1"):
        await signed_in.add_push_device(device(), GIVEN)


async def test_failure_is_noted_until_it_is_over(signed_in: Store) -> None:
    await signed_in.add_push_device(device(), GIVEN)
    await signed_in.note_push_failure(device().id, "refused")
    assert await signed_in.list_push_devices(None, LATER) == [device(failure="refused")]
    await signed_in.note_push_failure(device().id, None)
    assert await signed_in.list_push_devices(None, LATER) == [device()]


async def test_new_key_seals_what_browsers_gave_anew(signed_in: Store, database_url: str) -> None:
    await signed_in.add_push_device(device(), GIVEN)
    new = bytes(KEY_BYTES)
    for box, count in ((SecretBox(new, STORE_KEY), 1), (SecretBox(new), 0)):
        opened = await Store.open(database_url, box)
        assert await opened.seal_anew() == count
        assert await opened.find_push_subscription(device().id, LATER) == GIVEN
        await opened.close()


async def test_secret_that_is_ensured_stays_what_it_first_was(store: Store) -> None:
    assert await store.ensure_secret("push/vapid", "first") == "first"
    assert await store.ensure_secret("push/vapid", "second") == "first"
    assert await store.find_secret("push/vapid") == "first"


async def test_standing_of_a_session_names_it_and_says_whether_it_waits(store: Store) -> None:
    await fill(store)
    [standing] = await store.list_standings([SESSION, SessionId("gone")])
    assert (standing.session_id, standing.agent, standing.is_waiting) == (SESSION, AgentState.IDLE, False)
    assert standing.project_name == "shop"
    assert await store.list_standings() == [standing]
    assert await store.list_standings([]) == []
