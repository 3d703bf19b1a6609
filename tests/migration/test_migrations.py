"""Migrations: from nothing, beside each other, and with data of every earlier revision in place."""

import re
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import create_task_group
from pydantic import SecretStr
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

import lot.store
from lot.core.asks import Answer
from lot.core.credentials import TokenSecret
from lot.core.defaults import ChosenDefaults, ProviderModel
from lot.core.errors import InvalidInputError
from lot.core.ids import ProjectId, SessionId
from lot.core.records import AgentMode, Delivery, SnapshotState
from lot.store.engines import create_sqlite_file
from lot.store.migrate import migrate
from lot.store.secrets import SecretBox
from lot.store.store import Store
from lot.store.tables import metadata

pytestmark = pytest.mark.anyio

FILLED = {re.findall(r"\d{4}", file.name)[0]: file for file in sorted(Path(__file__).parent.glob("filled_*.sql"))}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'folder of its own' / 'lot.db'}"
    url: str = request.getfixturevalue("postgres_server").create_database(f"migration_{secrets.token_hex(6)}")
    return url


async def test_empty_database_becomes_what_the_tables_say(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    engine = create_async_engine(empty_database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrating_at_once_and_again_does_it_once(empty_database_url: str) -> None:
    async with create_task_group() as group:
        for _ in range(3):
            group.start_soon(migrate, empty_database_url)
    await migrate(empty_database_url)


def test_locked_sqlite_file_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'lot.db'}"
    other = sqlite3.connect(tmp_path / "lot.db", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE a (b)")
    other.execute("BEGIN IMMEDIATE")  # Here SQLite itself does not wait: see `create_sqlite_file`.
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(create_sqlite_file, url)
        with pytest.raises(TimeoutError):
            opening.result(0.1)
        other.execute("COMMIT")
        opening.result(10)


def test_each_revision_follows_one_other_and_has_a_filled_example() -> None:
    script = ScriptDirectory(str(Path(lot.store.__file__).with_name("migrations")))
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert set(FILLED) == set(revisions)


@pytest.mark.parametrize("revision", FILLED)
async def test_filled_database_survives_the_upgrade(empty_database_url: str, revision: str, box: SecretBox) -> None:
    await migrate(empty_database_url, revision)
    await _run_script(empty_database_url, FILLED[revision].read_text())
    store = await Store.open(empty_database_url, box)
    try:
        await _check_projects(store)
        await _check_sessions(store)
        await _check_what_belongs_to_a_session(store)
        if revision >= "0002":
            await _check_conversation(store)
        if revision >= "0003":
            await _check_snapshots(store)
            await _check_processes(store)
            await _check_environment(store)
        if revision >= "0004":
            await _check_sign_in(store)
        await _check_push(store, is_there=revision >= "0007")
        await _check_usage(store, 0.25 if revision >= "0002" else 0.0, is_metered=revision >= "0005")
        await _check_git_account(store, is_there=revision >= "0003")
        await _check_defaults(store, are_there=revision >= "0006")
        assert (await store.get_project("shop")).image == ("dockerfile:Dockerfile" if revision >= "0003" else None)
        await store.delete_project(ProjectId("shopprojec"), cascade=True)
    finally:
        await store.close()


async def _run_script(url: str, script: str) -> None:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parts.database))
        connection.executescript(script)
        connection.close()
    else:
        server = await asyncpg.connect(host=parts.query["host"], user=parts.username, database=parts.database)
        await server.execute("SET TIME ZONE 'UTC'")
        await server.execute(re.sub(r"X'([0-9a-f]*)'", r"'\\x\1'", script))
        await server.close()


async def _check_projects(store: Store) -> None:
    project = await store.get_project("shop")
    assert (project.id, project.port, project.created_at) == (
        "shopprojec",
        3000,
        datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
    )
    environment = await store.get_environment(project.id)
    assert environment.values == {"API_URL": "https://example.test", "EMPTY": ""}
    assert environment.version == project.environment_version
    assert await store.find_secret("anthropic") == "golden-credential"
    newest, oldest = await store.list_snapshots(project.id)
    assert newest == await store.current_snapshot(project.id)
    assert (newest.generation, newest.build_s, newest.lease.owner) == (2, 4.25, "runner0001")
    assert (oldest.state, oldest.failure, oldest.log) == (SnapshotState.FAILED, "no network", "npm: no network")


