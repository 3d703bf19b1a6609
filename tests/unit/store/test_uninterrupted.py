"""Work that ends before a cancellation is felt."""

import asyncio

import anyio
import pytest

from lot.store.uninterrupted import uninterrupted

pytestmark = pytest.mark.anyio


class Work:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.may_end, self.is_done = anyio.Event(), False

    async def run(self) -> str:
        await self.may_end.wait()
        self.is_done = True
        return "result"

    async def fail(self) -> None:
        await self.may_end.wait()
        raise ValueError("on purpose")


async def test_result_and_error_pass_through() -> None:
    work = Work()
    work.may_end.set()
    assert await uninterrupted(work.run()) == "result"
    with pytest.raises(ValueError, match="on purpose"):
        await uninterrupted(work.fail())


async def test_task_that_is_cancelled_twice_still_ends_its_work() -> None:
    work = Work()
    task = asyncio.ensure_future(uninterrupted(work.run()))
    for _ in range(2):
        await anyio.wait_all_tasks_blocked()
        task.cancel()
    await anyio.wait_all_tasks_blocked()
    assert not task.done()
    work.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.is_done


async def test_error_of_work_whose_caller_was_cancelled_is_dropped() -> None:
    work = Work()
    task = asyncio.ensure_future(uninterrupted(work.fail()))
    await anyio.wait_all_tasks_blocked()
    task.cancel()
    work.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_scope_waits_for_the_work() -> None:
    work = Work()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(uninterrupted, work.run())
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
            assert not work.is_done
            work.may_end.set()
    assert work.is_done
