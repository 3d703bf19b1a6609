"""Follows changes of the workspace's files, for as long as somebody wants to know."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path

import anyio
from anyio import to_thread

from lot.core.errors import GitError
from lot.runner.parts import WORKSPACE
from lot.sandbox.layer_look import look_at

logger = logging.getLogger(__name__)

PERIOD_S = 1.0
IDLE_SHARE = 10
"""A look may take a tenth of the time, however large the workspace has become."""
RELEARN_S = 10.0
"""Which folders git ignores is asked inside the sandbox at most this often, and only when something has changed."""


async def file_changes(upper: Path, find_ignored: Callable[[], Awaitable[Collection[str]]]) -> AsyncIterator[None]:
    """Yield once a change would be noticed, then soon after every change of a file that git does not ignore.

    Args:
        upper: The sandbox's own layer on this host.
        find_ignored: Returns the folders of the workspace that git ignores, relative to it.

    Raises:
        SandboxUnavailableError: the sandbox went off.
    """
    ignored, asked_at = await _ignored(find_ignored), time.monotonic()
    seen, took_s = await _look(upper, ignored)
    yield
    while True:
        await anyio.sleep(max(PERIOD_S, took_s * IDLE_SHARE))
        before = seen
        seen, took_s = await _look(upper, ignored)
        if seen == before:
            continue
        if time.monotonic() - asked_at >= RELEARN_S:
            # Such as packages that were installed since: looking at them all would take long, and mean nothing.
            ignored, asked_at = await _ignored(find_ignored), time.monotonic()
            seen, took_s = await _look(upper, ignored)
        yield


async def _look(upper: Path, ignored: Collection[str]) -> tuple[bytes, float]:
    began = time.monotonic()
    seen = await to_thread.run_sync(look_at, upper, WORKSPACE.name, ignored)
    return seen, time.monotonic() - began


async def _ignored(find: Callable[[], Awaitable[Collection[str]]]) -> Collection[str]:
    try:
        return await find()
    except GitError as error:
        logger.info("ignored folders are not known", extra={"reason": str(error)})
        return ()
