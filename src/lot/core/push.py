"""Where a browser has a push service take notices for it, as frozen values."""

from dataclasses import dataclass
from datetime import datetime

from lot.core.ids import BrowserSessionId, PushDeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """What a browser gave: whoever knows all of it can show notices there."""

    endpoint: str
    """An https address at the push service of the browser's maker."""
    p256dh: str
    """The browser's public key, an uncompressed point of P-256; base64url without padding."""
    auth: str
    """16 bytes that the browser and we share; base64url without padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDevice:
    """A browser in which a user has turned push on; ends with the browser session that did it."""

    id: PushDeviceId
    browser_session_id: BrowserSessionId
    user_agent: str
    """The browser session's."""
    made_at: datetime
    failure: str | None
    """Why the last notice did not get to its push service; None: it did, or there was none yet."""
