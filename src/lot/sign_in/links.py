"""One-time links: how the first user comes to be, further ones are let in, and forgotten passwords are replaced."""

from datetime import timedelta

from lot.core.errors import ForbiddenError, InvalidInputError, NotFoundError
from lot.core.ids import UserId, new_id
from lot.core.sign_in import SignInLink, User
from lot.sign_in.attempts import link_key, name_key
from lot.sign_in.names import checked_name
from lot.sign_in.parts import Browser, Parts
from lot.sign_in.principal import Principal
from lot.sign_in.secret import digest_of, new_secret

LINK_LIFETIME = timedelta(hours=24)


class Links:
    """Makes links and takes them."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._store = parts, parts.store

    async def make(
        self, principal: Principal, name: str | None, *, is_new: bool
    ) -> tuple[str, SignInLink, User | None]:
        """Make a link. Return its secret, what is stored of it, and whom it lets in.

        A user invites with it, from a browser; for somebody who is a user already only the operator makes one.

        Args:
            name: Whom it lets in; by default the only user there is.
            is_new: Whether it lets in somebody who becomes a user, as it always does while there is none.

        Raises:
            ForbiddenError: they may not. NotFoundError: no such user. InvalidInputError: there are several.
        """
        principal.require_no_program()
        if not principal.is_operator and not is_new:
            raise ForbiddenError(
                "for somebody who is a user already, only who can read Lot's data folder makes links: "
                "`lot sign-in-link` on its machine"
            )
        users = await self._store.list_users()
        user = None if is_new or not users else _chosen(users, name)
        secret, now = new_secret(), self._parts.now()
        link = SignInLink(
            digest=digest_of(secret),
            user_id=None if user is None else user.id,
            created_at=now,
            ends_at=now + LINK_LIFETIME,
        )
        await self._store.add_sign_in_link(link)
        return secret, link, user

    async def check(self, secret: str, browser: Browser) -> User | None:
        """Return whom a link lets in, without using it up; None: whoever uses it becomes a user.

        Raises:
            SignInRefusedError: it was used or is over. TooManyAttemptsError: too many were tried from this address.
        """
        self._parts.attempts.count(link_key(browser.address))
        _, user = await self._store.get_sign_in_link(digest_of(secret), self._parts.now())
        self._parts.attempts.forget(link_key(browser.address))
        return user

    async def use(self, secret: str, name: str | None, password: str | None, browser: Browser) -> User:
        """Return the user whom a link has let in; a password that is given becomes theirs.

        Args:
            name: For a link that names nobody, with a password: who they want to be. Unused otherwise.

        Raises:
            SignInRefusedError: it was used or is over. TooManyAttemptsError: too many were tried from this address.
            InvalidInputError: name or password are missing, unfit, or taken; the link stays good.
        """
        user = await self.check(secret, browser)
        if user is None:
            return await self._become_user(secret, name, password)
        password_hash = None if password is None else await self._parts.hash_new(password)
        await self._store.use_link(digest_of(secret), self._parts.now(), user, password_hash)
        self._parts.revocations.note()
        self._parts.attempts.forget(name_key(user.name))
        return user

    async def _become_user(self, secret: str, name: str | None, password: str | None) -> User:
        if name is None or password is None:
            raise InvalidInputError("this link makes a new user: choose a name and a password")
        user = User(
            id=UserId(new_id()),
            name=checked_name(name),
            password_hash=await self._parts.hash_new(password),
            created_at=self._parts.now(),
        )
        await self._store.use_link_as_new_user(digest_of(secret), self._parts.now(), user)
        return user


def _chosen(users: list[User], name: str | None) -> User:
    """Return the user of that name, or the only one."""
    names = ", ".join(user.name for user in users)
    if name is None:
        if len(users) > 1:
            raise InvalidInputError(f"there are several users: {names}. Next step: name one, with --user")
        return users[0]
    found = next((user for user in users if user.name == name.strip().lower()), None)
    if found is None:
        raise NotFoundError(f"there is no user {name}, only {names}. Next step: --new lets somebody new in")
    return found
