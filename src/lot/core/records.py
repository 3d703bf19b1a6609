"""What is stored of projects, snapshots, sessions, messages and pull requests, as frozen values.

Instants are aware UTC. The moves of a session are in `session.py`; how records are kept is in `store/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from lot.core.asks import Answer, AskKind
from lot.core.events import AttachmentName
from lot.core.ids import (
    AccountId,
    AskId,
    ImageId,
    LayerId,
    MessageId,
    ProjectId,
    PullRequestId,
    RunnerId,
    SandboxId,
    SessionId,
    SnapshotId,
)
from lot.core.session import AgentState, SandboxState, SessionLabel, label


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository and branch with its settings. Environment values are kept apart, encrypted."""

    id: ProjectId
    name: str
    """Unique; by default the repository's last path element."""
    source: str
    """Git URL or absolute path."""
    branch: str
    setup_command: str | None
    dev_command: str | None
    port: int | None
    """Port of the dev server inside the sandbox."""
    size: str
    """The name of what its sandboxes may use, as the settings have it; for snapshots and sessions made from now on."""
    created_at: datetime
    budget_tokens: int | None = None
    """What all its sessions together, deleted ones included, may use of models, caches included; None: no limit."""
    budget_usd: float | None = None
    """The same in money."""
    has_browser: bool = False
    """Whether agents may look at the app in a browser (browser verification)."""
    image: str | None = None
    """What its sandboxes are made of, as `core.image_source` reads it; None: Lot's own Debian."""
    rebuilds_when_stale: bool = False
    """Whether a new snapshot is built, and proved before it serves, when the newest one is stale."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """What runs beside the dev server, in order: a name of `[a-z0-9-]{1,32}` to the command that starts it."""
    environment_version: int = 1
    """Grows with every change of its environment values."""
    account_id: AccountId | None = None
    """The git account that it was chosen from; None: its source is used as this machine can reach it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccount:
    """Who Lot is at a git host. Its secret is kept apart, encrypted."""

    id: AccountId
    name: str
    """Unique."""
    kind: str
    """Which git host it is; a key of `forge.hosts.HOSTS`."""
    url: str
    """The host's web address, without a path: `https://github.com`."""
    login: str
    """What the host calls the user, or the app."""
    author_name: str
    author_email: str
    """Whose the commits of its projects' sessions are."""
    created_at: datetime


class SnapshotState(StrEnum):
    """How far a snapshot is."""

    PREPARING = "preparing"
    """A setup session finds out how it is to be built; nothing but that session stands on it."""
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may act on a sandbox: the epoch grows with every claim and is named by every effect."""

    epoch: int = 0
    owner: RunnerId | None = None
    lease_until: datetime | None = None


class AgentMode(StrEnum):
    """What the agent may do without asking."""

    FULL = "full"
    """Everything: the sandbox is the limit. Questions and plans still reach the user."""
    EDITS = "edits"
    """Edits in the workspace; asks before commands that may change something."""
    ASK = "ask"
    """Asks before each edit and each command."""
    PLAN = "plan"
    """Reads only, and proposes a plan for approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen, prepared environment: base image, one layer above it and, where possible, a memory image."""

    id: SnapshotId
    project_id: ProjectId
    generation: int
    """1, 2, 3 within the project; sessions start from the newest that is ready."""
    state: SnapshotState
    sandbox: SandboxId
    """The sandbox it is built in."""
    base_image: str
    layer: LayerId
    memory_image: ImageId | None
    """Memory with the dev server up; None: sessions start its dev server themselves."""
    commit: str | None
    setup_command: str | None
    dev_command: str | None
    port: int | None
    failure: str | None
    log: str
    """Output of the setup command and of the dev server's proof, the newest 256 KiB."""
    build_s: float | None
    lease: Lease
    created_at: datetime
    cpus: int
    """Of the sandbox that it is built in; its memory image serves sandboxes of the same size only."""
    memory_bytes: int
    manifest: "SnapshotManifest | None" = None
    """What it was made of; None until it is ready."""
    stale_files: tuple[str, ...] = ()
    """Files of the base branch that have changed since, after whose change it would come out differently."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """As its project's when it was built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCommands:
    """How a project is set up and started; each run by `bash -lc` in the workspace, as user `lot`."""

    setup_command: str | None
    dev_command: str | None
    port: int | None


