"""Bodies about projects, snapshots and pull requests."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lot.core.environment import MAX_TEXT_CHARS

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_MAX_COMMAND_CHARS = 16_384


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewProject(_Body):
    """What a project is made from; creating it starts building its snapshot."""

    source: str = Field(min_length=1, max_length=4096, description="Git URL, or absolute path on the server's machine")
    name: str | None = Field(default=None, max_length=80, pattern=_NAME)
    branch: str | None = Field(default=None, max_length=255, description="By default the repository's own")
    setup_command: str | None = Field(
        default=None, max_length=_MAX_COMMAND_CHARS, description="Run once, in the workspace"
    )
    dev_command: str | None = Field(default=None, max_length=_MAX_COMMAND_CHARS, description="Starts the dev server")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Port of the dev server in the sandbox")
    size: str = Field(
        default="small", description="small (2 vCPU, 4 GB), large (4 vCPU, 8 GB) or another of `GET /api/sizes`"
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


class ProjectChanges(_Body):
    """What is to be changed; what is left out stays. Null takes a budget, a command or a port away.

    Commands and port count from the next snapshot on (`POST .../snapshots`), size and branch for new sessions.
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
    generation: int
    state: str = Field(description="building, ready or failed")
    step: str | None = Field(default=None, description="What is being done right now")
    commit: str | None
    has_memory: bool = Field(description="Whether sessions start by restoring memory")
    failure: str | None
    build_s: float | None = Field(description="Seconds that the build took")
    created_at: AwareDatetime


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
    retry_needed: bool = Field(description="Commands or port were changed since the newest snapshot was begun")
    snapshot: SnapshotBody | None
    ready_snapshot: str | None
    sessions: int
    created_at: AwareDatetime
    budget_tokens: int | None
    budget_usd: float | None
    spent_tokens: int = Field(description="Of deleted sessions too")
    spent_usd: float
    has_browser: bool


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
    state: str = Field(description="open, merged or closed")
    url: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
