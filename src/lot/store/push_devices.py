"""Browsers in which push was turned on; each is gone with its browser session."""

import hashlib
import json
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import NotFoundError
from lot.core.ids import PushDeviceId, UserId
from lot.core.push import PushDevice, PushSubscription
from lot.store.database import Database
from lot.store.tables import PUSH_SUBSCRIPTION, browser_sessions, push_devices

columns = push_devices.c


class PushDeviceStore(Database):
    """Push devices, with what their browsers gave sealed."""

    async def add_push_device(self, device: PushDevice, subscription: PushSubscription) -> None:
        """Store a device with what its browser gave, in place of an earlier one of its session or its endpoint.

        Raises:
            NotFoundError: its browser session is over.
        """
        digest = hashlib.sha256(subscription.endpoint.encode()).hexdigest()
        values = {
            "id": device.id,
            "browser_session_id": device.browser_session_id,
            "endpoint_digest": digest,
            "subscription": self._box.encrypt(
                json.dumps(asdict(subscription)), PUSH_SUBSCRIPTION.context(id=device.id)
            ),
            "made_at": device.made_at,
            "failure": device.failure,
        }
        is_earlier = or_(columns.browser_session_id == device.browser_session_id, columns.endpoint_digest == digest)
        try:
            async with self._writing() as transaction:
                await transaction.execute(delete(push_devices).where(is_earlier))
                await transaction.execute(insert(push_devices).values(values))
        except IntegrityError as error:
            raise NotFoundError(f"there is no browser session {device.browser_session_id}") from error

    async def list_push_devices(self, user_id: UserId | None, now: datetime) -> list[PushDevice]:
        """Return a user's devices, or everybody's, the newest first; none whose browser session is over."""
        kept = [columns[field.name] for field in fields(PushDevice) if field.name != "user_agent"]
        query = (
            select(*kept, browser_sessions.c.user_agent)
            .join(browser_sessions, browser_sessions.c.id == columns.browser_session_id)
            .where(browser_sessions.c.ends_at > now)
            .order_by(columns.made_at.desc(), columns.id)
        )
        if user_id is not None:
            query = query.where(browser_sessions.c.user_id == user_id)
        async with self._reading() as transaction:
            return [PushDevice(**row) for row in (await transaction.execute(query)).mappings()]

    async def find_push_subscription(self, device_id: PushDeviceId, now: datetime) -> PushSubscription | None:
        """Return where to reach a device; None once its user has turned it off or was signed out.

        Raises:
            UnavailableError: what its browser gave does not open with this installation's key.
        """
        query = (
            select(columns.subscription)
            .join(browser_sessions, browser_sessions.c.id == columns.browser_session_id)
            .where(columns.id == device_id, browser_sessions.c.ends_at > now)
        )
        async with self._reading() as transaction:
            sealed = await transaction.scalar(query)
        if sealed is None:
            return None
        return PushSubscription(**json.loads(self._box.decrypt(sealed, PUSH_SUBSCRIPTION.context(id=device_id))))

    async def delete_push_device(self, device_id: PushDeviceId, user_id: UserId | None) -> None:
        """Forget a device, of that user where one is named.

        Raises:
            NotFoundError: there is none.
        """
        statement = delete(push_devices).where(columns.id == device_id)
        if user_id is not None:
            of_user = select(browser_sessions.c.id).where(browser_sessions.c.user_id == user_id)
            statement = statement.where(columns.browser_session_id.in_(of_user))
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise NotFoundError(f"there is no push device {device_id}")

    async def note_push_failure(self, device_id: PushDeviceId, failure: str | None) -> None:
        """Note why a device's last notice did not get to its push service; None: it did."""
        async with self._writing() as transaction:
            await transaction.execute(update(push_devices).where(columns.id == device_id).values(failure=failure))
