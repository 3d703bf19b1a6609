"""News reach everyone who watches, and nobody is waited for."""

import anyio
import pytest

from lot.runner.news import NewsDesk
from lot.runner.protocol import RunnerNews

pytestmark = pytest.mark.anyio


async def test_everyone_who_watches_gets_what_is_told_from_then_on() -> None:
    desk, heard = NewsDesk(), []

    async def watch(name: str) -> None:
        async for news in desk.watch():
            heard.append((name, news.detail))

    async with anyio.create_task_group() as tasks:
        desk.tell(RunnerNews(news="agent_gone", detail="before"))
        tasks.start_soon(watch, "one")
        tasks.start_soon(watch, "two")
        await anyio.wait_all_tasks_blocked()
        desk.tell(RunnerNews(news="agent_gone", detail="now"))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert sorted(heard) == [("one", "now"), ("two", "now")]


async def test_slow_watcher_loses_the_newest_and_holds_nobody_up() -> None:
    desk = NewsDesk()
    watcher = desk.watch()

    async def first() -> str | None:
        async for news in watcher:
            return news.detail
        return None

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        for number in range(1000):
            desk.tell(RunnerNews(news="agent_gone", detail=str(number)))
    await watcher.aclose()  # type: ignore[attr-defined]
