"""Accounts of the model broker in memory, for tests."""

from dataclasses import dataclass, field

import anyio

from lot.broker.usage import Usage
from lot.core.budgets import ReachedBudget
from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer


@dataclass
class RememberedAccounts:
    """Nothing is limited until `reached` says so."""

    reached: ReachedBudget | None = None
    metered: list[tuple[SessionId, str, Usage]] = field(default_factory=list)
    held: dict[tuple[SessionId, str], HeldAnswer] = field(default_factory=dict)
    waits: list[tuple[SessionId, int, float, int | None, str]] = field(default_factory=list)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def meter(self, session_id: SessionId, model: str, usage: Usage) -> None:
        """Remember what an answer used."""
        self.metered.append((session_id, model, usage))

    async def find_reached(self, session_id: SessionId) -> ReachedBudget | None:
        """Return what the test has set."""
        return self.reached

    async def hold(self, session_id: SessionId, request: str, answer: HeldAnswer) -> None:
        """Keep an answer."""
        self.held[session_id, request] = answer
        self._tell()

    async def take(self, session_id: SessionId, request: str) -> HeldAnswer | None:
        """Return an answer and forget it."""
        return self.held.pop((session_id, request), None)

    async def on_wait(self, *wait: object) -> None:
        """Remember that the broker waits."""
        self.waits.append(wait)  # type: ignore[arg-type]
        self._tell()

    async def until_held(self, count: int = 1) -> None:
        """Return when so many answers are held."""
        with anyio.fail_after(20):
            while len(self.held) < count:
                await self._changed.wait()

    async def until_waits(self, count: int = 1) -> None:
        """Return when the broker has begun so many waits."""
        with anyio.fail_after(20):
            while len(self.waits) < count:
                await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
