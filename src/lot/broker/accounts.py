"""What sessions spend on models: answers are priced and stored, and the engine is told of budgets that are used up."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from lot.broker.prices import Prices
from lot.broker.usage import Usage
from lot.core.budgets import Account, BudgetName, ReachedBudget, reached_budget
from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer

OnBudget = Callable[[SessionId, BudgetName, str], Awaitable[None]]
"""Told that a budget is used up: session, which budget, what was used. May be told again."""


class AccountStore(Protocol):
    """What accounts need of the store."""

    async def add_model_usage(
        self,
        session_id: SessionId,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_write_tokens: int,
        at: datetime,
        cost_usd: float | None = None,
    ) -> None:
        """Add one request."""

    async def get_account(self, session_id: SessionId) -> Account:
        """Return what a session and its project may use and have used."""

    async def hold_answer(self, session_id: SessionId, request: str, answer: HeldAnswer, now: datetime) -> None:
        """Keep an answer for the same request to come again."""

    async def take_answer(self, session_id: SessionId, request: str) -> HeldAnswer | None:
        """Return the answer that is kept for a request, and forget it."""


class StoredAccounts:
    """Accounts in the store."""

    def __init__(self, store: AccountStore, prices: Prices, now: Callable[[], datetime], on_budget: OnBudget) -> None:
        self._store, self._prices, self._now, self._on_budget = store, prices, now, on_budget

    async def meter(self, session_id: SessionId, model: str, usage: Usage) -> None:
        """Store what an answer used, and look at the budgets."""
        await self._store.add_model_usage(
            session_id,
            model,
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_input_tokens,
            usage.cache_creation_input_tokens,
            self._now(),
            self._prices.cost(model, usage),
        )
        await self.find_reached(session_id)

    async def find_reached(self, session_id: SessionId) -> ReachedBudget | None:
        """Return the budget that keeps a session from asking models, if one does, and tell the engine."""
        reached = reached_budget(await self._store.get_account(session_id))
        if reached is not None:
            await self._on_budget(session_id, reached.limit, reached.detail)
        return reached

    async def hold(self, session_id: SessionId, request: str, answer: HeldAnswer) -> None:
        """Keep an answer for the same request to come again."""
        await self._store.hold_answer(session_id, request, answer, self._now())

    async def take(self, session_id: SessionId, request: str) -> HeldAnswer | None:
        """Return the answer that is kept for a request, and forget it."""
        return await self._store.take_answer(session_id, request)
