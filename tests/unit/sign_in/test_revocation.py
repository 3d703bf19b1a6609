"""What was given to somebody ends with their session or token."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from sign_in_samples import AT, api_token, browser_session, sign_in_link, user

from lot.core.ids import BrowserSessionId, TokenId
from lot.sign_in.revocation import Revocations
from lot.store.secrets import SecretBox
from lot.store.store import Store

pytestmark = pytest.mark.anyio
BROWSER, TOKEN = "browser-browser1", "token-token1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'lot.db'}", SecretBox(bytes(32)))
    await opened.add_sign_in_link(sign_in_link(user_id=None))
    await opened.use_link_as_new_user("digest of a link", AT, user())
    await opened.add_browser_session(browser_session())
    await opened.add_api_token(api_token())
    yield opened
    await opened.close()


@pytest.fixture
def revocations(store: Store) -> Revocations:
    return Revocations(store, lambda: AT + timedelta(hours=1))


async def test_only_who_is_signed_in_is_alive(revocations: Revocations) -> None:
    alive = [holder for holder in (BROWSER, TOKEN, "operator") if await revocations.is_alive(holder)]
    assert alive == [BROWSER, TOKEN, "operator"]
    for holder in ("browser-other", "token-browser1", "browser-", "", "operator-", "root"):
        assert not await revocations.is_alive(holder)


async def test_our_own_revocation_counts_at_once(revocations: Revocations, store: Store) -> None:
    assert await revocations.is_alive(BROWSER)
    await store.delete_browser_session(BrowserSessionId("browser1"), None)
    assert await revocations.is_alive(BROWSER)  # remembered for a moment
    revocations.note()
    assert not await revocations.is_alive(BROWSER)


async def test_what_is_served_is_cut_off_when_its_holder_is_shut_out(revocations: Revocations, store: Store) -> None:
    is_served, outcomes = anyio.Event(), []

    async def serve() -> None:
        is_served.set()
        await anyio.sleep_forever()

    async def watch() -> None:
        outcomes.append(await revocations.is_over_before(TOKEN, serve))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await is_served.wait()
            revocations.note()  # of somebody else
            await store.delete_api_token(TokenId("token1"), None)
            revocations.note()
    assert outcomes == [True]


async def test_what_ends_by_itself_was_not_cut_off(revocations: Revocations) -> None:
    seen: list[int] = []

    async def serve(*numbers: int) -> None:
        seen.extend(numbers)

    assert not await revocations.is_over_before(BROWSER, serve, 1, 2)
    assert seen == [1, 2]
