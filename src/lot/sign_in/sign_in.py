"""Signing in: what lets somebody in, and for how long. HTTP, cookies and origins are the API's affair."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lot.config import Settings
from lot.core.errors import SignInRefusedError
from lot.core.ids import BrowserSessionId, new_id
from lot.core.sign_in import BrowserSession, User
from lot.sign_in.access import Access
from lot.sign_in.attempts import Attempts, address_key, name_key
from lot.sign_in.elsewhere import Elsewhere
from lot.sign_in.links import Links
from lot.sign_in.names import NAME
from lot.sign_in.parts import Browser, Parts
from lot.sign_in.passwords import Passwords
from lot.sign_in.recognition import SESSION_LIFETIME, Recognition
from lot.sign_in.revocation import Revocations
from lot.sign_in.secret import digest_of, new_secret
from lot.sign_in.users import Users
from lot.store.store import Store

MAX_USER_AGENT = 400


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new browser session's user, and the secret for its cookie."""

    user: User
    secret: str


class SignIn:
    """Lets users in; what belongs to that stands in a part each."""

    def __init__(self, store: Store, now: Callable[[], datetime], operator_token: str, settings: Settings) -> None:
        """`operator_token` is the one in the data folder."""
        self.revocations = Revocations(store, now)
        self._parts = Parts(store, now, self.revocations, Attempts(), Passwords())
        self.recognition = Recognition(self._parts, operator_token)
        self.links = Links(self._parts)
        self.access = Access(self._parts)
        self.users = Users(self._parts)
        self.elsewhere = Elsewhere(self._parts, settings)

    async def has_users(self) -> bool:
        """Return whether anybody has become a user yet."""
        return await self._parts.store.has_users()

    async def with_password(self, name: str, password: str, browser: Browser) -> SignedIn:
        """Let a user in by name and password.

        Raises:
            SignInRefusedError: one of them is wrong; which one is not told, in words or in time.
            TooManyAttemptsError: it was tried too often for this name or from this address.
        """
        name = name.strip().lower()
        keys = (address_key(browser.address), name_key(name))
        self._parts.attempts.count(*keys)
        user = await self._parts.store.find_user(name) if NAME.fullmatch(name) else None
        is_right = await self._parts.passwords.is_right(user.password_hash if user else None, password)
        if user is None or not is_right:
            raise SignInRefusedError("The name or the password is wrong.")
        self._parts.attempts.forget(*keys)
        return await self.let_in(user, browser)

    async def with_link(self, secret: str, name: str | None, password: str | None, browser: Browser) -> SignedIn:
        """Let in whoever has a one-time link; arguments and errors are those of `Links.use`."""
        return await self.let_in(await self.links.use(secret, name, password, browser), browser)

    async def let_in(self, user: User, browser: Browser) -> SignedIn:
        """Sign a user in with a browser; who they are was proved before."""
        secret, now = new_secret(), self._parts.now()
        session = BrowserSession(
            id=BrowserSessionId(new_id()),
            user_id=user.id,
            digest=digest_of(secret),
            created_at=now,
            last_seen_at=now,
            ends_at=now + SESSION_LIFETIME,
            user_agent=browser.user_agent[:MAX_USER_AGENT],
            address=browser.address,
        )
        await self._parts.store.add_browser_session(session)
        return SignedIn(user, secret)
