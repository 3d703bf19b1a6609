"""Runs long blocking work so that it ends soon after its caller was cancelled."""

from collections.abc import Callable
from threading import Event
from typing import TypeVar

from anyio import create_task_group, sleep_forever, to_thread
from anyio.lowlevel import checkpoint

T = TypeVar("T")


async def stoppable(work: Callable[[Event], T]) -> T:
    """Run blocking work on a thread; it is told when its caller is cancelled, and has ended when this returns."""
    unwanted = Event()
    results: list[T] = []
    failures: list[Exception] = []

    def carry_out() -> None:
        try:
            results.append(work(unwanted))
        except Exception as error:  # raised again below, where no task group wraps it
            failures.append(error)

    async def say_unwanted() -> None:
        try:
            await sleep_forever()
        finally:
            unwanted.set()

    async with create_task_group() as tasks:
        tasks.start_soon(say_unwanted)
        await to_thread.run_sync(carry_out)
        # Who was cancelled hears of that, and not of the error that it made.
        await checkpoint()
        tasks.cancel_scope.cancel()
    for error in failures:
        raise error
    return results[0]
