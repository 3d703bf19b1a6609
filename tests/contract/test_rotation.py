"""A new key for all secrets, cut off at every step, on SQLite and on PostgreSQL."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from store_samples import PROJECT, fill, project, session

from lot.config import Settings
from lot.core.environment import Variable
from lot.core.errors import CallerError, UnavailableError
from lot.core.ids import ProjectId, SessionId
from lot.core.session import SandboxState
from lot.store import rotation, tables
from lot.store.columns import Sealed
from lot.store.keys import KEY_FILE, keys_in_use, load_box, load_keys, make_key
from lot.store.rotation import rotate_keys
from lot.store.store import Store

pytestmark = pytest.mark.anyio

OTHER = ProjectId("other")


class Killed(BaseException):
    """Stands for a process that ends at once."""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


@pytest.fixture
async def filled(settings: Settings) -> Settings:
    """An installation with secrets of each kind."""
    store = await Store.open(settings.sqlalchemy_url, load_box(settings))
    await store.add_project(project(), {"KEY": "of the shop"})
    await store.add_project(project(id=OTHER, name="other"), {})
    await store.set_secret("anthropic", "a credential")
    await store.close()
    return settings


async def read(settings: Settings) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Return every secret, opened with the keys that are there now."""
    store = await Store.open(settings.sqlalchemy_url, load_box(settings))
    try:
        shop, other = [await store.get_environment(project_id) for project_id in (PROJECT, OTHER)]
        return shop.values, other.values, await store.find_secret("anthropic")
    finally:
        await store.close()


SECRETS = ({"KEY": "of the shop"}, {}, "a credential")


async def test_every_secret_opens_with_the_new_key_alone(filled: Settings) -> None:
    [old] = load_keys(filled)
    assert await rotate_keys(filled) == 3
    [new] = load_keys(filled)
    assert new != old
    assert (filled.data_dir / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert await read(filled) == SECRETS
    as_before = filled.model_copy(update={"secret_key": SecretStr(base64.b64encode(old).decode())})
    with pytest.raises(UnavailableError, match=r"secret\.key"):
        await read(as_before)
    assert [file.name for file in filled.data_dir.iterdir()] == [KEY_FILE]


def before(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that kills instead."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    return killed


def after(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that kills when it is done."""

    def killed(*arguments: Any, **named: Any) -> None:
        call(*arguments, **named)
        raise Killed

    return killed


@pytest.mark.parametrize("kill", [before, after])
@pytest.mark.parametrize("at", [1, 2])
async def test_killed_at_the_key_file_nothing_is_lost_and_it_goes_on(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, kill: Callable[..., Any], at: int
) -> None:
    calls = 0

    def write(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        (kill(real) if calls == at else real)(*arguments)

    real = rotation.write_keys
    [old] = load_keys(filled)
    with monkeypatch.context() as patched:
        patched.setattr(rotation, "write_keys", write)
        with pytest.raises(Killed):
            await rotate_keys(filled)
    assert await read(filled) == SECRETS
    await rotate_keys(filled)
    assert old not in load_keys(filled)
    assert len(load_keys(filled)) == 1
    assert await read(filled) == SECRETS


@pytest.mark.parametrize("is_done", [False, True])
async def test_killed_at_the_database_nothing_is_lost_and_the_same_key_is_gone_on_with(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    real = Store.seal_anew

    async def seal_anew(store: Store) -> int:
        if is_done:
            await real(store)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Store, "seal_anew", seal_anew)
        with pytest.raises(Killed):
            await rotate_keys(filled)
    new, _ = load_keys(filled)
    assert await read(filled) == SECRETS
    assert await rotate_keys(filled) == (0 if is_done else 3)
    assert load_keys(filled) == (new,)
    assert await read(filled) == SECRETS


async def test_secret_that_does_not_open_stops_it_with_everything_as_it_was(filled: Settings) -> None:
    stranger = filled.model_copy(update={"secret_key": SecretStr(base64.b64encode(make_key()).decode())})
    store = await Store.open(filled.sqlalchemy_url, load_box(stranger))
    await store.set_secret("zzz", "under another key")
    await store.close()
    with pytest.raises(UnavailableError, match="credential zzz"):
        await rotate_keys(filled)
    assert await read(filled) == SECRETS
    store = await Store.open(filled.sqlalchemy_url, load_box(filled))
    await store.delete_secret("zzz")
    await store.close()
    assert await rotate_keys(filled) == 3


async def test_values_written_between_are_under_the_new_key(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Store, "seal_anew", before(Store.seal_anew))
        with pytest.raises(Killed):
            await rotate_keys(filled)
    store = await Store.open(filled.sqlalchemy_url, load_box(filled))
    await store.set_environment(PROJECT, {"KEY": Variable(value="newer")}, 1)
    await store.close()
    assert await rotate_keys(filled) == 2
    assert (await read(filled))[0] == {"KEY": "newer"}


async def test_key_of_the_settings_is_followed_by_its_successor(filled: Settings) -> None:
    [first] = [base64.b64encode(key).decode() for key in load_keys(filled)]
    second = base64.b64encode(make_key()).decode()
    both = filled.model_copy(update={"secret_key": SecretStr(second), "secret_key_old": SecretStr(f"{first},")})
    assert await read(both) == SECRETS
    assert await rotate_keys(both) == 3
    assert await rotate_keys(both) == 0
    assert await read(filled.model_copy(update={"secret_key": SecretStr(second)})) == SECRETS


async def test_nothing_is_changed_while_a_server_or_a_session_runs(settings: Settings) -> None:
    with keys_in_use(settings.data_dir), pytest.raises(UnavailableError, match="lot up"):
        await rotate_keys(settings)
    with (
        keys_in_use(settings.data_dir, alone=True),
        pytest.raises(UnavailableError, match="try again"),
        keys_in_use(settings.data_dir),
    ):
        pass
    store = await Store.open(settings.sqlalchemy_url, load_box(settings))
    await fill(store)
    await store.add_session(session(id=SessionId("on"), sandbox_state=SandboxState.ON), [])
    await store.close()
    before = load_keys(settings)
    with pytest.raises(CallerError, match=r"2 sessions are on.*Ctrl-C"):
        await rotate_keys(settings)
    assert load_keys(settings) == before


def test_every_secret_of_the_tables_is_found_by_its_type() -> None:
    columns = [column for table in tables.metadata.sorted_tables for column in table.columns]
    sealed = {f"{column.table.name}.{column.name}" for column in columns if isinstance(column.type, Sealed)}
    assert sealed == {"projects.environment", "push_devices.subscription", "secrets.value"}
