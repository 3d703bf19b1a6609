"""Lets what was begun with a database end before a cancellation is felt.

A statement that is cut off leaves its connection in the middle of a transaction. SQLAlchemy gives such a connection up
without a rollback that anybody waits for, and with aiosqlite it may keep SQLite's write lock for good: every later
write then fails.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from anyio import CancelScope

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end and return its result; a cancellation that came meanwhile is raised afterwards.

    `work` has to be bounded by itself.
    """
    task = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    # The shield keeps anyio's cancellations away, the loop those that asyncio sends to the task itself.
    with CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancellation = error
    if cancellation is not None:
        if not task.cancelled():
            task.exception()  # Looked at, or asyncio would log it as never retrieved.
        raise cancellation
    return task.result()
