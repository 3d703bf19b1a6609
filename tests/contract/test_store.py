"""What the store promises beside leases, on SQLite and on PostgreSQL."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest
from anyio import CancelScope, create_task_group
from sqlalchemy import make_url
from store_samples import NOW, PROJECT, SESSION, SNAPSHOT, fill, message, project, pull_request, session, snapshot

from lot.core.environment import Environment, Variable
from lot.core.errors import InvalidInputError, NotFoundError, StaleEpochError, StaleWriteError, UnavailableError
from lot.core.events import AgentGone, AgentText, Notice, SessionEvent
from lot.core.ids import ImageId, LayerId, MessageId, ProjectId, RunnerId, SessionId, SnapshotId
from lot.core.records import Delivery, DiffFile, PullRequestState, SnapshotManifest, SnapshotState, StoredDiff
from lot.core.session import AgentState, SandboxState
from lot.store.secrets import KEY_BYTES, SecretBox
from lot.store.snapshots import LOG_BYTES
from lot.store.store import Store

pytestmark = pytest.mark.anyio

ODD_TEXT = "naïve \0 nul, lone \ud83d surrogate, 'quotes', %s and a line\nbreak"
RUNNER = RunnerId("runner")
FINISHED: dict[str, Any] = {
    "commit": "c0ffee",
    "memory_image": ImageId("i"),
    "dev_command": "run",
    "port": 1,
    "build_s": 1.5,
    "manifest": SnapshotManifest(
        environment_keys=("API_URL",),
        health_port=1,
        health_status=200,
        layer_bytes=1 << 40,
        layer_files=3,
        layer_hash="abc",
        memory_bytes=1 << 33,
    ),
}
LATER = NOW + timedelta(minutes=1)


def notices(count: int, start: int = 0) -> list[SessionEvent]:
    return [Notice(at=NOW, text=str(number)) for number in range(start, start + count)]


def texts(stored: list) -> list[tuple[int, str]]:
    return [(event.number, event.event.text) for event in stored]


# Projects


async def test_project_comes_back_by_id_and_by_name(store: Store) -> None:
    await store.add_project(project(), {"KEY": "value", "EMPTY": ""})
    assert await store.get_project(PROJECT) == project()
    assert await store.get_project("shop") == project()
    environment = await store.get_environment(PROJECT)
    assert (environment.version, environment.values) == (1, {"KEY": "value", "EMPTY": ""})
    assert {one.changed_at for one in environment.variables.values()} == {NOW}


async def test_environment_changes_only_as_it_was_read(store: Store) -> None:
    await store.add_project(project(), {"KEY": "value"})
    other = {"OTHER": Variable(value=ODD_TEXT, changed_at=LATER), "OLD": Variable(value="")}
    changed = await store.set_environment(PROJECT, other, 1)
    assert changed == Environment(version=2, variables=other) == await store.get_environment(PROJECT)
    assert (await store.get_project(PROJECT)).environment_version == 2
    with pytest.raises(StaleWriteError):
        await store.set_environment(PROJECT, {}, 1)
    assert await store.get_environment(PROJECT) == changed
    assert ODD_TEXT not in repr(changed)


async def test_id_goes_before_a_name_that_looks_like_it(store: Store) -> None:
    await store.add_project(project(name="other"), {})
    await store.add_project(project(id=ProjectId("second"), name=PROJECT), {})
    assert (await store.get_project(PROJECT)).name == "other"


async def test_processes_come_back_in_their_order(store: Store) -> None:
    processes = {"worker": "npm run worker", "css": "echo 'ä \0' \\n", "a": "true"}
    await store.add_project(project(processes=processes), {})
    assert list((await store.get_project(PROJECT)).processes.items()) == list(processes.items())
    await store.add_snapshot(snapshot(processes=processes))
    assert list((await store.get_snapshot(SNAPSHOT)).processes.items()) == list(processes.items())
    changed = await store.change_project(PROJECT, processes={"a": "false"})
    assert changed.processes == {"a": "false"}


async def test_project_names_are_unique(store: Store) -> None:
    await store.add_project(project(), {})
    with pytest.raises(InvalidInputError, match="shop"):
        await store.add_project(project(id=ProjectId("second")), {})
    await store.add_project(project(id=ProjectId("second"), name="second"), {})
    with pytest.raises(InvalidInputError, match="shop"):
        await store.change_project(ProjectId("second"), name="shop")


async def test_project_changes_keep_the_rest(store: Store) -> None:
    await store.add_project(project(), {"KEY": "value"})
    changed = await store.change_project(PROJECT, size="large", port=None)
    assert changed == project(size="large", port=None) == await store.get_project(PROJECT)
    assert await store.list_projects() == [changed]
    with pytest.raises(TypeError, match="environment"):
        await store.change_project(PROJECT, environment="")


async def test_project_with_sessions_is_deleted_only_when_asked(store: Store) -> None:
    await fill(store)
    await store.append_events(SESSION, notices(2))
    await store.add_pull_request(pull_request())
    with pytest.raises(InvalidInputError, match="1 sessions"):
        await store.delete_project(PROJECT)
    await store.delete_project(PROJECT, cascade=True)
    assert await store.list_projects() == []
    assert await store.session_ids() == set()
    assert await store.list_snapshots(PROJECT) == []
    assert await store.list_pull_requests(PROJECT) == []
    assert await store.read_events(SESSION) == []


async def test_missing_project_is_not_found(store: Store) -> None:
    gone = ProjectId("gone")
    for call in (
        store.get_project(gone),
        store.change_project(gone, size="large"),
        store.delete_project(gone),
        store.get_environment(gone),
        store.set_environment(gone, {}, 1),
        store.add_snapshot(snapshot(project_id=gone)),
        store.add_pull_request(pull_request(project_id=gone)),
        store.get_pull_request(gone, 1),
    ):
        with pytest.raises(NotFoundError):
            await call


# Snapshots


async def test_sessions_start_from_the_newest_snapshot_that_is_ready(store: Store) -> None:
    await store.add_project(project(), {})
    assert await store.current_snapshot(PROJECT) is None
    for number in (1, 2, 3):
        added = await store.add_snapshot(snapshot(id=SnapshotId(f"snapshot-{number}")))
        assert added.generation == number
        await store.claim("snapshot", added.id, 0, RUNNER)
    ready = await store.finish_snapshot(SnapshotId("snapshot-2"), 1, **FINISHED)
    assert (ready.state, ready.commit, ready.build_s) == (SnapshotState.READY, "c0ffee", 1.5)
    assert ready.manifest == FINISHED["manifest"]
    await store.fail_snapshot(SnapshotId("snapshot-3"), 1, ODD_TEXT)
    assert await store.current_snapshot(PROJECT) == ready
    assert [one.id for one in await store.list_snapshots(PROJECT)] == ["snapshot-3", "snapshot-2", "snapshot-1"]
    assert [one.id for one in await store.list_building()] == ["snapshot-1"]


async def test_snapshots_that_nothing_uses_are_dropped_and_the_newest_failure_is_kept(store: Store) -> None:
    await store.add_project(project(), {})
    for number in (1, 2, 3, 4, 5):
        await store.add_snapshot(snapshot(id=SnapshotId(f"snapshot-{number}")))
        await store.claim("snapshot", SnapshotId(f"snapshot-{number}"), 0, RUNNER)
    for number in (1, 2, 4):
        await store.finish_snapshot(SnapshotId(f"snapshot-{number}"), 1, **FINISHED)
    await store.fail_snapshot(SnapshotId("snapshot-5"), 1, "no network")
    await store.add_session(session(snapshot_id=SnapshotId("snapshot-2")), [])
    assert await store.drop_unused_snapshots() == ["snapshot-1"]
    left = [one.id for one in await store.list_snapshots(PROJECT)]
    assert left == ["snapshot-5", "snapshot-4", "snapshot-3", "snapshot-2"], "3 is being built, 2 has a session"
    await store.delete_session(SESSION)
    assert await store.drop_unused_snapshots() == ["snapshot-2"]


async def test_stale_files_of_a_snapshot_are_kept_and_forgotten(store: Store) -> None:
    await store.add_project(project(), {})
    await store.add_snapshot(snapshot())
    await store.mark_stale(SNAPSHOT, ("package-lock.json", "Dockerfile"))
    assert (await store.get_snapshot(SNAPSHOT)).stale_files == ("package-lock.json", "Dockerfile")
    await store.mark_stale(SNAPSHOT, ())
    assert (await store.get_snapshot(SNAPSHOT)).stale_files == ()


async def test_build_is_ended_once_and_by_its_epoch(store: Store) -> None:
    await store.add_project(project(), {})
    await store.add_snapshot(snapshot())
    epoch = await store.claim("snapshot", SNAPSHOT, 0, RUNNER)
    with pytest.raises(StaleEpochError):
        await store.fail_snapshot(SNAPSHOT, epoch - 1, "too late")
    await store.fail_snapshot(SNAPSHOT, epoch, "no npm")
    with pytest.raises(StaleWriteError):
        await store.fail_snapshot(SNAPSHOT, epoch, "again")
    with pytest.raises(NotFoundError):
        await store.fail_snapshot(SnapshotId("gone"), 1, "never was")
    assert (await store.get_snapshot(SNAPSHOT)).failure == "no npm"


async def test_build_may_say_on_which_base_image_it_goes_on(store: Store) -> None:
    await store.add_project(project(), {})
    await store.add_snapshot(snapshot())
    epoch = await store.claim("snapshot", SNAPSHOT, 0, RUNNER)
    assert (await store.set_base_image(SNAPSHOT, epoch, "oci-1")).base_image == "oci-1"
    await store.add_session(session(base_image="oci-2"), [])
    assert await store.base_images_in_use() == {"oci-1", "oci-2"}
    with pytest.raises(StaleEpochError):
        await store.set_base_image(SNAPSHOT, epoch - 1, "oci-3")
    await store.fail_snapshot(SNAPSHOT, epoch, "no npm")
    with pytest.raises(StaleWriteError):
        await store.set_base_image(SNAPSHOT, epoch, "oci-3")


async def test_build_log_keeps_its_newest_part(store: Store) -> None:
    await store.add_project(project(), {})
    await store.add_snapshot(snapshot())
    await store.append_snapshot_log(SNAPSHOT, "begin\0")
    assert (await store.get_snapshot(SNAPSHOT)).log == "begin\ufffd"
    await store.append_snapshot_log(SNAPSHOT, "é" * LOG_BYTES)
    await store.append_snapshot_log(SNAPSHOT, "end")
    log = (await store.get_snapshot(SNAPSHOT)).log
    assert log.endswith("éend")
    assert LOG_BYTES - 4 <= len(log.encode()) <= LOG_BYTES + 4


# Sessions


async def test_session_comes_back_as_it_was_stored(store: Store) -> None:
    await fill(store)
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    sample = session(
        id=SessionId("second"),
        parent_id=SESSION,
        layers=(LayerId("a"), LayerId("b")),
        pause_at=NOW.astimezone(elsewhere),
        is_used=True,
    )
    stored, events = await store.add_session(sample, notices(2))
    assert stored == replace(sample, events=2) == await store.get_session(sample.id)
    assert stored.pause_at is not None
    assert stored.pause_at.utcoffset() == timedelta(0)
    assert texts(events) == [(1, "0"), (2, "1")]


async def test_instants_without_timezone_are_refused(store: Store) -> None:
    await fill(store)
    with pytest.raises(Exception, match="no timezone"):
        await store.change_session(SESSION, seen_version=1, now=NOW, pause_at=NOW.replace(tzinfo=None))


async def test_session_needs_its_project_and_snapshot(store: Store) -> None:
    await store.add_project(project(), {})
    with pytest.raises(NotFoundError):
        await store.add_session(session(), [])


async def test_change_and_its_event_are_stored_together(store: Store) -> None:
    await fill(store)
    changed, events = await store.change_session(
        SESSION,
        seen_version=1,
        now=NOW + timedelta(seconds=1),
        events=notices(2),
        agent=AgentState.RUNNING,
        reason=ODD_TEXT,
    )
    assert (changed.version, changed.agent, changed.events) == (2, AgentState.RUNNING, 2)
    assert changed.changed_at == NOW + timedelta(seconds=1)
    assert changed == await store.get_session(SESSION)
    assert await store.read_events(SESSION) == events


async def test_change_from_an_old_version_does_nothing(store: Store) -> None:
    await fill(store)
    await store.change_session(SESSION, seen_version=1, now=NOW, title="first")
    with pytest.raises(StaleWriteError):
        await store.change_session(SESSION, seen_version=1, now=NOW, title="second", events=notices(1))
    assert (await store.get_session(SESSION)).title == "first"
    assert await store.read_events(SESSION) == []


async def test_change_for_an_old_epoch_does_nothing(store: Store) -> None:
    await fill(store)
    epoch = await store.claim("session", SESSION, 0, RUNNER)
    with pytest.raises(StaleEpochError):
        await store.change_session(SESSION, seen_version=1, epoch=epoch - 1, now=NOW, title="late")
    changed, _ = await store.change_session(SESSION, seen_version=1, epoch=epoch, now=NOW, title="in time")
    assert changed.title == "in time"


@pytest.mark.parametrize("name", ["id", "version", "lease", "label", "owner", "changed_at", "nonsense"])
async def test_attributes_that_the_store_keeps_itself_cannot_be_changed(store: Store, name: str) -> None:
    await fill(store)
    with pytest.raises(TypeError, match=name):
        await store.change_session(SESSION, seen_version=1, **{"now": NOW, name: 1})


async def test_sessions_that_are_on_fall_due_in_order(store: Store) -> None:
    await fill(store)
    assert await store.next_due() is None
    late, later = NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)
    for id_, state, pause_at in (
        ("b", SandboxState.ON, later),
        ("a", SandboxState.ON, late),
        ("pausing", SandboxState.PAUSING, late),
        ("never", SandboxState.ON, None),
    ):
        await store.add_session(session(id=SessionId(id_), sandbox_state=state, pause_at=pause_at), [])
    assert await store.next_due() == late
    assert await store.due_sessions(NOW) == []
    assert [due.id for due in await store.due_sessions(late)] == ["a"]
    assert [due.id for due in await store.due_sessions(later)] == ["a", "b"]
    states = [SandboxState.PAUSING, SandboxState.BOOTING]
    assert {one.id for one in await store.list_in_sandbox_states(states)} == {"pausing", SESSION}
    assert {one.id for one in await store.list_sessions(PROJECT)} == await store.session_ids()
    assert await store.list_sessions(ProjectId("other")) == []


async def test_layers_and_images_in_use_are_of_sessions_and_snapshots(store: Store) -> None:
    await fill(store)
    layers = (LayerId("shared"), LayerId("layer-of-snapshot"))
    await store.add_session(
        session(
            id=SessionId("fork"),
            layers=layers,
            upper=LayerId("fork-upper"),
            memory_image=ImageId("memory"),
            candidate_image=ImageId("candidate"),
        ),
        [],
    )
    await store.add_snapshot(snapshot(id=SnapshotId("other"), layer=LayerId("other"), memory_image=ImageId("warm")))
    assert await store.layers_in_use() == {"layer-of-snapshot", "upper-of-session", "shared", "fork-upper", "other"}
    assert await store.images_in_use() == {"memory", "candidate", "warm"}


async def test_deleted_session_leaves_no_row_and_pull_requests_stay(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=SessionId("child"), parent_id=SESSION), [])
    await store.add_message(message(), NOW)
    await store.save_diff(a_diff())
    await store.add_model_usage(SESSION, "opus", 1, 2, 3, 4, NOW)
    added = await store.add_pull_request(pull_request())
    await store.delete_session(SESSION)
    assert await store.session_ids() == {"child"}
    assert (await store.get_session(SessionId("child"))).parent_id is None
    assert await store.read_events(SESSION) == []
    assert await store.kept_messages(SESSION) == []
    assert await store.find_diff(SESSION) is None
    assert (await store.session_usage(SESSION)).tokens == 0
    assert await store.get_pull_request(PROJECT, added.number) == replace(added, session_id=None)


async def test_missing_session_is_not_found(store: Store) -> None:
    await fill(store)
    gone = SessionId("gone")
    for call in (
        store.get_session(gone),
        store.change_session(gone, seen_version=1, now=NOW, title=""),
        store.delete_session(gone),
        store.append_events(gone, notices(1)),
        store.add_message(message(session_id=gone), NOW),
        store.mark_delivered(gone, [MessageId("message")], NOW),
        store.save_diff(replace(a_diff(), session_id=gone)),
        store.add_model_usage(gone, "opus", 0, 0, 0, 0, NOW),
        store.copy_transcript(SESSION, gone, 0),
        store.commit_image(gone, 0, ImageId("image"), now=NOW),
        take(store, 0, 1, session_id=gone),
    ):
        with pytest.raises(NotFoundError):
            await call


# Messages


async def test_message_is_kept_once_however_often_it_is_sent(store: Store) -> None:
    await fill(store)
    kept, is_new, events = await store.add_message(message(text=ODD_TEXT), NOW)
    assert (kept, is_new, [event.number for event in events]) == (message(text=ODD_TEXT), True, [1])
    again, is_new, events = await store.add_message(message(text="something else"), NOW)
    assert (again, is_new, events) == (kept, False, [])
    assert (await store.get_session(SESSION)).is_used
    assert len(await store.read_events(SESSION)) == 1


async def test_message_sent_twice_at_the_same_time_is_kept_once(store: Store) -> None:
    await fill(store)
    fresh: list[bool] = []

    async def send() -> None:
        fresh.append((await store.add_message(message(), NOW))[1])

    async with create_task_group() as group:
        for _ in range(8):
            group.start_soon(send)
    assert sorted(fresh) == [False] * 7 + [True]
    assert len(await store.read_events(SESSION)) == 1


async def test_messages_are_delivered_once_and_in_order(store: Store) -> None:
    await fill(store)
    for number in (3, 1, 2):
        await store.add_message(message(str(number)), NOW)
    assert [kept.id for kept in await store.kept_messages(SESSION)] == ["3", "1", "2"]
    ids = [MessageId("1"), MessageId("3"), MessageId("unknown")]
    delivered = await store.mark_delivered(SESSION, ids, NOW)
    assert [(event.number, event.event.message_id) for event in delivered] == [(4, "3"), (5, "1")]
    assert await store.mark_delivered(SESSION, ids, NOW) == []
    assert [kept.id for kept in await store.kept_messages(SESSION)] == ["2"]


async def test_message_of_one_megabyte_comes_back(store: Store) -> None:
    await fill(store)
    text = "0123456789abcdeé" * (1 << 16)
    await store.add_message(message(text=text), NOW)
    assert (await store.kept_messages(SESSION))[0].text == text


# Events


async def test_events_are_numbered_without_gaps_by_many_writers_at_once(store: Store) -> None:
    await fill(store)

    async def write(number: int) -> None:
        if number % 2:
            await store.append_events(SESSION, notices(2, start=number))
        else:
            await store.add_message(message(str(number)), NOW)

    with anyio.fail_after(20):
        async with create_task_group() as group:
            for number in range(50):
                group.start_soon(write, number)
    numbers = [event.number for event in await store.read_events(SESSION)]
    assert numbers == list(range(1, 76))
    assert (await store.get_session(SESSION)).events == 75


async def test_writers_who_decide_from_the_same_version_each_get_their_turn(store: Store) -> None:
    await fill(store)

    async def retitle(number: int) -> None:
        while True:
            seen = await store.get_session(SESSION)
            try:
                await store.change_session(SESSION, seen_version=seen.version, now=NOW, title=str(number))
            except StaleWriteError:
                continue
            return

    with anyio.fail_after(30):
        async with create_task_group() as group:
            for number in range(15):
                group.start_soon(retitle, number)
    assert (await store.get_session(SESSION)).version == 16


async def test_writers_of_two_processes_worth_of_connections_wait_for_each_other(
    database_url: str, store: Store, box: SecretBox
) -> None:
    await fill(store)
    other = await Store.open(database_url, box)
    with anyio.fail_after(20):
        async with create_task_group() as group:
            for number in range(25):
                group.start_soon(store.append_events, SESSION, notices(1, start=number))
                group.start_soon(other.add_message, message(str(number)), NOW)
    await other.close()
    assert [event.number for event in await store.read_events(SESSION)] == list(range(1, 51))


async def test_events_are_read_in_pages(store: Store) -> None:
    await fill(store)
    await store.append_events(SESSION, notices(5))
    assert texts(await store.read_events(SESSION, after=1, limit=2)) == [(2, "1"), (3, "2")]
    assert await store.read_events(SESSION, after=5) == []
    assert await store.append_events(SESSION, []) == []


async def test_odd_text_of_an_agent_does_not_spoil_the_transcript(store: Store) -> None:
    await fill(store)
    stored = await store.append_events(SESSION, [AgentText(at=NOW, text=ODD_TEXT)])
    assert stored == await store.read_events(SESSION)
    assert texts(stored) == [(1, ODD_TEXT.replace("\ud83d", "\ufffd"))]


async def take(store: Store, start: int, end: int, *, session_id: SessionId = SESSION, run: int = 1, **more: object):
    """Take in the bytes `start` to `end` of a journal in which each byte is an event."""
    return await store.append_agent_events(
        session_id,
        epoch=0,
        run=run,
        from_offset=start,
        to_offset=end,
        events=notices(end - start, start=start),
        now=NOW,
        **more,
    )


async def test_agent_events_move_the_offset_and_leave_the_version(store: Store) -> None:
    await fill(store)
    taken = await take(store, 0, 2)
    assert taken is not None
    assert (taken[0].agent_offset, taken[0].version) == (2, 1)
    assert texts(taken[1]) == [(1, "0"), (2, "1")]


async def test_agent_events_with_a_new_state_raise_the_version_once(store: Store) -> None:
    await fill(store)
    versions = []
    for end in (1, 2):
        taken = await take(store, end - 1, end, agent=AgentState.RUNNING)
        assert taken is not None
        versions.append(taken[0].version)
    assert versions == [2, 2]
    taken = await take(store, 2, 3, agent=AgentState.IDLE, pause_at=NOW, pause_reason="quiet")
    assert taken is not None
    assert (taken[0].version, taken[0].agent, taken[0].pause_at) == (3, AgentState.IDLE, NOW)


async def test_delivery_comes_before_the_events_of_its_stretch_and_once(store: Store) -> None:
    await fill(store)
    await store.add_message(message(), NOW)
    first = await take(store, 0, 1, delivered=[MessageId("message")])
    second = await take(store, 1, 2, delivered=[MessageId("message")])
    assert first is not None
    assert second is not None
    assert [(event.number, event.event.kind) for event in first[1]] == [(2, "message_delivered"), (3, "notice")]
    assert first[0].events == 3
    assert [(event.number, event.event.kind) for event in second[1]] == [(4, "notice")]
    assert await store.kept_messages(SESSION) == []


async def test_repeats_gaps_and_other_runs_of_agent_events_are_told_apart(store: Store) -> None:
    await fill(store)
    await take(store, 0, 4)
    assert await take(store, 0, 4) is None
    assert await take(store, 2, 4) is None
    assert await take(store, 0, 9, run=0) is None
    for start, end, run in ((5, 6, 1), (2, 6, 1), (0, 1, 2)):
        with pytest.raises(StaleWriteError):
            await take(store, start, end, run=run)
    with pytest.raises(ValueError, match="backwards"):
        await take(store, 4, 3)
    await store.claim("session", SESSION, 0, RUNNER)
    with pytest.raises(StaleEpochError):
        await take(store, 4, 5)
    assert len(await store.read_events(SESSION)) == 4


@pytest.mark.parametrize("has_last_words", [True, False])
async def test_end_of_an_agents_run_is_taken_in_once(store: Store, has_last_words: bool) -> None:
    await fill(store)
    await take(store, 0, 2)
    gone = AgentGone(at=NOW, reason="killed by signal 9")

    async def end(start: int, stop: int, run: int = 1) -> list[str] | None:
        taken = await store.append_agent_events(
            SESSION,
            epoch=0,
            run=run,
            from_offset=start,
            to_offset=stop,
            events=[gone],
            now=NOW,
            agent=AgentState.ERRORED,
        )
        return None if taken is None else [event.event.kind for event in taken[1]]

    place = 3 if has_last_words else 2
    assert await end(2, place) == ["agent_gone"]
    assert await end(place, place) is None
    assert await end(2, 2) is None
    version = (await store.get_session(SESSION)).version
    await store.change_session(SESSION, seen_version=version, now=NOW, agent_run=2, agent_offset=0)
    assert await end(0, 0, run=2) == ["agent_gone"]


async def test_stretch_without_bytes_or_events_may_confirm_deliveries(store: Store) -> None:
    await fill(store)
    await store.add_message(message(), NOW)
    kinds = []
    for _ in range(2):
        taken = await take(store, 0, 0, delivered=[MessageId("message")])
        assert taken is not None
        kinds.append([event.event.kind for event in taken[1]])
    assert kinds == [["message_delivered"], []]


@pytest.mark.parametrize("seed", range(3))
async def test_journal_taken_in_by_callers_that_are_cut_off_is_complete_and_without_repeats(
    store: Store, seed: int
) -> None:
    """Callers begin again at the stored offset or before it, cut the journal anywhere, and are cancelled anywhere."""
    await fill(store)
    chance, length = random.Random(seed), 40
    with anyio.fail_after(20):
        while (stored := (await store.get_session(SESSION)).agent_offset) < length:
            start = stored - chance.choice([0, 0, 0, min(stored, 2)])
            end = min(length, start + chance.randint(1, 5))
            with CancelScope() as scope, suppress(StaleWriteError):
                if chance.random() < 0.3:
                    scope.deadline = anyio.current_time() + chance.uniform(0, 0.003)
                await take(store, start, end)
    assert texts(await store.read_events(SESSION)) == [(number + 1, str(number)) for number in range(length)]


async def test_fork_has_its_parents_transcript_up_to_a_point(store: Store) -> None:
    await fill(store)
    await store.append_events(SESSION, notices(5))
    await store.save_diff(a_diff())
    child = SessionId("child")
    await store.add_session(session(id=child, parent_id=SESSION), [])
    await store.copy_transcript(SESSION, child, 3)
    assert await store.read_events(child) == await store.read_events(SESSION, limit=3)
    assert await store.find_diff(child) == replace(a_diff(), session_id=child)
    assert texts(await store.append_events(child, notices(1))) == [(4, "0")]
    with pytest.raises(StaleWriteError):
        await store.copy_transcript(SESSION, child, 3)


async def test_fork_from_a_point_that_the_parent_has_not_reached_changes_nothing(store: Store) -> None:
    await fill(store)
    child = SessionId("child")
    await store.add_session(session(id=child), [])
    with pytest.raises(StaleWriteError):
        await store.copy_transcript(SESSION, child, 1)
    assert (await store.get_session(child)).events == 0


# Diffs, pull requests, usage, credentials


def a_diff() -> StoredDiff:
    files = (
        DiffFile(path="a.txt", old_path=None, status="modified", added=1, removed=0),
        DiffFile(path="new.png", old_path="old.png", status="renamed", added=None, removed=None),
    )
    return StoredDiff(
        session_id=SESSION, base_commit="c0ffee", patch=ODD_TEXT, is_truncated=False, files=files, taken_at=NOW
    )


async def test_diff_comes_back_exactly_and_the_newest_one_counts(store: Store) -> None:
    await fill(store)
    assert await store.find_diff(SESSION) is None
    await store.save_diff(replace(a_diff(), patch="older", files=()))
    await store.save_diff(a_diff())
    assert await store.find_diff(SESSION) == a_diff()


async def test_pull_requests_are_numbered_within_their_project(store: Store) -> None:
    await fill(store)
    await store.add_project(project(id=ProjectId("other"), name="other"), {})
    first = await store.add_pull_request(pull_request("one"))
    second = await store.add_pull_request(pull_request("two", created_at=NOW + timedelta(seconds=1)))
    elsewhere = await store.add_pull_request(pull_request("three", project_id=ProjectId("other"), session_id=None))
    assert (first.number, second.number, elsewhere.number) == (1, 2, 1)
    assert await store.list_pull_requests(PROJECT) == [second, first]
    assert await store.newest_pull_request_of(SESSION) == second
    assert await store.newest_pull_request_of(SessionId("none")) is None
    with pytest.raises(InvalidInputError):
        await store.add_pull_request(pull_request("four", number=2))


async def test_pull_request_changes_with_its_host(store: Store) -> None:
    await fill(store)
    added = await store.add_pull_request(pull_request())
    changed = await store.change_pull_request(added.id, state=PullRequestState.MERGED, head_commit="decade")
    assert changed == replace(added, state=PullRequestState.MERGED, head_commit="decade")
    assert await store.get_pull_request(PROJECT, 1) == changed
    with pytest.raises(NotFoundError):
        await store.change_pull_request(pull_request("gone").id, title="")


async def test_credentials_are_replaced_and_removed(store: Store) -> None:
    assert await store.find_secret("anthropic") is None
    await store.set_secret("anthropic", "one")
    await store.set_secret("anthropic", "two")
    assert await store.find_secret("anthropic") == "two"
    await store.delete_secret("anthropic")
    await store.delete_secret("anthropic")
    assert await store.find_secret("anthropic") is None


async def test_secrets_do_not_open_with_another_key(database_url: str, store: Store) -> None:
    await store.add_project(project(), {"KEY": "value"})
    other = await Store.open(database_url, SecretBox(bytes(KEY_BYTES)))
    with pytest.raises(UnavailableError, match="key"):
        await other.get_environment(PROJECT)
    await other.close()


async def test_plain_secrets_and_deleted_conversations_are_nowhere_in_sqlites_files(
    tmp_path: Path, box: SecretBox
) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'lot.db'}", box)
    await fill(store)
    await store.set_environment(PROJECT, {"KEY": Variable(value="plain-environment-value")}, 1)
    await store.set_secret("anthropic", "plain-credential")
    await store.add_message(message(text="a conversation " * 1000), NOW)
    assert any(b"a conversation" in file.read_bytes() for file in tmp_path.iterdir())
    assert (tmp_path / "lot.db-wal").stat().st_size > 0
    assert not any(b"plain-" in file.read_bytes() for file in tmp_path.iterdir())
    await store.delete_session(SESSION)
    assert not any(b"a conversation" in file.read_bytes() for file in tmp_path.iterdir())
    await store.close()


# The database itself


async def test_database_that_cannot_be_reached_is_unavailable(tmp_path: Path, box: SecretBox) -> None:
    with pytest.raises(UnavailableError):
        await Store.open(f"postgresql+asyncpg://nobody@/none?host={tmp_path}", box)
    (tmp_path / "file").write_bytes(b"not a database, but longer than a header would be" * 10)
    with pytest.raises(UnavailableError):
        await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'file'}", box)


@pytest.mark.postgres
async def test_connection_that_the_server_ends_fails_one_call_only(postgres_url: str, box: SecretBox) -> None:
    store = await Store.open(postgres_url, box)
    holder, killer = await connect(postgres_url), await connect(postgres_url)
    try:
        with anyio.fail_after(20):
            async with holder.transaction():
                await holder.execute("LOCK TABLE projects")
                blocked = asyncio.ensure_future(store.list_projects())
                while not await killer.fetchval(END_BLOCKED):  # noqa: ASYNC110 - a server's locks can only be polled
                    await anyio.sleep(0.01)
                with pytest.raises(UnavailableError):
                    await blocked
            await store.list_projects()
    finally:
        await holder.close()
        await killer.close()
        await store.close()


END_BLOCKED = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def connect(url: str) -> asyncpg.Connection:
    parts = make_url(url)
    return await asyncpg.connect(host=parts.query["host"], user=parts.username, database=parts.database)


@pytest.mark.parametrize("way", ["task", "scope"])
async def test_writer_that_is_cancelled_anywhere_leaves_its_connection_usable(store: Store, way: str) -> None:
    await fill(store)
    for number in range(30):
        delay_s = number * 0.0003
        if way == "scope":
            with anyio.move_on_after(delay_s):
                await store.append_events(SESSION, notices(1))
        else:
            writer = asyncio.ensure_future(store.append_events(SESSION, notices(1)))
            await asyncio.sleep(delay_s)
            writer.cancel()
            await asyncio.wait([writer])
        with anyio.fail_after(5):
            await store.append_events(SESSION, notices(1))
    numbers = [event.number for event in await store.read_events(SESSION)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 30


async def test_stored_message_is_marked_by_its_delivery(store: Store) -> None:
    await fill(store)
    await store.add_message(message(), NOW)
    await store.mark_delivered(SESSION, [MessageId("message")], datetime.now(UTC))
    again, is_new, _ = await store.add_message(message(), NOW)
    assert (again.delivery, is_new) == (Delivery.DELIVERED, False)
