"""Bodies about projects, snapshots and pull requests."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lot.core.defaults import Effort
from lot.core.environment import MAX_TEXT_CHARS
from lot.core.image_source import FORMS
from lot.runner.protocol import MAX_DEV_PROCESSES

ProcessName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Command = Annotated[str, StringConstraints(min_length=1, max_length=16_384, pattern=r"^[^\x00]+$")]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_MAX_COMMAND_CHARS = 16_384


class _Body(BaseModel):
    # What we send has all its fields, and its description says so.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class NewProject(_Body):
    """What a project is made from; creating it starts building its snapshot.

    Where neither command nor port is given, all three are told from the repository's files, and the build's log says
    why; an empty command means that there is none.
    """

    source: str = Field(min_length=1, max_length=4096, description="Git URL, or absolute path on the server's machine")
    name: str | None = Field(default=None, max_length=80, pattern=_NAME)
    branch: str | None = Field(default=None, max_length=255, description="By default the repository's own")
    setup_command: str | None = Field(
        default=None, max_length=_MAX_COMMAND_CHARS, description="Run once, in the workspace"
    )
    dev_command: str | None = Field(default=None, max_length=_MAX_COMMAND_CHARS, description="Starts the dev server")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Port of the dev server in the sandbox")
    size: str | None = Field(
        default=None,
        description="small (2 vCPU, 4 GB), large (4 vCPU, 8 GB) or another of `GET /api/sizes`; by default that of "
        "`GET /api/settings`",
    )
    environment: dict[str, str] = Field(
        default_factory=dict, repr=False, description="Written to .env; stored encrypted; counts above the text"
    )
    environment_text: str | None = Field(
        default=None, max_length=MAX_TEXT_CHARS, repr=False, description="A pasted .env, parsed"
    )
    budget_tokens: int | None = Field(default=None, ge=1, description="For all its sessions together")
    budget_usd: float | None = Field(default=None, gt=0)
    has_browser: bool = Field(default=False, description="Browser verification: agents may look at the app")
    rebuilds_when_stale: bool = Field(default=False, description="Build a new snapshot when this one is stale")
    image: str | None = Field(default=None, min_length=1, max_length=4096, description=f"By default Debian; {FORMS}")
    account: str | None = Field(
        default=None, max_length=80, description="A git account by name or id; the source is then owner/name there"
    )
    processes: dict[ProcessName, Command] = Field(
        default_factory=dict,
        max_length=MAX_DEV_PROCESSES,
        description="What runs beside the dev server, in order: a name of [a-z0-9-]{1,32} to its command",
    )

    has_setup_session: bool = Field(
        default=True, description="Start a session in which the setup can be followed, and written to its agent"
    )

    @model_validator(mode="after")
    def _has_what_they_run_beside(self) -> Self:
        if self.processes and not self.dev_command:
            raise ValueError("processes run beside a dev server: give a dev command, too")
        return self


class ProjectChanges(_Body):
    """What is to be changed; what is left out stays. Null takes a budget, a command or a port away.

    Commands, processes and port count from the next snapshot on (`POST .../snapshots`), size and branch for new
    sessions.
    """

    name: str | None = Field(default=None, max_length=80, pattern=_NAME)
    branch: str | None = Field(default=None, min_length=1, max_length=255)
    setup_command: str | None = Field(default=None, max_length=_MAX_COMMAND_CHARS)
    dev_command: str | None = Field(default=None, max_length=_MAX_COMMAND_CHARS)
    port: int | None = Field(default=None, ge=1, le=65_535)
    size: str | None = None
    budget_tokens: int | None = Field(default=None, ge=1)
    budget_usd: float | None = Field(default=None, gt=0)
    has_browser: bool | None = None
    rebuilds_when_stale: bool | None = None
    image: str | None = Field(default=None, min_length=1, max_length=4096, description="For the next snapshot")
    processes: dict[ProcessName, Command] = Field(
        default_factory=dict,
        max_length=MAX_DEV_PROCESSES,
        description="All that is to run beside the dev server, in order; empty: nothing",
    )


class NewSetupSession(_Body):
    """A session in which an agent finds out how a project is set up."""

    guidance: str | None = Field(default=None, max_length=100_000, description="What the agent should know")
    provider: str | None = None
    model: str | None = None
    effort: Effort | Literal["default"] | None = None


class PastedEnvironment(_Body):
    """A .env as it was pasted."""

    text: str = Field(max_length=MAX_TEXT_CHARS, repr=False)


class ParsedEnvironment(_Body):
    """What a .env sets, in its order."""

    variables: dict[str, str] = Field(repr=False)


class NewEnvironment(_Body):
    """Everything that an environment is to hold; what is there and not here goes."""

    text: str | None = Field(default=None, max_length=MAX_TEXT_CHARS, repr=False, description="A pasted .env")
    variables: dict[str, str] = Field(default_factory=dict, repr=False, description="Counts above the text")
    version: int | None = Field(default=None, description="409 if the environment has another version by now")


class EnvironmentChanges(_Body):
    """What is to be changed of an environment; everything else stays."""

    text: str | None = Field(default=None, max_length=MAX_TEXT_CHARS, repr=False, description="A pasted .env")
    set: dict[str, str] = Field(default_factory=dict, repr=False, description="Counts above the text")
    unset: list[str] = Field(default_factory=list, max_length=1_000)
    version: int | None = Field(default=None, description="409 if the environment has another version by now")


class VariableBody(_Body):
    """One variable."""

    name: str
    value: str | None = Field(repr=False, description="Null unless values were asked for with `reveal=true`")
    changed_at: AwareDatetime | None = Field(description="Null: before this was noted")


class EnvironmentBody(_Body):
    """A project's environment, by name."""

    version: int = Field(description="Grows with every change; to be sent with the next one")
    variables: list[VariableBody]
    sessions_to_restart: list[str] = Field(
        description="Sessions whose dev server has other values, until it is restarted: `POST .../dev-server/restart`"
    )


