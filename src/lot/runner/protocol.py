"""What the control plane and a runner say to each other, as HTTP bodies; and `RunnerClient`, the control plane's side.

A runner serves HTTP and WebSocket on a socket of its own. Every call names the epoch (`X-Lot-Epoch`); a runner that
was assigned under another answers 409 `lease.stale_epoch`. All calls are idempotent and may be repeated: a call for
something under way waits for it and gets the same answer. Paths are absolute on the runner's host; sizes in bytes.
Errors come as `{"code", "message"}` with the codes of `core/errors.py` and are raised again as those classes.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lot.core.records import AgentMode

SubjectKind = Literal["session", "snapshot"]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Assignment(_Body):
    """Binds an idle runner to a session or to a snapshot's build, for one epoch."""

    kind: SubjectKind
    id: str
    epoch: int
    sandbox: str
    runner: str
    pass_token: str
    """Proves (kind, id, epoch) to the control plane; sent with lease renewals and brokered requests."""
    lease_ttl_s: float = 30.0
    renew_every_s: float = 5.0
    freeze_after_s: float = 20.0
    kill_after_s: float = 30.0


class Rung(_Body):
    """One way to bring a sandbox up; tried in order, best first."""

    kind: Literal["adopt", "memory", "disk"]
    """adopt: it still runs on this host; memory: from `image`; disk: boot over the upper as it is."""
    image: str | None = None


class BringUpOrder(_Body):
    """What the sandbox is made of and the ladder of ways to bring it up."""

    layers: tuple[str, ...]
    upper: str
    cpus: int
    memory_bytes: int
    rungs: tuple[Rung, ...]
    hostname: str = "lot"
    environment: dict[str, str] = Field(default_factory=dict)
    """What the image gives its programs; never a secret."""


class Step(_Body):
    """One thing done, and how long it took."""

    step: str
    seconds: float
    detail: str | None = None


class BringUpResult(_Body):
    """Which rung held; `reason` says why better ones did not."""

    rung: Literal["adopt", "memory", "disk"]
    reason: str | None = None
    steps: tuple[Step, ...] = ()


class SyncOrder(_Body):
    """Bring the workspace to the newest commit of the base branch, on a branch of the session's own."""

    base_branch: str
    session_branch: str | None
    """None while a snapshot is built: stay on the base branch."""
    newest_commit: str | None = None
    """The base branch's newest commit where the caller knows it: a checkout that has it asks nobody."""
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    """Written to `.env` in the workspace; empty: no `.env` is written and one that Lot wrote is removed."""
    author_name: str = "Lot"
    """Whose commits those are that are made by hand in the sandbox, the agent's too."""
    author_email: str = "lot@localhost"


class SyncResult(_Body):
    """Where the workspace stands."""

    commit: str
    is_changed: bool
    """Whether the checkout moved to another commit than the snapshot's."""
    steps: tuple[Step, ...] = ()


class CommandOrder(_Body):
    """A long command run to its end as a durable process named `name`, in the workspace, as user `lot`."""

    name: str
    command: str
    """Given to `bash -lc`."""
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    timeout_s: float = 1800.0


class CommandOutcome(_Body):
    """How it ended; `tail` is the newest 64 KiB of its output, stdout and stderr as they came."""

    exit_code: int
    tail: str
    seconds: float


class ImageBuild(_Body):
    """An image to be built in a sandbox: on `image`, or from a Dockerfile of the workspace's commit.

    Paths are relative to the repository.
    """

    image: str | None = None
    """As `FROM` takes it."""
    dockerfile: str | None = None
    context: str = ""
    target: str | None = None
    args: dict[str, str] = Field(default_factory=dict)
    archive: str
    """Name of the OCI archive that it leaves at the sandbox's root."""


MAX_DEV_PROCESSES = 16
DEV_PREFIX = "dev-"
"""Before the name of what runs beside the dev server: its name as a durable process."""


