"""Who may act on a sandbox: the same promises on SQLite and PostgreSQL, tried by many at once."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import anyio
import pytest
from anyio import create_task_group
from store_samples import NOW, SESSION, SNAPSHOT, fill

from lot.core.errors import LeaseHeldError, NotFoundError, StaleEpochError
from lot.core.events import Notice
from lot.core.ids import ImageId, RunnerId, SessionId, SnapshotId
from lot.core.session import SandboxState
from lot.store.leases import SubjectKind
from lot.store.secrets import SecretBox
from lot.store.store import Store

pytestmark = pytest.mark.anyio

ONE, TWO = RunnerId("runner-one"), RunnerId("runner-two")
SUBJECTS: list[tuple[SubjectKind, SessionId | SnapshotId]] = [("session", SESSION), ("snapshot", SNAPSHOT)]


@pytest.fixture(params=SUBJECTS, ids=["session", "snapshot"])
def subject(request: pytest.FixtureRequest) -> tuple[SubjectKind, SessionId | SnapshotId]:
    chosen: tuple[SubjectKind, SessionId | SnapshotId] = request.param
    return chosen


Subject = tuple[SubjectKind, SessionId | SnapshotId]


async def test_claim_raises_the_epoch_and_holds_by_the_databases_clock(store: Store) -> None:
    await fill(store)
    before = datetime.now(UTC)
    assert await store.claim("session", SESSION, 0, ONE, ttl_s=30) == 1
    lease = (await store.get_session(SESSION)).lease
    assert (lease.epoch, lease.owner) == (1, ONE)
    assert lease.lease_until is not None
    # The database runs on this host, so that its clock may be compared here, and here only.
    assert 29 < (lease.lease_until - before).total_seconds() < 40


async def test_claim_is_refused_while_the_lease_or_its_grace_lasts(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE, ttl_s=0)
    with pytest.raises(LeaseHeldError):
        await store.claim(*subject, 1, TWO, grace_s=10)


async def test_claim_succeeds_after_lease_and_grace(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE, ttl_s=-1)
    assert await store.claim(*subject, 1, TWO, grace_s=0.5) == 2


async def test_claim_needs_the_epoch_that_was_read(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE)
    await store.release(*subject, 1)
    with pytest.raises(LeaseHeldError):
        await store.claim(*subject, 0, TWO)
    assert await store.claim(*subject, 1, TWO) == 2


async def test_released_lease_is_claimed_at_once(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE)
    await store.release(*subject, 1)
    await store.release(*subject, 1)
    assert await store.claim(*subject, 1, TWO) == 2


async def test_release_by_an_old_epoch_is_refused(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE)
    await store.release(*subject, 1)
    await store.claim(*subject, 1, TWO)
    with pytest.raises(StaleEpochError):
        await store.release(*subject, 1)
    await store.check_epoch(*subject, 2)


async def test_renewal_holds_the_lease_and_a_lost_one_is_not_renewed(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE, ttl_s=-60)
    assert await store.renew(*subject, 1)
    with pytest.raises(LeaseHeldError):
        await store.claim(*subject, 1, TWO)
    await store.renew(*subject, 1, ttl_s=-60)
    await store.claim(*subject, 1, TWO)
    assert not await store.renew(*subject, 1)


async def test_check_epoch_lets_only_the_present_holder_pass(store: Store, subject: Subject) -> None:
    await fill(store)
    await store.claim(*subject, 0, ONE)
    await store.check_epoch(*subject, 1)
    for wrong in (0, 2):
        with pytest.raises(StaleEpochError):
            await store.check_epoch(*subject, wrong)
    await store.release(*subject, 1)
    with pytest.raises(StaleEpochError):
        await store.check_epoch(*subject, 1)


async def test_missing_subject_is_not_found(store: Store) -> None:
    gone = SessionId("gone")
    with pytest.raises(NotFoundError):
        await store.claim("session", gone, 0, ONE)
    with pytest.raises(NotFoundError):
        await store.release("session", gone, 0)
    with pytest.raises(NotFoundError):
        await store.check_epoch("session", gone, 0)
    with pytest.raises(NotFoundError):
        await store.save_candidate(gone, 0, ImageId("image"))
    assert not await store.renew("session", gone, 0)


async def test_image_is_committed_only_by_the_present_epoch(store: Store) -> None:
    await fill(store)
    await store.claim("session", SESSION, 0, ONE, ttl_s=-60)
    session, stored = await store.commit_image(
        SESSION,
        1,
        ImageId("first"),
        now=NOW,
        events=[Notice(at=NOW, text="paused")],
        sandbox_state=SandboxState.PAUSED,
    )
    assert (session.memory_image, session.sandbox_state, [event.number for event in stored]) == (
        "first",
        SandboxState.PAUSED,
        [1],
    )
    await store.claim("session", SESSION, 1, TWO)
    with pytest.raises(StaleEpochError):
        await store.commit_image(SESSION, 1, ImageId("late"), now=NOW)
    assert (await store.get_session(SESSION)).memory_image == "first"


async def test_candidate_is_kept_until_somebody_claims_and_dropped_by_the_next_image(store: Store) -> None:
    await fill(store)
    await store.claim("session", SESSION, 0, ONE, ttl_s=-60)
    await store.save_candidate(SESSION, 1, ImageId("candidate"))
    session = await store.get_session(SESSION)
    assert (session.candidate_image, session.candidate_epoch) == ("candidate", 1)
    await store.claim("session", SESSION, 1, TWO)
    with pytest.raises(StaleEpochError):
        await store.save_candidate(SESSION, 1, ImageId("late"))
    session, _ = await store.commit_image(SESSION, 2, ImageId("newer"), now=NOW)
    assert (session.candidate_image, session.candidate_epoch) == (None, None)


async def test_lease_changes_leave_the_version_alone(store: Store) -> None:
    await fill(store)
    version = (await store.get_session(SESSION)).version
    await store.claim("session", SESSION, 0, ONE)
    await store.renew("session", SESSION, 1)
    await store.release("session", SESSION, 1)
    assert (await store.get_session(SESSION)).version == version


@dataclass
class Course:
    """What happened to one session in the race; `spans` are the times in which a runner ran it, by the host's clock."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    claims: int = 0
    commits: int = 0
    refused_commits: int = 0


