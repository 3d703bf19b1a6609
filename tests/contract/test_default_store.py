"""What the store promises of the defaults that users have chosen, on SQLite and on PostgreSQL."""

import anyio
import pytest

from lot.core.defaults import ChosenDefaults, ProviderModel
from lot.core.records import AgentMode
from lot.store.secrets import SecretBox
from lot.store.store import Store

pytestmark = pytest.mark.anyio

MODEL = ProviderModel(provider="rehearsal", model="rehearsal-small")
ALL = {"model": MODEL, "effort": "high", "mode": AgentMode.ASK, "size": "large", "idle_countdown_s": 90.5}


async def test_nothing_is_chosen_at_first(store: Store) -> None:
    assert await store.get_chosen_defaults() == ChosenDefaults()
    await store.choose_defaults({})
    assert await store.get_chosen_defaults() == ChosenDefaults()


async def test_choices_come_back_and_each_is_taken_away_by_itself(store: Store) -> None:
    await store.choose_defaults(ALL)
    assert await store.get_chosen_defaults() == ChosenDefaults(**ALL)
    left = dict(ALL)
    for name in ALL:
        await store.choose_defaults({name: None})
        del left[name]
        assert await store.get_chosen_defaults() == ChosenDefaults(**left)


async def test_choices_made_at_once_are_all_kept(store: Store) -> None:
    async with anyio.create_task_group() as group:
        for name, value in ALL.items():
            group.start_soon(store.choose_defaults, {name: value})
    assert await store.get_chosen_defaults() == ChosenDefaults(**ALL)


async def test_another_process_sees_them_at_once(store: Store, database_url: str, box: SecretBox) -> None:
    other = Store.beside(database_url, box)
    try:
        assert await other.get_chosen_defaults() == ChosenDefaults()
        await store.choose_defaults({"size": "large"})
        assert await other.get_chosen_defaults() == ChosenDefaults(size="large")
    finally:
        await other.close()
