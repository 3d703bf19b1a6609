"""Knowing again whoever was let in: by a token or a browser's cookie."""

import hmac
from datetime import timedelta

from lot.core.sign_in import BrowserSession
from lot.sign_in.parts import Parts
from lot.sign_in.principal import Principal
from lot.sign_in.secret import digest_of

SESSION_LIFETIME = timedelta(days=30)
"""Of a browser session, from its last use on."""
TOUCH_AFTER = timedelta(minutes=5)
"""A use is noted when the last one noted is so long ago."""
TOKEN_PREFIX = "lot_"


class Recognition:
    """Tells who asks."""

    def __init__(self, parts: Parts, operator_token: str) -> None:
        """`operator_token` is the one in the data folder."""
        self._store, self._now, self._operator_token = parts.store, parts.now, operator_token

    async def by_token(self, given: str) -> Principal | None:
        """Return who holds a token, if it is one of ours."""
        if hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._operator_token.encode()):
            return Principal()
        if not given.startswith(TOKEN_PREFIX) or (found := await self._store.find_api_token(digest_of(given))) is None:
            return None
        token, user = found
        if token.last_used_at is None or self._now() - token.last_used_at >= TOUCH_AFTER:
            await self._store.touch_api_token(token.id, self._now())
        return Principal(user=user, token=token)

    async def by_cookie(self, given: str) -> Principal | None:
        """Return whose browser holds a cookie, if it is one of ours and not over."""
        found = await self._store.find_browser_session(digest_of(given), self._now())
        return None if found is None else Principal(user=found[1], browser_session=found[0])

    async def renew(self, session: BrowserSession, address: str) -> bool:
        """Have a browser session in use last longer; return whether its cookie is to be sent anew."""
        now = self._now()
        if now - session.last_seen_at < TOUCH_AFTER:
            return False
        await self._store.touch_browser_session(session.id, now, now + SESSION_LIFETIME, address)
        return True