TTL_S, GRACE_S, FREEZE_S, CLAIMS = 0.1, 0.02, 0.06, 20


async def test_race_of_runners_that_stall_never_has_two_holders(database_url: str, box: SecretBox) -> None:
    """The fencing prototype of notes/engine.md in small: 8 runners over 4 stores with connections of their own.

    A runner runs until 60 % of its lease, counted from when it SENT the claim or renewal, as its watchdog sees to.
    It stalls at random for up to three leases before it commits. The race ends once some commits came too late.
    """
    stores = [await Store.open(database_url, box) for _ in range(4)]
    await fill(stores[0])
    course = Course()
    with anyio.fail_after(50):
        async with create_task_group() as group:
            for number, store in enumerate(stores * 2):
                group.start_soon(_race, store, RunnerId(f"runner-{number}"), course, random.Random(number))
    session = await stores[0].get_session(SESSION)
    for store in stores:
        await store.close()
    spans = sorted(course.spans)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))
    assert session.lease.epoch == course.claims
    assert session.version == 1 + course.commits


async def _race(store: Store, runner: RunnerId, course: Course, chance: random.Random) -> None:
    while course.claims < CLAIMS or not course.refused_commits:
        seen = (await store.get_session(SESSION)).lease.epoch
        sent = anyio.current_time()
        try:
            epoch = await store.claim("session", SESSION, seen, runner, TTL_S, GRACE_S)
        except LeaseHeldError:
            await anyio.sleep(chance.uniform(0, 0.02))
            continue
        course.claims += 1
        await _run(store, runner, epoch, sent, course, chance)


async def _run(store: Store, runner: RunnerId, epoch: int, sent: float, course: Course, chance: random.Random) -> None:
    for _ in range(chance.randint(0, 5)):
        start = anyio.current_time()
        if start >= sent + FREEZE_S:
            break
        await anyio.sleep(0.01)
        course.spans.append((start, min(anyio.current_time(), sent + FREEZE_S)))
        renewing = anyio.current_time()
        if not await store.renew("session", SESSION, epoch, TTL_S):
            return
        sent = renewing
    if chance.random() < 0.4:
        await anyio.sleep(chance.uniform(0, 3 * TTL_S))
    try:
        await store.commit_image(SESSION, epoch, ImageId(f"{runner}-{epoch}"), now=NOW)
        course.commits += 1
        await store.release("session", SESSION, epoch)
    except StaleEpochError:
        course.refused_commits += 1