@dataclass(frozen=True, slots=True)
class LayerMeasure:
    """Size and hash of a layer."""

    total_bytes: int
    files: int
    xxh3_128: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotManifest:
    """What a snapshot was made of, and what one may expect of it."""

    environment_keys: tuple[str, ...]
    """Names of the variables that its setup was given; never their values."""
    health_port: int | None
    """Where its dev server answered over HTTP when it was proved; None: it has no dev server."""
    health_status: int | None
    """The HTTP status of that answer."""
    layer_bytes: int
    layer_files: int
    layer_hash: str
    """xxh3-128 over names, kinds, modes and content of all that the layer holds."""
    memory_bytes: int
    """0: there is no memory image. Its own manifest names its runtime, processor and hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One task on a project."""

    id: SessionId
    project_id: ProjectId
    snapshot_id: SnapshotId
    parent_id: SessionId | None
    """The session it was forked from."""
    title: str
    agent: AgentState
    sandbox_state: SandboxState
    reason: str | None
    """Why it is errored, paused or refused; None when there is nothing to say."""
    version: int
    """Grows with every change of the row."""
    lease: Lease
    sandbox: SandboxId
    size: str
    """What its size was called when it was made; what that means for it is in the three that follow."""
    cpus: int
    memory_bytes: int
    compute_units: float
    """Counted for each second that its sandbox is on."""
    provider: str
    model: str | None
    base_image: str
    """Empty while a setup session waits for that of its project."""
    layers: tuple[LayerId, ...]
    """Read-only layers above the base image, lowest first."""
    upper: LayerId
    """Its own layer, beneath which nobody else writes."""
    memory_image: ImageId | None
    """THE hibernation image while paused; what it is resumed from."""
    candidate_image: ImageId | None
    """Saved by a runner that lost its lease; used only by the very next epoch."""
    candidate_epoch: int | None
    base_branch: str
    base_commit: str | None
    """What the diff counts from; fixed when the newest code was synced at start."""
    branch: str
    agent_session: str | None
    """The agent program's own name for the conversation."""
    agent_run: int
    """Grows each time the agent program is started; its process is `agent-<run>`."""
    agent_offset: int
    """Everything before this byte of the present run's journal is in the transcript."""
    pause_at: datetime | None
    """When it is to be paused, while it is on."""
    pause_reason: str | None
    is_used: bool
    """Whether it ever got a message."""
    events: int
    """Number of the newest event."""
    created_at: datetime
    changed_at: datetime
    last_activity_at: datetime
    """When it was told something by its user, or told them something; at first when it was made."""
    program: str = "claude"
    """The agent program: `claude`, or `acp:` and the command that starts one which speaks the Agent Client Protocol."""
    effort: str | None = None
    """How hard the model is to think: low, medium, high, xhigh or max; None: as the model does by itself."""
    mode: AgentMode = AgentMode.FULL
    budget_tokens: int | None = None
    """What it may use of models, caches included; None: no limit but its project's."""
    budget_usd: float | None = None
    is_setup: bool = False
    """Whether it belongs to the setup of its project."""
    last_event: int = 0
    """Number of the newest event that its user wants to see; 0: there is none."""
    seen_event: int = 0
    """Number of the newest event that its user has seen; it is unread where `last_event` is greater."""
    environment_version: int | None = None
    """Of the project's environment that its `.env` and its dev server have; None: it was given none yet."""

    @property
    def label(self) -> SessionLabel:
        """The word a user reads."""
        return label(self.agent, self.sandbox_state)

    @property
    def is_bare(self) -> bool:
        """Whether it stands on its image alone: a setup session that was begun before anything was proved."""
        return self.is_setup and not self.layers


class Delivery(StrEnum):
    """How far a user's message has come."""

    KEPT = "kept"
    """Stored; the agent has not confirmed it."""
    DELIVERED = "delivered"
    """The agent has taken it into a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A user's message; its id is given by the sender, so that sending again does nothing."""

    id: MessageId
    """A UUID."""
    session_id: SessionId
    text: str
    delivery: Delivery
    created_at: datetime
    attachments: tuple[AttachmentName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message."""

    name: str
    """The last element of a path: no slash, not `.` or `..`."""
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLines:
    """Lines of a file of the agent program's own transcript."""

    path: str
    """Relative to the program's folder of transcripts."""
    lines: str


class AskState(StrEnum):
    """How far something that the agent asked is."""

    OPEN = "open"
    ANSWERED = "answered"
    """The user has answered; the agent has not taken it."""
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question, a plan or a request for permission, from the moment it was asked."""

    id: AskId
    """The tool call's id."""
    session_id: SessionId
    run: int
    """Which start of the agent program asked it."""
    kind: AskKind
    event: int
    """Number of the event that tells of it."""
    state: AskState
    answer: Answer | None
    asked_at: datetime
    answered_at: datetime | None


class PullRequestState(StrEnum):
    """A pull request's state on its git host."""

    DRAFT = "draft"
    """Open, but not to be merged before somebody marks it as ready."""
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more can become of it."""
        return self in (PullRequestState.MERGED, PullRequestState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as Lot knows it."""

    id: PullRequestId
    project_id: ProjectId
    session_id: SessionId | None
    """None once the session is deleted; the pull request stays."""
    number: int
    """1, 2, 3 within the project for the local forge; the host's number elsewhere."""
    title: str
    body: str
    base_branch: str
    branch: str
    head_commit: str
    state: PullRequestState
    url: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDiff:
    """The last diff of a session that was computed; readable while it is paused."""

    session_id: SessionId
    base_commit: str
    patch: str
    """`git diff --binary -M` against `base_commit`, with uncommitted and untracked files; at most 8 MiB."""
    is_truncated: bool
    files: tuple["DiffFile", ...]
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffFile:
    """One file of a diff."""

    path: str
    old_path: str | None
    """Where it was renamed or copied from."""
    status: str
    """added | modified | deleted | renamed | type_changed."""
    added: int | None
    """Lines; None for binary files."""
    removed: int | None
