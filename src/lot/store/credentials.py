"""Credentials of model providers and git hosts, encrypted each by itself."""

from sqlalchemy import delete, select

from lot.store import tables
from lot.store.database import Database, Transaction
from lot.store.upsert import insert_or_update

secrets = tables.secrets


class CredentialStore(Database):
    """Named secrets."""

    async def set_secret(self, name: str, value: str) -> None:
        """Store a secret under a name, in place of the one before."""
        async with self._writing() as transaction:
            await self._set_secret(transaction, name, value)

    async def find_secret(self, name: str) -> str | None:
        """Return the secret of that name.

        Raises:
            UnavailableError: it does not open with this installation's key.
        """
        async with self._reading() as transaction:
            sealed = await transaction.scalar(select(secrets.c.value).where(secrets.c.name == name))
        return None if sealed is None else self._box.decrypt(sealed, _context(name))

    async def ensure_secret(self, name: str, fresh: str) -> str:
        """Return the secret of that name; where there is none, `fresh` becomes it. All who ask at once get the same.

        Raises:
            UnavailableError: it does not open with this installation's key.
        """
        async with self._writing() as transaction:
            sealed = self._box.encrypt(fresh, _context(name))
            statement = insert_or_update(secrets, transaction.dialect).values(name=name, value=sealed)
            await transaction.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
            stored = await transaction.scalar(select(secrets.c.value).where(secrets.c.name == name))
        return self._box.decrypt(stored, _context(name))

    async def delete_secret(self, name: str) -> None:
        """Remove a secret, if there is one of that name."""
        async with self._writing() as transaction:
            await transaction.execute(delete(secrets).where(secrets.c.name == name))
        await self._forget_deleted()

    async def _set_secret(self, transaction: Transaction, name: str, value: str) -> None:
        sealed = self._box.encrypt(value, _context(name))
        fresh = insert_or_update(secrets, transaction.dialect).values(name=name, value=sealed)
        await transaction.execute(fresh.on_conflict_do_update(index_elements=["name"], set_={"value": sealed}))


def _context(name: str) -> str:
    return tables.CREDENTIAL.context(name=name)
