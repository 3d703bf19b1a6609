"""What lets a user in from now on: their password, the browsers they are signed in with, their tokens."""

from lot.core.errors import ForbiddenError, NotFoundError, SignInRefusedError
from lot.core.ids import BrowserSessionId, TokenId, new_id
from lot.core.sign_in import ApiToken, BrowserSession, User
from lot.sign_in.attempts import address_key, name_key
from lot.sign_in.parts import Browser, Parts
from lot.sign_in.principal import Principal
from lot.sign_in.recognition import TOKEN_PREFIX
from lot.sign_in.secret import digest_of, new_secret


class Access:
    """Shows and changes what lets a user in; the operator sees everybody's."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._store = parts, parts.store

    async def change_password(self, principal: Principal, current: str, new: str, browser: Browser) -> None:
        """Change a user's own password; their other browsers are signed out.

        Raises:
            SignInRefusedError: the current one is wrong. InvalidInputError: the new one is too short or too long.
            TooManyAttemptsError: too many were tried. ForbiddenError: the operator has none, and a token changes none.
        """
        user, session = _user_in_browser(principal)
        keys = (address_key(browser.address), name_key(user.name))
        self._parts.attempts.count(*keys)
        if not await self._parts.passwords.is_right(user.password_hash, current):
            raise SignInRefusedError("The current password is wrong.")
        self._parts.attempts.forget(*keys)
        await self._store.set_password(user.id, await self._parts.hash_new(new), session.id)
        self._parts.revocations.note()

    async def list_browser_sessions(self, principal: Principal) -> list[tuple[BrowserSession, User]]:
        """Return the browsers that a user is signed in with."""
        return await self._store.list_browser_sessions(principal.user_id, self._parts.now())

    async def end_browser_session(self, principal: Principal, session_id: BrowserSessionId) -> None:
        """Sign a browser out.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        await self._store.delete_browser_session(session_id, principal.user_id)
        self._parts.revocations.note()

    async def sign_out(self, principal: Principal) -> None:
        """Sign out the browser that asks; when another one was faster, that is as good.

        Raises:
            ForbiddenError: it is no browser that asks.
        """
        _, session = _user_in_browser(principal)
        try:
            await self.end_browser_session(principal, session.id)
        except NotFoundError:
            return

    async def make_token(self, principal: Principal, name: str) -> tuple[str, ApiToken]:
        """Make a token for a user's programs. Return its secret, which is known this once, and what is stored of it.

        Raises:
            ForbiddenError: it is no browser that asks: a token that got out makes no others.
        """
        user, _ = _user_in_browser(principal)
        secret = new_secret(TOKEN_PREFIX)
        token = ApiToken(
            id=TokenId(new_id()),
            user_id=user.id,
            name=name,
            digest=digest_of(secret),
            created_at=self._parts.now(),
            last_used_at=None,
        )
        await self._store.add_api_token(token)
        return secret, token

    async def list_tokens(self, principal: Principal) -> list[ApiToken]:
        """Return a user's tokens."""
        return await self._store.list_api_tokens(principal.user_id)

    async def revoke_token(self, principal: Principal, token_id: TokenId) -> None:
        """Revoke a token.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        await self._store.delete_api_token(token_id, principal.user_id)
        self._parts.revocations.note()


def _user_in_browser(principal: Principal) -> tuple[User, BrowserSession]:
    principal.require_no_program()
    if principal.user is None or principal.browser_session is None:
        raise ForbiddenError("only a user may do that, and the token of the data folder is nobody's")
    return principal.user, principal.browser_session
