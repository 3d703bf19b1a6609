"""Links that let in once."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select

from lot.core.errors import SignInRefusedError
from lot.core.sign_in import SignInLink, User
from lot.store.tables import sign_in_links, users
from lot.store.users import UserStore, has_any_user

links = sign_in_links.c


class SignInLinkStore(UserStore):
    """One-time links."""

    async def add_sign_in_link(self, link: SignInLink) -> None:
        """Store a link; those that are over are forgotten."""
        async with self._writing() as transaction:
            await transaction.execute(delete(sign_in_links).where(links.ends_at <= link.created_at))
            await transaction.execute(insert(sign_in_links).values(asdict(link)))

    async def get_sign_in_link(self, digest: str, now: datetime) -> tuple[SignInLink, User | None]:
        """Return a link that may still be used, and whom it lets in.

        Raises:
            SignInRefusedError: it was used, is over, or never was.
        """
        query = select(sign_in_links).where(links.digest == digest, links.ends_at > now)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
            if row is None:
                raise _is_over()
            link = SignInLink(**row)
            user = (await transaction.execute(select(users).where(users.c.id == link.user_id))).mappings().first()
        return link, None if user is None else User(**user)

    async def use_link_as_new_user(self, digest: str, now: datetime, user: User) -> None:
        """Use up a link that names nobody, and store who used it.

        The first user ends all links that were printed until then.

        Raises:
            SignInRefusedError: it was used, is over, or never was. InvalidInputError: the name is taken.
        """
        usable = (links.digest == digest, links.user_id.is_(None), links.ends_at > now)
        async with self._writing() as transaction:
            if (await transaction.execute(delete(sign_in_links).where(*usable))).rowcount == 0:
                raise _is_over()
            if not await has_any_user(transaction):
                await transaction.execute(delete(sign_in_links).where(links.user_id.is_(None)))
            await self._add_user(transaction, user)

    async def use_link(self, digest: str, now: datetime, user: User, password_hash: str | None) -> None:
        """Use up a user's link; a new password signs all their browsers out.

        Raises:
            SignInRefusedError: it was used, is over, or never was.
        """
        usable = (links.digest == digest, links.user_id == user.id, links.ends_at > now)
        async with self._writing() as transaction:
            if (await transaction.execute(delete(sign_in_links).where(*usable))).rowcount == 0:
                raise _is_over()
            if password_hash is not None:
                await self._set_password(transaction, user.id, password_hash, None)


def _is_over() -> SignInRefusedError:
    return SignInRefusedError("this link was used or is over. Next step: `lot sign-in-link` prints a new one")
