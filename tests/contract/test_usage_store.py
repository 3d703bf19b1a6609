"""What the store promises of spending, budgets and held answers, on SQLite and on PostgreSQL."""

from datetime import timedelta

import anyio
import pytest
from store_samples import NOW, PROJECT, SESSION, fill, session

from lot.core.budgets import reached_budget
from lot.core.errors import NotFoundError
from lot.core.ids import ProjectId, SessionId
from lot.core.model_answers import HeldAnswer
from lot.store.held_answers import KEPT_FOR, MAX_HELD
from lot.store.store import Store

pytestmark = pytest.mark.anyio

OTHER = SessionId("other")


def an_answer(text: str = "data: 1\n\n") -> HeldAnswer:
    return HeldAnswer(status=200, headers={"content-type": "text/event-stream"}, body=text.encode() + b"\0\xff")


async def spend(store: Store, session_id: SessionId, model: str = "opus", cost_usd: float | None = 0.25) -> None:
    await store.add_model_usage(session_id, model, 10**10, 2, 3, 4, NOW, cost_usd)


async def test_usage_adds_up_by_session_and_by_model(store: Store) -> None:
    await fill(store)
    await spend(store, SESSION)
    await spend(store, SESSION)
    await spend(store, SESSION, "unknown", None)
    used = await store.session_usage(SESSION)
    assert (used.input_tokens, used.output_tokens) == (3 * 10**10, 6)
    assert (used.cache_read_tokens, used.cache_write_tokens) == (9, 12)
    assert used.tokens == 3 * (10**10 + 9)
    assert used.models == {"opus": 2 * (10**10 + 9), "unknown": 10**10 + 9}
    assert used.cost_usd == 0.5


async def test_session_that_used_nothing_has_used_nothing(store: Store) -> None:
    await fill(store)
    used = await store.session_usage(SESSION)
    assert (used.tokens, used.cost_usd, used.models) == (0, 0.0, {})


async def test_project_remembers_what_its_deleted_sessions_used(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER), [])
    assert await store.spending(PROJECT) == (0, 0.0)
    await spend(store, SESSION)
    await spend(store, OTHER, cost_usd=None)
    await store.delete_session(OTHER)
    assert await store.spending(PROJECT) == (2 * (10**10 + 9), 0.25)
    with pytest.raises(NotFoundError):
        await store.spending(ProjectId("gone"))


async def test_spending_side_by_side_loses_nothing(store: Store) -> None:
    await fill(store)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(spend, store, SESSION)
    assert await store.spending(PROJECT) == (20 * (10**10 + 9), 5.0)
    assert (await store.session_usage(SESSION)).cost_usd == 5.0


async def test_usage_of_a_missing_session_is_charged_to_nobody(store: Store) -> None:
    await fill(store)
    with pytest.raises(NotFoundError):
        await spend(store, SessionId("gone"))
    assert await store.spending(PROJECT) == (0, 0.0)


async def test_account_tells_budgets_and_spending_of_session_and_project(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER, budget_tokens=10**11, budget_usd=0.25), [])
    await store.change_project(PROJECT, budget_tokens=10**12, budget_usd=8.0)
    await spend(store, SESSION)
    account = await store.get_account(OTHER)
    assert (account.session_tokens, account.session_usd) == (0, 0.0)
    assert (account.session_budget_tokens, account.session_budget_usd) == (10**11, 0.25)
    assert (account.project_tokens, account.project_usd) == (10**10 + 9, 0.25)
    assert (account.project_budget_tokens, account.project_budget_usd) == (10**12, 8.0)
    assert reached_budget(account) is None
    await spend(store, OTHER)
    reached = reached_budget(await store.get_account(OTHER))
    assert reached is not None
    assert reached.limit == "session_usd"
    assert reached_budget(await store.get_account(SESSION)) is None
    with pytest.raises(NotFoundError):
        await store.get_account(SessionId("gone"))


async def test_held_answer_is_handed_out_once_and_byte_for_byte(store: Store) -> None:
    await fill(store)
    await store.hold_answer(SESSION, "asked", an_answer("old"), NOW)
    await store.hold_answer(SESSION, "asked", an_answer(), NOW)
    assert await store.take_answer(SESSION, "other") is None
    assert await store.take_answer(OTHER, "asked") is None
    assert await store.take_answer(SESSION, "asked") == an_answer()
    assert await store.take_answer(SESSION, "asked") is None


async def test_of_takers_side_by_side_one_gets_the_answer(store: Store) -> None:
    await fill(store)
    await store.hold_answer(SESSION, "asked", an_answer(), NOW)
    found = []

    async def take() -> None:
        found.append(await store.take_answer(SESSION, "asked"))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(take)
    assert sum(answer is not None for answer in found) == 1


async def test_held_answers_are_forgotten_after_a_week_and_when_there_are_too_many(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER), [])
    await store.hold_answer(OTHER, "old", an_answer(), NOW)
    later = NOW + KEPT_FOR + timedelta(seconds=1)
    for number in range(MAX_HELD + 2):
        await store.hold_answer(SESSION, f"asked {number}", an_answer(), later + timedelta(seconds=number))
    assert await store.take_answer(OTHER, "old") is None
    kept = [number for number in range(MAX_HELD + 2) if await store.take_answer(SESSION, f"asked {number}")]
    assert kept == list(range(2, MAX_HELD + 2))


async def test_held_answers_go_with_their_session(store: Store) -> None:
    await fill(store)
    await store.hold_answer(SESSION, "asked", an_answer(), NOW)
    await store.delete_session(SESSION)
    assert await store.take_answer(SESSION, "asked") is None
    with pytest.raises(NotFoundError):
        await store.hold_answer(SESSION, "asked", an_answer(), NOW)