class DevProcess(_Body):
    """Something that runs beside the dev server, as the durable process `dev-<name>` behind a PTY."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    command: str
    """Given to `bash -lc`."""


class DevOrder(_Body):
    """The dev server of the workspace, as the durable process `dev` behind a PTY, and what runs beside it."""

    command: str
    port: int | None
    environment: dict[str, str] = Field(default_factory=dict, repr=False)
    restart: bool = False
    processes: tuple[DevProcess, ...] = Field(default=(), max_length=MAX_DEV_PROCESSES)
    """Started, restarted and ended with it, in the same environment."""


class DevStatus(_Body):
    """The dev server as it is now."""

    status: Literal["absent", "starting", "answering", "exited", "silent"]
    port: int | None = None
    pid: int | None = None
    exit_code: int | None = None
    http_status: int | None = None
    detail: str | None = None
    """Why it does not answer, with the end of its log where that helps."""
    seconds: float | None = None
    """From its start (or the call) to the first answer."""


class PauseResult(_Body):
    """A finished pause: the sandbox is gone, its image complete."""

    image: str
    total_bytes: int
    steps: tuple[Step, ...] = ()


class AgentOrder(_Body):
    """Start (or attach to) the agent program."""

    run: int
    agent_session: str
    is_continuation: bool
    model: str | None
    provider: str
    is_scripted: bool
    effort: str | None = None
    mode: AgentMode = AgentMode.FULL
    program: str = "claude"
    """As `core.records.Session.program`."""
    preview_url: str | None = None
    has_browser: bool = False
    is_setup: bool = False
    transcript: tuple["FileBody", ...] = ()
    """The program's own transcript as the store has it; put into the sandbox where the sandbox does not have it."""


class FileBody(_Body):
    """A text file."""

    path: str
    text: str


class AttachmentBody(_Body):
    """A file that comes with a message; `data` is base64."""

    name: str
    media_type: str
    data: str


class ConfigureOrder(_Body):
    """What the agent is to use from the next request on."""

    model: str | None
    effort: str | None
    mode: AgentMode


class DiffResult(_Body):
    """Everything that differs from the base commit: committed, uncommitted and untracked alike."""

    base_commit: str
    head_commit: str
    patch: str
    is_truncated: bool
    files: tuple["DiffFileBody", ...]


class DiffFileBody(_Body):
    """One file of a diff; see `core.records.DiffFile`."""

    path: str
    old_path: str | None = None
    status: str
    added: int | None = None
    removed: int | None = None


class PublishOrder(_Body):
    """Commit what is there and push it to the session's branch in the mirror."""

    base_commit: str
    branch: str
    title: str
    author_name: str
    author_email: str
    co_author: str = "Claude <noreply@anthropic.com>"
    """The agent, as a trailer of a commit message names it."""


class PublishResult(_Body):
    """What was pushed; `is_changed` is False when the branch already had it."""

    commit: str
    is_changed: bool


TERMINAL_PREFIX = "terminal-"


class TerminalOrder(_Body):
    """A terminal: the durable process `terminal-<n>` behind a PTY."""

    name: str
    rows: int = Field(ge=1, le=1000)
    columns: int = Field(ge=1, le=1000)


class ProcessBody(_Body):
    """One durable process; see `sandbox.link.ProcessStatus`."""

    name: str
    pid: int
    is_running: bool
    exit_code: int | None
    starts: dict[str, int]
    ends: dict[str, int]
    started_at: float = 0.0
    """Unix time; 0: the runner is older than its control plane."""


class PortBody(_Body):
    """A port on which something in the sandbox listens."""

    port: int
    address: str
    process: str | None
    pid: int | None = None
    command: str | None = None


class RunnerState(_Body):
    """A runner as it is now."""

    runner: str
    pid: int
    protocol: int = 1
    assignment_kind: SubjectKind | None = None
    assignment_id: str | None = None
    epoch: int | None = None
    sandbox_is_on: bool = False
    is_frozen: bool = False
    memory_bytes: int = 0
    """Resident memory of the runner itself (proportional set size where the kernel tells)."""
    sandbox_memory_bytes: int = 0
    sandbox_cpu_s: float = 0.0


class RunnerNews(_Body):
    """Something happened in a runner that nobody asked for; pushed on the `watch` socket."""

    news: Literal["sandbox_gone", "lease_lost", "dev_server", "agent_gone", "dev_process", "ports"]
    """dev_process: one that runs beside the dev server ended by itself; ports: other ports are listened on."""
    detail: str | None = None
    dev: DevStatus | None = None
    process: str | None = None
    """Which of those beside the dev server."""
