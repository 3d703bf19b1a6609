"""Operations run once however often they are asked for, and go on without whoever asked."""

import anyio
import pytest

from lot.core.errors import HostFullError, LotError, UnavailableError
from lot.runner.operations import Operations

pytestmark = pytest.mark.anyio


class Work:
    """Counts how often it is begun, and ends when told."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = anyio.Event()
        self.has_ended = anyio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        self.has_ended.set()
        return self.begun


async def test_repeat_joins_what_is_under_way_and_gets_the_same_answer() -> None:
    work, answers = Work(), []

    async def ask() -> None:
        answers.append(await operations.run("pause", work))

    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks)
        async with anyio.create_task_group() as askers:
            for _ in range(3):
                askers.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.may_end.set()
    assert answers == [1, 1, 1]


async def test_work_goes_on_when_the_caller_goes_away() -> None:
    work = Work()
    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks)
        with anyio.move_on_after(0):
            await operations.run("pause", work)
        await anyio.wait_all_tasks_blocked()
        work.may_end.set()
        await work.has_ended.wait()
    assert work.begun == 1


async def test_call_after_the_end_runs_anew() -> None:
    work = Work()
    work.may_end.set()
    async with anyio.create_task_group() as tasks:
        operations = Operations(tasks)
        assert [await operations.run("pause", work) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("raised", "seen"), [(HostFullError("no room"), HostFullError), (ZeroDivisionError("odd"), LotError)]
)
async def test_error_reaches_the_caller_and_does_not_end_the_runner(raised: Exception, seen: type[Exception]) -> None:
    async def fail() -> None:
        async with anyio.create_task_group():
            raise raised

    async with anyio.create_task_group() as tasks:
        with pytest.raises(seen) as caught:
            await Operations(tasks).run("pause", fail)
    assert str(raised) in str(caught.value)


async def test_runner_that_ends_says_so_to_who_waits() -> None:
    async def wait() -> None:
        with pytest.raises(UnavailableError):
            await operations.run("pause", Work())

    async with anyio.create_task_group() as waiters, anyio.create_task_group() as tasks:
        operations = Operations(tasks)
        waiters.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
