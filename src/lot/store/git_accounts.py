"""Git accounts: who Lot is at a git host, and the secret that proves it, encrypted among the credentials."""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.credentials import AccountSecret, secret_from, secret_text
from lot.core.errors import InvalidInputError, NotFoundError, UnavailableError
from lot.core.ids import AccountId
from lot.core.records import GitAccount
from lot.store import tables
from lot.store.credentials import CredentialStore
from lot.store.naming import by_id_or_name
from lot.store.rows import git_account_from, values_of

accounts, projects = tables.git_accounts, tables.projects


class GitAccountStore(CredentialStore):
    """Git accounts."""

    async def add_git_account(self, account: GitAccount, secret: AccountSecret) -> GitAccount:
        """Store a new account with its secret.

        Raises:
            InvalidInputError: its name is taken.
        """
        try:
            async with self._writing() as transaction:
                await transaction.execute(insert(accounts).values(values_of(account)))
                await self._set_secret(transaction, _secret_name(account.id), secret_text(secret))
        except IntegrityError as error:
            raise InvalidInputError(f"an account named {account.name} exists already; choose another name") from error
        return account

    async def renew_git_account(self, account: GitAccount, secret: AccountSecret) -> GitAccount:
        """Put a new secret, and what the host now says of its user, in place of the old.

        Raises:
            NotFoundError: there is no such account.
        """
        values: dict[str, Any] = values_of(account)
        async with self._writing() as transaction:
            changed = await transaction.execute(update(accounts).where(accounts.c.id == account.id).values(values))
            if changed.rowcount == 0:
                raise _no_account(account.name)
            await self._set_secret(transaction, _secret_name(account.id), secret_text(secret))
        await self._forget_deleted()
        return account

    async def get_git_account(self, id_or_name: str) -> GitAccount:
        """Return the account with this id, else the one with this name.

        Raises:
            NotFoundError: there is none.
        """
        async with self._reading() as transaction:
            row = (await transaction.execute(by_id_or_name(accounts, id_or_name))).mappings().first()
        if row is None:
            raise _no_account(id_or_name)
        return git_account_from(row)

    async def list_git_accounts(self) -> list[GitAccount]:
        """Return every account, by name."""
        async with self._reading() as transaction:
            rows = await transaction.execute(select(accounts).order_by(accounts.c.name))
            return [git_account_from(row) for row in rows.mappings()]

    async def get_account_secret(self, account_id: AccountId) -> AccountSecret:
        """Return an account's secret.

        Raises:
            UnavailableError: there is none, or it does not open with this installation's key.
        """
        text = await self.find_secret(_secret_name(account_id))
        if text is None:
            raise UnavailableError(f"account {account_id} has no secret; connect it again")
        return secret_from(text)

    async def delete_git_account(self, account_id: AccountId) -> None:
        """Remove an account and its secret.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: projects use it.
        """
        async with self._writing() as transaction:
            locked = select(accounts.c.name).where(accounts.c.id == account_id).with_for_update()
            name = await transaction.scalar(locked)
            if name is None:
                raise _no_account(account_id)
            used = select(projects.c.name).where(projects.c.account_id == account_id).order_by(projects.c.name)
            users = list(await transaction.scalars(used))
            if users:
                raise InvalidInputError(f"account {name} is used by {', '.join(users)}: delete these projects first")
            await transaction.execute(delete(accounts).where(accounts.c.id == account_id))
            await transaction.execute(delete(tables.secrets).where(tables.secrets.c.name == _secret_name(account_id)))
        await self._forget_deleted()


def _secret_name(account_id: AccountId) -> str:
    return f"git-account/{account_id}"


def _no_account(id_or_name: str) -> NotFoundError:
    return NotFoundError(f"there is no git account {id_or_name}; `lot account list` shows those that are connected")
