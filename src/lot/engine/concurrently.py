"""Two things at once, with the error of the one that failed rather than a group of one."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


async def concurrently(
    side: Callable[[], Coroutine[Any, Any, object]], main: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """Run both to their end and return what `main` returned; the first failure cancels the other and is raised."""
    results: list[T] = []

    async def keep() -> None:
        results.append(await main())

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(side)
            group.start_soon(keep)
    except BaseExceptionGroup as failures:
        raise _first(failures) from failures
    return results[0]


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
