"""Users' messages: kept until the agent has taken them, each once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, update

from lot.core.events import MessageAdded, StoredEvent
from lot.core.ids import MessageId, SessionId
from lot.core.records import Attachment, Delivery, Message
from lot.store import tables
from lot.store.database import Database, Transaction
from lot.store.rows import message_from, values_of
from lot.store.sessions import lock
from lot.store.transcript import append, confirm_delivery

sessions, messages = tables.sessions, tables.messages


class MessageStore(Database):
    """Messages."""

    async def add_message(
        self, message: Message, now: datetime, attachments: Sequence[Attachment] = ()
    ) -> tuple[Message, bool, list[StoredEvent]]:
        """Keep a message and what came with it, and record it; the session counts as used from then on.

        Returns:
            The stored message, whether it is new, and its event. A message id that the session has already changes
            nothing: the stored message comes back, as it is by now.

        Raises:
            NotFoundError: there is no such session.
        """
        async with self._writing() as transaction:
            await lock(transaction, message.session_id)
            return await keep_message(transaction, message, now, attachments)

    async def attachments_of(self, session_id: SessionId, message_id: MessageId) -> list[Attachment]:
        """Return the files that came with a message, in their order."""
        table = tables.attachments
        query = (
            select(table.c.name, table.c.media_type, table.c.data)
            .where(table.c.session_id == session_id, table.c.message_id == message_id)
            .order_by(table.c.position)
        )
        async with self._reading() as transaction:
            rows = (await transaction.execute(query)).all()
        return [Attachment(name=row.name, media_type=row.media_type, data=row.data) for row in rows]

    async def kept_messages(self, session_id: SessionId) -> list[Message]:
        """Return the messages that the agent has not taken yet, in the order they came in."""
        query = (
            select(messages)
            .where(messages.c.session_id == session_id, messages.c.delivery == Delivery.KEPT)
            .order_by(messages.c.number)
        )
        async with self._reading() as transaction:
            return [message_from(row) for row in (await transaction.execute(query)).mappings()]

    async def mark_delivered(self, session_id: SessionId, ids: Sequence[MessageId], now: datetime) -> list[StoredEvent]:
        """Record that the agent took messages; those that were delivered before give no event.

        Raises:
            NotFoundError: there is no such session.
        """
        async with self._writing() as transaction:
            await lock(transaction, session_id)
            confirmed = await confirm_delivery(transaction, session_id, ids, now)
            return await append(transaction, session_id, confirmed)


async def keep_message(
    transaction: Transaction, message: Message, now: datetime, attachments: Sequence[Attachment] = ()
) -> tuple[Message, bool, list[StoredEvent]]:
    """Keep and record a message within a transaction; the session's row is locked already. See `add_message`."""
    known = select(messages).where(messages.c.session_id == message.session_id, messages.c.id == message.id)
    row = (await transaction.execute(known)).mappings().first()
    if row is not None:
        return message_from(row), False, []
    added = MessageAdded(at=now, message_id=message.id, text=message.text, attachments=message.attachments)
    stored = await append(transaction, message.session_id, [added])
    values = values_of(message) | {"number": stored[0].number}
    await transaction.execute(insert(messages).values(values))
    await _keep_attachments(transaction, message, attachments)
    used = update(sessions).where(sessions.c.id == message.session_id).values(is_used=True, changed_at=now)
    await transaction.execute(used)
    return message, True, stored


async def _keep_attachments(transaction: Transaction, message: Message, attachments: Sequence[Attachment]) -> None:
    rows = [
        {
            "session_id": message.session_id,
            "message_id": message.id,
            "position": position,
            "name": attachment.name,
            "media_type": attachment.media_type,
            "data": attachment.data,
        }
        for position, attachment in enumerate(attachments)
    ]
    if rows:
        await transaction.execute(insert(tables.attachments), rows)
