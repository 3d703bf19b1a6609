"""Bodies about projects, snapshots and pull requests."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lot.core.image_source import FORMS


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewProject(_Body):
    """What a project is made from; creating it starts building its snapshot."""

    source: str = Field(min_length=1, max_length=4096, description="Git URL, or absolute path on the server's machine")
    name: str | None = Field(default=None, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    branch: str | None = Field(default=None, max_length=255, description="By default the repository's own")
    setup_command: str | None = Field(default=None, max_length=16_384, description="Run once, in the workspace")
    dev_command: str | None = Field(default=None, max_length=16_384, description="Starts the dev server")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Port of the dev server in the sandbox")
    size: str = Field(default="small", description="small (2 vCPU, 4 GB) or large (4 vCPU, 8 GB)")
    environment: dict[str, str] = Field(
        default_factory=dict, repr=False, description="Written to .env; stored encrypted"
    )
    budget_tokens: int | None = Field(default=None, ge=1, description="For all its sessions together")
    budget_usd: float | None = Field(default=None, gt=0)
    has_browser: bool = Field(default=False, description="Browser verification: agents may look at the app")
    image: str | None = Field(default=None, min_length=1, max_length=4096, description=f"By default Debian; {FORMS}")


class ProjectChanges(_Body):
    """What is to be changed; what is left out stays. Null takes a budget away."""

    budget_tokens: int | None = Field(default=None, ge=1)
    budget_usd: float | None = Field(default=None, gt=0)
    has_browser: bool | None = None
    image: str | None = Field(default=None, min_length=1, max_length=4096, description="For the next snapshot")


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
    snapshot: SnapshotBody | None
    ready_snapshot: str | None
    sessions: int
    created_at: AwareDatetime
    budget_tokens: int | None
    budget_usd: float | None
    spent_tokens: int = Field(description="Of deleted sessions too")
    spent_usd: float
    has_browser: bool
    image: str | None = Field(description="What its sandboxes are made of; null: Lot's own Debian")


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
