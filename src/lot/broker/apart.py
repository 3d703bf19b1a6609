"""A piece of the control plane in a thread of its own, with an event loop that nothing else keeps busy."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
from anyio import to_thread
from anyio.from_thread import start_blocking_portal


@asynccontextmanager
async def apart(make: Callable[[], AbstractAsyncContextManager[None]]) -> AsyncIterator[None]:
    """Hold a context open in a thread's loop for the length of the block; raises what entering or leaving it raises.

    Args:
        make: Called in that loop, so that whatever the context opens belongs to it.
    """
    starting = start_blocking_portal(name="lot-apart")
    portal = await to_thread.run_sync(starting.__enter__)
    try:
        context = portal.wrap_async_context_manager(portal.call(make))
        await to_thread.run_sync(context.__enter__)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(context.__exit__, None, None, None)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(starting.__exit__, None, None, None)
