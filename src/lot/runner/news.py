"""What happens in a runner that nobody asked for, handed to everyone who watches."""

from collections.abc import AsyncIterator

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from lot.runner.protocol import RunnerNews

_KEPT_PER_WATCHER = 64
"""A watcher that falls further behind loses the newest news; it reads states anyway when it comes back."""


class NewsDesk:
    """Spreads news to all watchers; never waits for a slow one."""

    def __init__(self) -> None:
        self._watchers: set[MemoryObjectSendStream[RunnerNews]] = set()

    def tell(self, news: RunnerNews) -> None:
        """Hand news to everyone who watches now."""
        for watcher in self._watchers:
            try:
                watcher.send_nowait(news)
            except anyio.WouldBlock:
                continue

    async def watch(self) -> AsyncIterator[RunnerNews]:
        """Yield news from now on."""
        send, receive = anyio.create_memory_object_stream[RunnerNews](_KEPT_PER_WATCHER)
        self._watchers.add(send)
        try:
            async with send, receive:
                async for news in receive:
                    yield news
        finally:
            self._watchers.discard(send)
