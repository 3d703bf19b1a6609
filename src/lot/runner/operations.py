"""Calls that take long and may be repeated: each runs once, and whoever asks meanwhile gets the same answer."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup

from lot.core.errors import LotError, UnavailableError
from lot.runner.first_error import first_error

T = TypeVar("T")
logger = logging.getLogger(__name__)


class _Running:
    def __init__(self) -> None:
        self.is_done = anyio.Event()
        self.result: Any = None
        self.error: LotError | None = None


class Operations:
    """Runs operations as tasks of its own: they go on when the caller's connection breaks."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._running: dict[str, _Running] = {}

    async def run(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """Return what `work` returns; join the one under way when there is one of this key."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = _Running()
            self._tasks.start_soon(self._carry_out, key, running, work)
        await running.is_done.wait()
        if running.error is not None:
            raise running.error
        return running.result  # type: ignore[no-any-return]

    async def _carry_out(self, key: str, running: _Running, work: Callable[[], Awaitable[Any]]) -> None:
        running.error = UnavailableError("the runner ended before this was done")
        try:
            running.result = await work()
            running.error = None
        except Exception as error:
            cause = first_error(error)
            if isinstance(cause, LotError):
                running.error = cause
            else:
                logger.exception("operation failed", extra={"operation": key.partition(" ")[0]})
                running.error = LotError(f"{type(cause).__name__}: {cause}")
        finally:
            del self._running[key]
            running.is_done.set()
