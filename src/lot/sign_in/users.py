"""Everybody who may sign in, as all users see and change it: there are no roles."""

from lot.core.errors import InvalidInputError
from lot.core.sign_in import ListedUser, User
from lot.sign_in.names import checked_name
from lot.sign_in.parts import Parts
from lot.sign_in.principal import Principal


class Users:
    """Lists, renames and removes users; further ones come by `Links`."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._store = parts, parts.store

    async def list_users(self) -> list[ListedUser]:
        """Return every user, by name."""
        return await self._store.list_users_seen(self._parts.now())

    async def rename(self, principal: Principal, id_or_name: str, name: str) -> User:
        """Give a user another name, by which they sign in from then on; they stay signed in.

        Raises:
            NotFoundError: there is no such user. InvalidInputError: the name is unfit, or taken.
            ForbiddenError: a program asks with a user's token.
        """
        principal.require_no_program()
        user = await self._store.get_user(id_or_name)
        await self._store.rename_user(user.id, checked_name(name))
        return await self._store.get_user(user.id)

    async def remove(self, principal: Principal, id_or_name: str) -> None:
        """Remove a user: their browsers, tokens and links end at once, and all links that make new users.

        Raises:
            NotFoundError: there is no such user. InvalidInputError: it is who asks, or the only one.
            ForbiddenError: a program asks with a user's token.
        """
        principal.require_no_program()
        user = await self._store.get_user(id_or_name)
        if user.id == principal.user_id:
            raise InvalidInputError("nobody removes themselves: have another user do it")
        await self._store.delete_user(user.id)
        self._parts.revocations.note()