async def _check_sessions(store: Store) -> None:
    child, parent = await store.list_sessions()
    assert (parent.id, parent.label, parent.version, parent.lease.epoch) == ("parent0001", "Paused", 9, 3)
    assert (parent.memory_image, parent.agent_offset, parent.is_used) == ("image00003", 4096, True)
    assert (child.parent_id, child.label, child.layers) == (parent.id, "Idle", ("layer00002", "upper00001"))
    assert (child.candidate_image, child.candidate_epoch, child.is_used) == ("image00004", 1, False)
    assert (parent.cpus, parent.memory_bytes, parent.compute_units) == (2, 4 << 30, 1.0)
    assert (child.size, child.cpus, child.memory_bytes, child.compute_units) == ("large", 4, 8 << 30, 2.0)
    assert await store.next_due() == child.pause_at == datetime(2026, 11, 22, 12, 15, tzinfo=UTC)
    assert await store.claim("session", child.id, 1, child.lease.owner) == 2


async def _check_what_belongs_to_a_session(store: Store) -> None:
    parent = SessionId("parent0001")
    transcript = await store.read_events(parent)
    assert [(event.number, event.event.kind) for event in transcript] == [
        (1, "message_added"),
        (2, "message_delivered"),
        (3, "message_added"),
    ]
    [kept] = await store.kept_messages(parent)
    assert (kept.id, kept.text, kept.delivery) == ("m-2", "Blå, please \ud83d", Delivery.KEPT)
    diff = await store.find_diff(parent)
    assert diff is not None
    assert (diff.patch, diff.files[0].status, diff.files[0].removed) == ("--- a\n+++ b\n", "renamed", None)
    pull_request = await store.newest_pull_request_of(parent)
    assert pull_request == await store.get_pull_request(ProjectId("shopprojec"), 1)
    assert (await store.session_usage(parent)).cache_write_tokens == 40


async def _check_snapshots(store: Store) -> None:
    assert (await store.get_project("shop")).rebuilds_when_stale
    newest, oldest = await store.list_snapshots(ProjectId("shopprojec"))
    assert newest.manifest is not None
    assert (newest.manifest.environment_keys, newest.manifest.memory_bytes) == (("API_URL",), 2048)
    assert newest.stale_files == ("package-lock.json",)
    assert (oldest.manifest, oldest.stale_files) == (None, ())
    assert [session.is_setup for session in await store.list_sessions()] == [True, False]


async def _check_conversation(store: Store) -> None:
    child, parent = await store.list_sessions()
    assert (parent.program, parent.effort, parent.mode, parent.budget_tokens) == ("claude", "high", "ask", 5000)
    assert (child.program, child.effort, child.mode, child.budget_usd) == ("acp:opencode acp", None, "full", 1.5)
    project = await store.get_project("shop")
    assert (project.budget_tokens, project.budget_usd, project.has_browser) == (1_000_000, 12.5, True)
    taken, still_open = await store.list_asks(parent.id, is_all=True)
    assert taken.answer == Answer(choices={"Which colour?": ("Blue",)})
    assert await store.list_asks(parent.id) == [still_open]
    [kept] = await store.kept_messages(parent.id)
    [attachment] = await store.attachments_of(parent.id, kept.id)
    assert (kept.attachments[0].name, attachment.data) == ("a.txt", b"abc")
    assert (await store.agent_lines(parent.id, 1, 0, 1 << 20))[0] == '{"type":"result"}\n'
    assert [file.lines for file in await store.agent_transcript(parent.id)] == ['{"a":1}\n{"a":2}\n']


