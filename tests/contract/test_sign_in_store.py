"""What the store promises of users and what proves who they are, on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest
from sign_in_samples import AT, api_token, browser_session, sign_in_link, user

from lot.core.errors import InvalidInputError, NotFoundError, SignInRefusedError
from lot.core.ids import BrowserSessionId, TokenId, UserId
from lot.core.sign_in import Identity, ListedUser
from lot.store.store import Store

pytestmark = pytest.mark.anyio
LATER = AT + timedelta(hours=1)
DAY = timedelta(days=1)


async def with_user(store: Store, **changed: object) -> UserId:
    """Store a user by way of a link."""
    made = user(**changed)
    await store.add_sign_in_link(sign_in_link(digest=f"link of {made.name}", user_id=None))
    await store.use_link_as_new_user(f"link of {made.name}", LATER, made)
    return made.id


async def test_link_makes_the_first_user_once_and_ends_the_others(store: Store) -> None:
    for digest in ("one", "other"):
        await store.add_sign_in_link(sign_in_link(digest=digest, user_id=None))
    assert not await store.has_users()
    assert (await store.get_sign_in_link("one", LATER))[1] is None
    await store.use_link_as_new_user("one", LATER, user())
    assert await store.list_users() == [user()]
    for digest in ("one", "other"):
        with pytest.raises(SignInRefusedError):
            await store.use_link_as_new_user(digest, LATER, user(id=UserId("second"), name="grace"))
    assert await store.list_users() == [user()]


async def test_link_for_a_further_user_leaves_other_invitations_and_is_kept_when_the_name_is_taken(
    store: Store,
) -> None:
    await with_user(store)
    for digest in ("one", "other"):
        await store.add_sign_in_link(sign_in_link(digest=digest, user_id=None))
    with pytest.raises(InvalidInputError, match="there is a user ada already"):
        await store.use_link_as_new_user("one", LATER, user(id=UserId("second")))
    await store.use_link_as_new_user("one", LATER, user(id=UserId("second"), name="grace"))
    assert (await store.get_sign_in_link("other", LATER))[1] is None
    assert [each.name for each in await store.list_users()] == ["ada", "grace"]


async def test_link_is_over_after_its_time_and_forgotten_with_the_next(store: Store) -> None:
    await store.add_sign_in_link(sign_in_link(digest="old", user_id=None))
    over = AT + DAY
    with pytest.raises(SignInRefusedError):
        await store.get_sign_in_link("old", over)
    with pytest.raises(SignInRefusedError):
        await store.use_link_as_new_user("old", over, user())
    await store.add_sign_in_link(sign_in_link(digest="new", user_id=None, created_at=over, ends_at=over + DAY))
    with pytest.raises(SignInRefusedError):
        await store.get_sign_in_link("old", LATER)


async def test_link_of_a_user_resets_the_password_signs_browsers_out_and_ends_their_other_links(store: Store) -> None:
    owner = await with_user(store)
    for digest in ("one", "other"):
        await store.add_sign_in_link(sign_in_link(digest=digest, user_id=owner))
    await store.add_browser_session(browser_session())
    await store.use_link("one", LATER, user(), None)
    assert await store.has_browser_session(BrowserSessionId("browser1"), LATER)
    with pytest.raises(SignInRefusedError):
        await store.use_link("one", LATER, user(), "another hash")
    await store.use_link("other", LATER, user(), "another hash")
    assert await store.find_user("ada") == user(password_hash="another hash")
    assert not await store.has_browser_session(BrowserSessionId("browser1"), LATER)


async def test_link_lets_in_nobody_but_whom_it_names(store: Store) -> None:
    owner = await with_user(store)
    await with_user(store, id=UserId("second"), name="grace")
    await store.add_sign_in_link(sign_in_link(digest="of ada", user_id=owner))
    with pytest.raises(SignInRefusedError):
        await store.use_link("of ada", LATER, user(id=UserId("second")), "stolen")
    with pytest.raises(SignInRefusedError):
        await store.use_link_as_new_user("of ada", LATER, user(id=UserId("third"), name="eve"))


async def test_browser_session_is_found_by_its_secret_until_its_end_and_lasts_while_used(store: Store) -> None:
    await with_user(store)
    session = browser_session()
    await store.add_browser_session(session)
    assert await store.find_browser_session(session.digest, LATER) == (session, user())
    assert await store.find_browser_session(session.digest, session.ends_at) is None
    longer = replace(session, last_seen_at=LATER, ends_at=session.ends_at + DAY, address="::1")
    await store.touch_browser_session(session.id, LATER, longer.ends_at, "::1")
    assert await store.find_browser_session(session.digest, session.ends_at) == (longer, user())
    later = browser_session(id=BrowserSessionId("next"), digest="d", created_at=longer.ends_at, ends_at=AT + 90 * DAY)
    await store.add_browser_session(later)
    assert await store.find_browser_session(session.digest, LATER) is None  # forgotten with the next


async def test_browser_sessions_are_listed_and_ended_by_their_user(store: Store) -> None:
    owner = await with_user(store)
    other = await with_user(store, id=UserId("second"), name="grace")
    mine = browser_session(last_seen_at=LATER)
    theirs = browser_session(id=BrowserSessionId("browser2"), digest="digest 2", user_id=other)
    for session in (theirs, mine):
        await store.add_browser_session(session)
    assert [found for found, _ in await store.list_browser_sessions(owner, LATER)] == [mine]
    assert [found for found, _ in await store.list_browser_sessions(None, LATER)] == [mine, theirs]
    with pytest.raises(NotFoundError):
        await store.delete_browser_session(theirs.id, owner)
    await store.delete_browser_session(theirs.id, other)
    assert not await store.has_browser_session(theirs.id, LATER)


async def test_new_password_keeps_the_browser_that_changed_it(store: Store) -> None:
    owner = await with_user(store)
    for number in (1, 2):
        await store.add_browser_session(browser_session(id=BrowserSessionId(f"b{number}"), digest=f"digest {number}"))
    await store.set_password(owner, "new hash", BrowserSessionId("b1"))
    assert [found.id for found, _ in await store.list_browser_sessions(owner, LATER)] == ["b1"]
    with pytest.raises(NotFoundError):
        await store.set_password(UserId("nobody"), "hash", None)


async def test_token_is_found_by_its_secret_until_it_is_revoked(store: Store) -> None:
    owner = await with_user(store)
    await store.add_api_token(api_token())
    assert await store.find_api_token("digest of a token") == (api_token(), user())
    await store.touch_api_token(TokenId("token1"), LATER)
    assert await store.list_api_tokens(owner) == [api_token(last_used_at=LATER)] == await store.list_api_tokens(None)
    with pytest.raises(NotFoundError):
        await store.delete_api_token(TokenId("token1"), UserId("second"))
    await store.delete_api_token(TokenId("token1"), owner)
    assert await store.find_api_token("digest of a token") is None
    assert not await store.has_api_token(TokenId("token1"))


async def test_user_is_found_by_the_account_they_came_by(store: Store) -> None:
    identity = Identity(issuer="https://id.example", subject="42", user_id=UserId("user1"))
    await store.add_user_with_identity(user(password_hash=None), identity)
    assert await store.find_user_by_identity("https://id.example", "42") == user(password_hash=None)
    assert await store.find_user_by_identity("https://other.example", "42") is None
    with pytest.raises(InvalidInputError, match="ada already"):
        await store.add_user_with_identity(user(id=UserId("second")), replace(identity, subject="43"))
    assert await store.find_user_by_identity("https://id.example", "43") is None


async def test_users_are_listed_with_when_they_were_seen_and_where_they_have_accounts(store: Store) -> None:
    await with_user(store)
    account = Identity(issuer="https://id.example", subject="42", user_id=UserId("second"))
    grace = user(id=UserId("second"), name="grace", password_hash=None)
    await store.add_user_with_identity(grace, account)
    assert await store.list_users_seen(LATER) == [
        ListedUser(user=user(), last_seen_at=None, issuers=()),
        ListedUser(user=grace, last_seen_at=None, issuers=("https://id.example",)),
    ]
    await store.add_browser_session(browser_session())
    await store.add_browser_session(browser_session(id=BrowserSessionId("old"), digest="d", ends_at=LATER))
    await store.add_api_token(api_token())
    assert [each.last_seen_at for each in await store.list_users_seen(LATER)] == [AT, None]
    await store.touch_api_token(TokenId("token1"), LATER)
    assert [each.last_seen_at for each in await store.list_users_seen(LATER)] == [LATER, None]
    assert await store.list_users_seen(AT + 40 * DAY) == await store.list_users_seen(LATER)


async def test_user_is_renamed_unless_the_name_is_taken(store: Store) -> None:
    owner = await with_user(store)
    await with_user(store, id=UserId("second"), name="grace")
    with pytest.raises(InvalidInputError, match="grace already"):
        await store.rename_user(owner, "grace")
    await store.rename_user(owner, "lovelace")
    assert await store.get_user("lovelace") == user(name="lovelace") == await store.get_user(owner)
    with pytest.raises(NotFoundError):
        await store.get_user("ada")
    with pytest.raises(NotFoundError):
        await store.rename_user(UserId("nobody"), "nobody")


async def test_removed_user_leaves_nothing_that_lets_in(store: Store) -> None:
    owner = await with_user(store)
    other = await with_user(store, id=UserId("second"), name="grace")
    await store.add_browser_session(browser_session())
    await store.add_browser_session(browser_session(id=BrowserSessionId("theirs"), digest="d", user_id=other))
    await store.add_api_token(api_token())
    for digest, whose in (("of ada", owner), ("of grace", other), ("invitation", None)):
        await store.add_sign_in_link(sign_in_link(digest=digest, user_id=whose))
    await store.delete_user(owner)
    assert [each.name for each in await store.list_users()] == ["grace"]
    assert [found.id for found, _ in await store.list_browser_sessions(None, LATER)] == ["theirs"]
    assert await store.list_api_tokens(None) == []
    for digest in ("of ada", "invitation"):
        with pytest.raises(SignInRefusedError):
            await store.get_sign_in_link(digest, LATER)
    assert (await store.get_sign_in_link("of grace", LATER))[1] is not None
    with pytest.raises(NotFoundError):
        await store.delete_user(owner)


async def test_account_elsewhere_of_a_removed_user_is_nobodys(store: Store) -> None:
    await with_user(store)
    account = Identity(issuer="https://id.example", subject="42", user_id=UserId("second"))
    await store.add_user_with_identity(user(id=UserId("second"), name="grace"), account)
    await store.delete_user(UserId("second"))
    assert await store.find_user_by_identity("https://id.example", "42") is None


async def test_of_two_who_remove_each_other_one_stays(store: Store) -> None:
    owner = await with_user(store)
    other = await with_user(store, id=UserId("second"), name="grace")
    refused: list[UserId] = []

    async def remove(whom: UserId) -> None:
        try:
            await store.delete_user(whom)
        except InvalidInputError:
            refused.append(whom)

    async with anyio.create_task_group() as group:
        for whom in (owner, other):
            group.start_soon(remove, whom)
    assert [each.id for each in await store.list_users()] == refused
    assert len(refused) == 1
