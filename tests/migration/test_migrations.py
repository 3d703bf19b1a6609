"""Migrations: from nothing, beside each other, and with data of every earlier revision in place."""

import re
import secrets
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import create_task_group
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

import lot.store
from lot.core.asks import Answer
from lot.core.ids import ProjectId, SessionId
from lot.core.records import Delivery, SnapshotState
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
    assert await store.get_environment(project.id) == {"API_URL": "https://example.test", "EMPTY": ""}
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
    pull_request = await store.open_pull_request_of(parent)
    assert pull_request == await store.get_pull_request(ProjectId("shopprojec"), 1)
    assert (await store.session_usage(parent)).cache_write_tokens == 40


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
