"""What those who watch everything are told of: each change once, in order, or to list everything anew."""

import anyio

from lot.core.ids import SessionId
from lot.engine.overview import MAX_TOUCHED, Overview, Subject, Touched


async def test_watcher_lists_first_and_then_hears_of_each_thing_once() -> None:
    overview = Overview()
    overview.session(SessionId("before"))
    with overview.watching() as watcher:
        assert await watcher.take() is None
        for name in ("a", "b", "a"):
            overview.session(SessionId(name))
        overview.session_deleted(SessionId("b"))
        assert await watcher.take() == (
            Touched(Subject.SESSION, "a"),
            Touched(Subject.SESSION, "b"),
            Touched(Subject.SESSION_DELETED, "b"),
        )


async def test_waiting_watcher_is_woken() -> None:
    overview = Overview()
    with overview.watching() as watcher:
        await watcher.take()
        async with anyio.create_task_group() as group:
            group.start_soon(_touch, overview)
            with anyio.fail_after(10):
                assert await watcher.take() == (Touched(Subject.SESSION, "a"),)


async def _touch(overview: Overview) -> None:
    overview.session(SessionId("a"))


async def test_watcher_that_falls_behind_lists_everything_anew_and_is_bounded() -> None:
    overview = Overview()
    with overview.watching() as slow, overview.watching() as quick:
        assert (await slow.take(), await quick.take()) == (None, None)
        for number in range(MAX_TOUCHED + 1):
            overview.session(SessionId(str(number)))
            assert await quick.take() == (Touched(Subject.SESSION, str(number)),)
        overview.session(SessionId("told by the list"))
        assert await slow.take() is None
        overview.session(SessionId("a"))
        assert await slow.take() == (Touched(Subject.SESSION, "a"),)
