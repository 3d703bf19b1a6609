"""Two things at once, with the error of the one that failed rather than a group of one."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
U = TypeVar("U")


async def concurrently(
    first: Callable[[], Coroutine[Any, Any, T]], second: Callable[[], Coroutine[Any, Any, U]]
) -> tuple[T, U]:
    """Run both to their end and return what they returned; the first failure cancels the other and is raised."""
    firsts: list[T] = []
    seconds: list[U] = []

    async def keep_first() -> None:
        firsts.append(await first())

    async def keep_second() -> None:
        seconds.append(await second())

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(keep_first)
            group.start_soon(keep_second)
    except BaseExceptionGroup as failures:
        raise _first(failures) from failures
    return firsts[0], seconds[0]


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
