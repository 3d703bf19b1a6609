"""The browsers in which push is on: turned on by the user who is signed in there, seen and turned off by them."""

from collections.abc import Callable
from datetime import datetime

from lot.config import Settings
from lot.core.errors import ForbiddenError, PushOffError
from lot.core.ids import PushDeviceId, new_id
from lot.core.push import PushDevice, PushSubscription
from lot.push.encryption import Receiver
from lot.push.services import require_known
from lot.push.vapid import VapidKeys
from lot.sign_in.principal import Principal
from lot.store.store import Store

OFF = (
    "Web Push is off on this server: it may ask no push service. Next step: whoever runs it takes LOT_PUSH_HOSTS away, "
    "or names some there, and starts it again"
)


class PushDevices:
    """Shows and changes in which browsers push is on; the operator sees everybody's."""

    def __init__(self, store: Store, settings: Settings, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._hosts = settings.push_hosts
        self._keys = VapidKeys(store)

    @property
    def is_on(self) -> bool:
        """Whether this installation sends anything at all."""
        return bool(self._hosts)

    async def public_key(self) -> str | None:
        """Return what a browser subscribes with; None while push is off.

        Raises:
            UnavailableError: the key pair does not open with this installation's key.
        """
        return (await self._keys.get()).public_key if self.is_on else None

    async def list(self, principal: Principal) -> list[PushDevice]:
        """Return a user's devices, the newest first."""
        return await self._store.list_push_devices(principal.user_id, self._now())

    async def add(self, principal: Principal, subscription: PushSubscription) -> PushDevice:
        """Have notices sent to the browser that asks, in place of where they went before.

        Raises:
            PushOffError: this installation sends none. ForbiddenError: it is no browser that asks.
            InvalidInputError: its push service is not on the list, or its keys are none.
            NotFoundError: it was signed out meanwhile.
        """
        if not self.is_on:
            raise PushOffError(OFF)
        session = principal.browser_session
        if session is None:
            raise ForbiddenError("only a browser that a user is signed in with has notices sent to it, not a token")
        require_known(subscription.endpoint, self._hosts)
        Receiver.of(subscription)
        device = PushDevice(
            id=PushDeviceId(new_id()),
            browser_session_id=session.id,
            user_agent=session.user_agent,
            made_at=self._now(),
            failure=None,
        )
        await self._store.add_push_device(device, subscription)
        return device

    async def remove(self, principal: Principal, device_id: PushDeviceId) -> None:
        """Send a browser no more notices.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        await self._store.delete_push_device(device_id, principal.user_id)
