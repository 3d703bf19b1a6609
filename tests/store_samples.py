"""Plausible records for the tests of the store."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lot.core.ids import (
    AccountId,
    LayerId,
    MessageId,
    ProjectId,
    PullRequestId,
    SandboxId,
    SessionId,
    SnapshotId,
)
from lot.core.records import (
    Delivery,
    GitAccount,
    Lease,
    Message,
    Project,
    PullRequest,
    PullRequestState,
    Session,
    Snapshot,
    SnapshotState,
)
from lot.core.session import AgentState, SandboxState
from lot.store.store import Store

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
PROJECT, SNAPSHOT, SESSION = ProjectId("project"), SnapshotId("snapshot"), SessionId("session")


def project(**changes: Any) -> Project:
    sample = Project(
        id=PROJECT,
        name="shop",
        source="https://git.example/shop.git",
        branch="main",
        setup_command="npm ci",
        dev_command="npm run dev",
        port=3000,
        size="small",
        created_at=NOW,
    )
    return replace(sample, **changes)


def git_account(**changes: Any) -> GitAccount:
    sample = GitAccount(
        id=AccountId("account"),
        name="work",
        kind="github",
        url="https://github.com",
        login="ada",
        author_name="Ada",
        author_email="ada@example.org",
        created_at=NOW,
    )
    return replace(sample, **changes)


def snapshot(**changes: Any) -> Snapshot:
    sample = Snapshot(
        id=SNAPSHOT,
        project_id=PROJECT,
        generation=0,
        state=SnapshotState.BUILDING,
        sandbox=SandboxId("sandbox-of-snapshot"),
        base_image="trixie",
        layer=LayerId("layer-of-snapshot"),
        memory_image=None,
        commit=None,
        setup_command="npm ci",
        dev_command=None,
        port=None,
        failure=None,
        log="",
        build_s=None,
        lease=Lease(),
        created_at=NOW,
        cpus=2,
        memory_bytes=4 << 30,
    )
    return replace(sample, **changes)


def session(**changes: Any) -> Session:
    sample = Session(
        id=SESSION,
        project_id=PROJECT,
        snapshot_id=SNAPSHOT,
        parent_id=None,
        title="A task",
        agent=AgentState.IDLE,
        sandbox_state=SandboxState.BOOTING,
        reason=None,
        version=1,
        lease=Lease(),
        sandbox=SandboxId("sandbox-of-session"),
        size="small",
        cpus=2,
        memory_bytes=4 << 30,
        compute_units=1.0,
        provider="rehearsal",
        model=None,
        base_image="trixie",
        layers=(LayerId("layer-of-snapshot"),),
        upper=LayerId("upper-of-session"),
        memory_image=None,
        candidate_image=None,
        candidate_epoch=None,
        base_branch="main",
        base_commit=None,
        branch="lot/a-task-session",
        agent_session=None,
        agent_run=1,
        agent_offset=0,
        pause_at=None,
        pause_reason=None,
        is_used=False,
        events=0,
        created_at=NOW,
        changed_at=NOW,
        last_activity_at=NOW,
    )
    return replace(sample, **changes)


def message(id_: str = "message", text: str = "Fix the button", **changes: Any) -> Message:
    sample = Message(id=MessageId(id_), session_id=SESSION, text=text, delivery=Delivery.KEPT, created_at=NOW)
    return replace(sample, **changes)


def pull_request(id_: str = "pull-request", **changes: Any) -> PullRequest:
    sample = PullRequest(
        id=PullRequestId(id_),
        project_id=PROJECT,
        session_id=SESSION,
        number=0,
        title="Fix the button",
        body="It was grey.",
        base_branch="main",
        branch="lot/a-task-session",
        head_commit="c0ffee",
        state=PullRequestState.OPEN,
        url="http://127.0.0.1:7070/pull/1",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(sample, **changes)


async def fill(store: Store) -> None:
    """Store one project with its snapshot and one session."""
    await store.add_project(project(), {})
    await store.add_snapshot(snapshot())
    await store.add_session(session(), [])