class SizeBody(_Body):
    """What sandboxes of one size may use."""

    name: str
    cpus: int
    memory_bytes: int
    compute_units: float = Field(description="For each second that a sandbox is on")


class SnapshotBody(_Body):
    """A project's prepared environment."""

    id: str
    project_id: str
    generation: int
    state: str = Field(description="preparing (by a setup session), building, ready or failed")
    step: str | None = Field(default=None, description="What is being done right now")
    commit: str | None
    has_memory: bool = Field(description="Whether sessions start by restoring memory")
    failure: str | None
    build_s: float | None = Field(description="Seconds that the build took")
    created_at: AwareDatetime
    environment_keys: list[str] = Field(default=[], description="Variables that its setup was given; no values")
    layer_bytes: int = Field(default=0, description="Of its disk, shared by all its sessions")
    memory_bytes: int = Field(default=0, description="Of its memory image, shared by all its sessions")
    stale_files: list[str] = Field(
        default=[], description="Changed since it was built; sessions install changed packages when they start"
    )


class ProjectBody(_Body):
    """A project; `snapshot` is the newest try, `ready_snapshot` what sessions start from."""

    id: str
    name: str
    source: str
    branch: str
    setup_command: str | None
    dev_command: str | None
    port: int | None
    size: str
    environment_keys: list[str]
    environment_version: int
    retry_needed: bool = Field(description="Its newest snapshot was begun with other commands, processes or port")
    snapshot: SnapshotBody | None
    ready_snapshot: str | None
    sessions: int
    created_at: AwareDatetime
    budget_tokens: int | None
    budget_usd: float | None
    spent_tokens: int = Field(description="Of deleted sessions too")
    spent_usd: float
    has_browser: bool
    rebuilds_when_stale: bool
    image: str | None = Field(description="What its sandboxes are made of; null: Lot's own Debian")
    account: str | None = Field(default=None, description="Name of the git account that it was chosen from")
    setup_session: str | None = Field(default=None, description="The newest that belongs to its setup")
    processes: dict[str, str] = Field(description="What runs beside the dev server, in order")


class RepositoryQuery(_Body):
    """Which repository is meant."""

    source: str = Field(min_length=1, max_length=4096, description="As of a new project")
    account: str | None = Field(default=None, max_length=80, description="As of a new project")


class BranchesBody(_Body):
    """The branches that a project of a repository can have."""

    default: str = Field(description="The one that a project has where none is named")
    names: list[str]


class FindingBody(_Body):
    """One thing that an examination looked at."""

    name: str
    is_ok: bool
    seen: str
    mend: str | None = Field(description="The next step, where something is wrong")


class SnapshotLog(_Body):
    """A stretch of a snapshot's build log."""

    text: str
    next_offset: int = Field(description="Ask with this `after` for what comes")


class PullRequestBody(_Body):
    """A pull request."""

    project_id: str
    session_id: str | None
    number: int
    title: str
    body: str
    base_branch: str
    branch: str
    head_commit: str
    state: str = Field(description="draft, open, merged or closed")
    can_merge: bool = Field(description="Whether it is open and Lot can merge it; else it is merged at its host")
    url: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CheckBody(_Body):
    """What a program says of a pull request's newest commit."""

    name: str
    status: str = Field(description="queued, in_progress or completed")
    conclusion: str | None = Field(description="success, failure, ...; null before it is completed")
    url: str


class ReviewCommentBody(_Body):
    """What a reviewer says of a line, or of a whole file."""

    author: str
    path: str
    line: int | None
    body: str
    url: str
