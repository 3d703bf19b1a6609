"""What the store promises of git accounts, on SQLite and on PostgreSQL."""

import pytest
from pydantic import SecretStr
from store_samples import PROJECT, git_account, project

from lot.core.credentials import AppSecret, TokenSecret
from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import AccountId
from lot.store.store import Store

pytestmark = pytest.mark.anyio


async def test_account_is_renewed_with_its_secret_and_removed_when_no_project_uses_it(store: Store) -> None:
    secret = AppSecret(app_id=1, installation_id=2, private_key=SecretStr("a key"))
    added = await store.add_git_account(git_account(), TokenSecret(token=SecretStr("first")))
    assert await store.get_git_account("work") == added == await store.get_git_account(added.id)
    renewed = await store.renew_git_account(git_account(login="grace"), secret)
    assert await store.list_git_accounts() == [renewed]
    assert await store.get_account_secret(added.id) == secret
    await store.add_project(project(account_id=added.id), {})
    with pytest.raises(InvalidInputError, match="account work is used by shop: delete these projects first"):
        await store.delete_git_account(added.id)
    await store.delete_project(PROJECT)
    await store.delete_git_account(added.id)
    assert (await store.list_git_accounts(), await store.find_secret(f"git-account/{added.id}")) == ([], None)


async def test_second_account_of_a_name_leaves_the_secret_of_the_first(store: Store) -> None:
    first = await store.add_git_account(git_account(), TokenSecret(token=SecretStr("first")))
    with pytest.raises(InvalidInputError, match="work exists already"):
        await store.add_git_account(git_account(id=AccountId("other")), TokenSecret(token=SecretStr("second")))
    assert await store.get_account_secret(first.id) == TokenSecret(token=SecretStr("first"))
    assert await store.find_secret("git-account/other") is None


async def test_missing_account_is_not_found(store: Store) -> None:
    gone = AccountId("gone")
    for call in (
        store.get_git_account(gone),
        store.delete_git_account(gone),
        store.renew_git_account(git_account(), TokenSecret(token=SecretStr("x"))),
    ):
        with pytest.raises(NotFoundError):
            await call