async def _check_processes(store: Store) -> None:
    project = await store.get_project("shop")
    assert list(project.processes.items()) == [("worker", "npm run worker"), ("css", "npx tailwindcss --watch")]
    newest, oldest = await store.list_snapshots(project.id)
    assert (newest.processes, oldest.processes) == ({"worker": "npm run worker"}, {})


async def _check_environment(store: Store) -> None:
    child, parent = await store.list_sessions()
    assert (parent.environment_version, child.environment_version) == (2, None)
    [snapshot, _] = await store.list_snapshots(parent.project_id)
    assert (snapshot.cpus, snapshot.memory_bytes) == (3, 6 << 30)
    environment = await store.get_environment(parent.project_id)
    assert environment.version == 3
    assert environment.variables["EMPTY"].changed_at == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def _check_sign_in(store: Store) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    ada, grace = await store.list_users()
    assert (ada.name, grace.name, grace.password_hash) == ("ada", "grace", None)
    found = await store.find_browser_session("digest-of-a-cookie", now)
    assert found is not None
    assert (found[0].user_agent, found[1]) == ("Firefox", ada)
    [token] = await store.list_api_tokens(ada.id)
    assert await store.find_api_token("digest-of-a-token") == (token, ada)
    link, user = await store.get_sign_in_link("digest-of-a-link", now)
    assert (link.ends_at, user) == (datetime(2026, 11, 23, 10, 2, tzinfo=UTC), ada)


async def _check_push(store: Store, *, is_there: bool) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    devices = await store.list_push_devices(None, now)
    assert [(one.id, one.user_agent, one.failure) for one in devices] == (
        [("device0001", "Firefox", "web.push.example.net answered 403")] if is_there else []
    )
    for device in devices:
        subscription = await store.find_push_subscription(device.id, now)
        assert subscription is not None
        assert (subscription.endpoint, subscription.auth) == ("https://push.example.net/one", "a secret")


async def _check_usage(store: Store, cost_usd: float, *, is_metered: bool) -> None:
    child, parent = await store.list_sessions()
    seen = (parent.last_event, parent.seen_event, parent.last_activity_at)
    assert seen == ((3, 2, datetime(2026, 11, 22, 12, 3, tzinfo=UTC)) if is_metered else (0, 0, parent.changed_at))
    [day] = await store.days_of_session(parent.id)
    assert (day.day, day.compute_units) == (date(2026, 11, 22), 480.5 if is_metered else 0.0)
    by_project = await store.usage_by_project(date(2026, 11, 1))
    assert by_project.keys() == {parent.project_id, *(["goneprojec"] if is_metered else [])}
    [total] = by_project[parent.project_id]
    assert (total.input_tokens, total.cache_write_tokens, total.cost_usd) == (10, 40, cost_usd)
    # A sandbox that is on is counted from now on.
    await store.meter(datetime(2026, 11, 22, 12, 11, tzinfo=UTC))
    assert len(await store.days_of_session(child.id)) == is_metered
    await store.meter(datetime(2026, 11, 22, 12, 11, 30, tzinfo=UTC))
    [day] = await store.days_of_session(child.id)
    assert day.compute_units == (120.0 if is_metered else 60.0)


async def _check_defaults(store: Store, *, are_there: bool) -> None:
    model = ProviderModel(provider="rehearsal", model="rehearsal-small")
    chosen = ChosenDefaults(model=model, mode=AgentMode.PLAN, idle_countdown_s=900.0)
    assert await store.get_chosen_defaults() == (chosen if are_there else ChosenDefaults())


async def _check_git_account(store: Store, *, is_there: bool) -> None:
    used = (await store.get_project("shop")).account_id
    accounts = await store.list_git_accounts()
    if not is_there:
        assert (used, accounts) == (None, [])
        return
    [account] = accounts
    assert (used, account.name, account.login) == (account.id, "work", "ada")
    with pytest.raises(InvalidInputError, match="used by shop"):
        await store.delete_git_account(account.id)
    assert await store.get_account_secret(account.id) == TokenSecret(token=SecretStr("golden-token"))
