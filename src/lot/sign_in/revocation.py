"""Whether what was given to somebody still counts: it ends with the browser session or token that it was given to."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio

from lot.core.ids import BrowserSessionId, TokenId
from lot.sign_in.principal import OPERATOR
from lot.store.store import Store

REMEMBERED_S = 5.0
"""So long an answer is good here, for another process may have revoked something; our own revocations count at once."""
CHECK_S = 30.0
"""How often an open socket's right is looked up when nothing was revoked here."""


class Revocations:
    """Knows which holders (`Principal.holder`) are shut out."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._alive_until: dict[str, float] = {}
        self._changed = anyio.Event()

    async def is_alive(self, holder: str) -> bool:
        """Return whether a holder is still signed in; remembered for a moment, as each file of a preview asks."""
        if self._alive_until.get(holder, 0.0) > time.monotonic():
            return True
        changed = self._changed
        is_alive = await self._look_up(holder)
        if is_alive and changed is self._changed:
            self._alive_until[holder] = time.monotonic() + REMEMBERED_S
        return is_alive

    def note(self) -> None:
        """Forget what is remembered, because something was revoked, and wake whoever waits."""
        self._alive_until.clear()
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_until_over(self, holder: str) -> None:
        """Return once a holder is shut out."""
        while True:
            changed = self._changed
            if not await self.is_alive(holder):
                return
            with anyio.move_on_after(CHECK_S):
                await changed.wait()

    async def is_over_before(self, holder: str, serve: Callable[..., Awaitable[None]], *arguments: Any) -> bool:
        """Call `serve`, cut off once a holder is shut out; return whether that was so."""
        is_over = False

        async def end_when_over(scope: anyio.CancelScope) -> None:
            nonlocal is_over
            await self.wait_until_over(holder)
            is_over = True
            scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(end_when_over, group.cancel_scope)
            await serve(*arguments)
            group.cancel_scope.cancel()
        return is_over

    async def _look_up(self, holder: str) -> bool:
        kind, _, held = holder.partition("-")
        if kind == "browser":
            return await self._store.has_browser_session(BrowserSessionId(held), self._now())
        if kind == "token":
            return await self._store.has_api_token(TokenId(held))
        return holder == OPERATOR
