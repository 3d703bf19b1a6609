"""What stands beside sessions wherever they are listed: read for all of them together, as a list is drawn often."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from lot.core.ids import SessionId
from lot.core.records import AskState, Delivery, PullRequest
from lot.store import tables
from lot.store.database import Database, Transaction
from lot.store.rows import pull_request_from

asks, messages, model_usage, pull_requests = tables.asks, tables.messages, tables.model_usage, tables.pull_requests

_AT_ONCE = 5_000
"""Sessions in one query: both databases take some 32,000 parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMarks:
    """What belongs to a session and is counted elsewhere."""

    kept_messages: int = 0
    """Those that the agent has not taken yet."""
    open_asks: int = 0
    """What it asked and waits for."""
    spent_tokens: int = 0
    spent_usd: float = 0.0
    pull_request: PullRequest | None = None
    """The newest one, whatever its state."""


class SessionMarkStore(Database):
    """Marks of sessions."""

    async def read_marks(self, session_ids: Sequence[SessionId]) -> dict[SessionId, SessionMarks]:
        """Return the marks of each of these sessions; empty ones of those that do not exist."""
        found: dict[SessionId, SessionMarks] = {}
        async with self._reading() as transaction:
            for start in range(0, len(session_ids), _AT_ONCE):
                some = session_ids[start : start + _AT_ONCE]
                kept = await _count(transaction, messages.c.session_id, some, messages.c.delivery == Delivery.KEPT)
                asked = await _count(transaction, asks.c.session_id, some, asks.c.state == AskState.OPEN)
                spent = await _spent(transaction, some)
                opened = await _newest_pull_requests(transaction, some)
                for one in some:
                    found[one] = SessionMarks(
                        kept_messages=kept.get(one, 0),
                        open_asks=asked.get(one, 0),
                        spent_tokens=int(spent[one].tokens) if one in spent else 0,
                        spent_usd=spent[one].usd if one in spent else 0.0,
                        pull_request=opened.get(one),
                    )
        return found


async def _count(
    transaction: Transaction, owner: ColumnElement[Any], some: Sequence[SessionId], is_meant: ColumnElement[bool]
) -> dict[SessionId, int]:
    query = select(owner.label("owner"), func.count().label("number")).where(owner.in_(some), is_meant).group_by(owner)
    return {SessionId(row.owner): row.number for row in await transaction.execute(query)}


async def _spent(transaction: Transaction, some: Sequence[SessionId]) -> dict[SessionId, Row[Any]]:
    used = model_usage.c
    tokens = used.input_tokens + used.output_tokens + used.cache_read_tokens + used.cache_write_tokens
    query = (
        select(
            used.session_id, func.sum(tokens).label("tokens"), func.coalesce(func.sum(used.cost_usd), 0.0).label("usd")
        )
        .where(used.session_id.in_(some))
        .group_by(used.session_id)
    )
    return {SessionId(row.session_id): row for row in await transaction.execute(query)}


async def _newest_pull_requests(transaction: Transaction, some: Sequence[SessionId]) -> dict[SessionId, PullRequest]:
    query = (
        select(pull_requests)
        .where(pull_requests.c.session_id.in_(some))
        .order_by(pull_requests.c.created_at, pull_requests.c.number)
    )
    rows = (await transaction.execute(query)).mappings()
    # The last one of each session stays.
    return {SessionId(row["session_id"]): pull_request_from(row) for row in rows}
