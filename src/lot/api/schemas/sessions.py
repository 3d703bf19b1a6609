"""Bodies about sessions."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lot.core.asks import Answer
from lot.core.defaults import Effort
from lot.core.events import AttachmentName, LivePart

MAX_MESSAGE_CHARS = 2_000_000


class _Body(BaseModel):
    # What we send has all its fields, and its description says so.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class NewAttachment(_Body):
    """A file that comes with a message: an image, a PDF, or anything that the agent is to find in the sandbox."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f]+$", description="A file name, no path")
    media_type: str = Field(max_length=100, pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$")
    data: str = Field(repr=False, description="Base64; at most 5 MiB an image, 10 MiB another file")


class NewMessage(_Body):
    """A user's message. Sending the same id again does nothing."""

    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="A UUID chosen by the sender")
    text: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARS)
    attachments: list[NewAttachment] = Field(default_factory=list, max_length=10)


Mode = Literal["full", "edits", "ask", "plan"]


class NewSession(_Body):
    """What a session starts with."""

    project: str = Field(description="Id or name")
    title: str | None = Field(default=None, max_length=200)
    message: NewMessage | None = Field(default=None, description="Kept and delivered once the session has started")
    size: str | None = Field(default=None, max_length=80, description="By default the project's")
    provider: str | None = Field(
        default=None, description="anthropic, or rehearsal (scripted); by default that of `GET /api/settings`"
    )
    model: str | None = Field(default=None, description="By default that of `GET /api/settings`, of its provider")
    effort: Effort | Literal["default"] | None = Field(
        default=None,
        description="How hard the model is to think; default: as it does by itself; null: as `GET /api/settings` says",
    )
    mode: Mode | None = Field(
        default=None, description="What the agent may do without asking; by default as `GET /api/settings` says"
    )
    program: str = Field(
        default="claude",
        max_length=500,
        pattern=r"^(claude|acp:.+)$",
        description="claude, or acp: and the command that starts another agent in the sandbox",
    )
    budget_tokens: int | None = Field(default=None, ge=1)
    budget_usd: float | None = Field(default=None, gt=0)


class SessionChanges(_Body):
    """What is to be changed; what is left out stays. Null takes a budget or an effort away."""

    title: str | None = Field(default=None, min_length=1, max_length=200)
    model: str | None = Field(default=None, min_length=1, max_length=200)
    effort: Effort | None = None
    mode: Mode | None = None
    budget_tokens: int | None = Field(default=None, ge=1)
    budget_usd: float | None = Field(default=None, gt=0)


class NewFork(_Body):
    """How a fork is called."""

    title: str | None = Field(default=None, max_length=200)


class KeepAwake(_Body):
    """Until when a session is not to be paused for being idle."""

    until: AwareDatetime


class Seen(_Body):
    """How far a session's user has read."""

    event: int = Field(ge=0, description="Number of the newest event that was shown")


class PreviewBody(_Body):
    """Where the session's app is seen."""

    url: str = Field(description="The app's own origin, such as http://5173--abc.preview.localhost:7070/")
    sign_in_url: str = Field(description="The same with a signed, short-lived ticket: sets the cookie and redirects")
    port: int


class PullRequestMark(_Body):
    """A session's newest pull request, in short, as Lot knew it last."""

    number: int
    state: str = Field(description="open, merged or closed")
    url: str


class SessionBody(_Body):
    """A session as its user sees it."""

    id: str
    project_id: str
    project_name: str
    parent_id: str | None
    title: str
    label: str
    agent: str
    sandbox: str
    reason: str | None
    is_scripted: bool = Field(description="True: the rehearsal provider plays a script, no model is asked")
    provider: str
    model: str | None
    size: str
    cpus: int
    memory_bytes: int
    compute_units: float = Field(description="For each second that its sandbox is on")
    restart_needed: bool = Field(
        description="Its dev server has other environment values than the project: `POST .../dev-server/restart`"
    )
    branch: str
    base_branch: str
    base_commit: str | None
    pause_at: AwareDatetime | None
    pause_reason: str | None
    preview: PreviewBody | None
    events: int = Field(description="Number of the newest event")
    kept_messages: int = Field(description="Messages not yet taken by the agent")
    program: str
    effort: str | None
    mode: str
    open_asks: int = Field(description="Questions, plans and requests for permission that wait for an answer")
    budget_tokens: int | None
    budget_usd: float | None
    spent_tokens: int
    spent_usd: float = Field(description="As far as the prices of its models are known")
    created_at: AwareDatetime
    changed_at: AwareDatetime
    last_activity_at: AwareDatetime = Field(description="When it was told something, or told something, last")
    last_event: int = Field(description="Newest event that its user wants to see: words, a question, an end, an error")
    seen_event: int = Field(description="Newest event that was seen (`POST .../seen`); less than `last_event`: unread")
    is_setup: bool = Field(default=False, description="It belongs to the setup of its project")
    processes: list[str] = Field(description="What runs beside its dev server, each as the process dev-<name>")
    pull_request: PullRequestMark | None = Field(description="Its newest; `GET .../pull-request` asks its host anew")


class MessageBody(_Body):
    """A message and how far it has come."""

    id: str
    text: str
    delivery: str = Field(description="kept or delivered")
    created_at: AwareDatetime
    attachments: list[AttachmentName] = Field(default_factory=list)


class EventBody(_Body):
    """One numbered event of a transcript; kinds and fields as in `core/events.py`."""

    number: int
    event: dict[str, object]


class AskBody(_Body):
    """Something that the agent asks; what exactly is in the event of that number."""

    id: str
    kind: str = Field(description="question, plan or permission")
    state: str = Field(description="open, answered (not yet taken), taken or withdrawn")
    event: EventBody
    answer: Answer | None
    asked_at: AwareDatetime
    answered_at: AwareDatetime | None


class PartFrame(_Body):
    """A frame of the event stream that is no event: something still being written, to be shown and forgotten."""

    part: LivePart


class ChangeFrame(_Body):
    """A frame of the event stream that is no event: something else of the session has changed, to be read anew."""

    changed: Literal["ports", "diff"]


class EventPage(_Body):
    """A stretch of a transcript."""

    events: list[EventBody]
    newest: int


class DiffFileBody(_Body):
    """One file of a diff; line counts are null for binary files."""

    path: str
    old_path: str | None = Field(description="Where it was renamed or copied from")
    status: str = Field(description="added, modified, deleted, renamed or type_changed")
    added: int | None
    removed: int | None
    is_binary: bool
    patch: str | None = Field(default=None, description="Its own part, where asked for by file; null if binary")
    is_too_large: bool = Field(default=False, description="The part was left out: `GET .../diff/file?path=` has it")


class DiffBody(_Body):
    """Everything that differs from the commit the session started at."""

    base_commit: str
    patch: str = Field(description="Of all files together, at most 8 MiB; empty where asked for by file")
    is_truncated: bool
    is_live: bool = Field(description="False: the last one that was computed, because the sandbox is off")
    files: list[DiffFileBody]
    taken_at: AwareDatetime


class FilePatchBody(_Body):
    """What differs in one file."""

    path: str
    patch: str
    is_truncated: bool = Field(description="It is longer than 8 MiB, and its end is missing")
    is_live: bool = Field(description="False: as it was when the sandbox went off")


class NewPullRequest(_Body):
    """Title and text of a pull request; by default made from the session's title and messages."""

    title: str | None = Field(default=None, max_length=300)
    body: str | None = Field(default=None, max_length=60_000)


class NewTerminal(_Body):
    """A terminal: its size, and its name by which it is found again."""

    name: str | None = Field(
        default=None,
        pattern=r"^terminal-[a-z0-9-]{1,31}$",
        description="By default one of its own; a terminal of that name that runs is taken as it is",
    )
    rows: int = Field(default=24, ge=1, le=1000)
    columns: int = Field(default=80, ge=1, le=1000)


class ProcessBody(_Body):
    """A durable process in a session's sandbox: dev, dev-<name>, setup, agent-<run> or terminal-<name>."""

    name: str
    pid: int
    is_running: bool = Field(description="While the sandbox is off: whether it goes on with a resume")
    is_live: bool = Field(default=True, description="False: as it was when the sandbox went off")
    has_log: bool = Field(default=True, description="Whether `GET .../logs?process=` has something of it now")
    started_at: AwareDatetime | None = None
    exit_code: int | None
    starts: dict[str, int] = Field(description="Oldest byte kept, per stream")
    ends: dict[str, int] = Field(description="Byte after the newest, per stream")


class PortBody(_Body):
    """A port on which something listens in a session's sandbox; all words are the sandbox's own."""

    port: int
    name: str = Field(description="Of the dev process it belongs to, else of the program; may be empty")
    is_main: bool = Field(description="True: the project's own port, where its app is seen")
    url: str = Field(description="Where it is previewed, an origin of its own")
    sign_in_url: str = Field(description="The same with a signed, short-lived ticket")
    addresses: list[str]
    process: str | None = Field(description="The durable process that it descends from")
    pid: int | None
    command: str | None = Field(description="Name of the program that listens")


class PortsBody(_Body):
    """What listens in a session's sandbox, the project's own port first."""

    ports: list[PortBody]
    reason: str | None = Field(description="Why nothing can be seen of it; null while the sandbox is on")


class UsageBody(_Body):
    """What a session used."""

    seconds_on: float = Field(description="That its sandbox was on, up to now")
    compute_units: float = Field(description="For that time, by its size")
    memory_bytes: int = Field(description="Resident on the host right now, sandbox and runner; 0 while paused")
    runner_memory_bytes: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float = Field(description="As far as the prices of its models are known")
    models: dict[str, int] = Field(description="Tokens by model, caches included")


class DiskUseBody(_Body):
    """What a session takes of the host's disk, in bytes."""

    own_bytes: int = Field(description="Its own files, and its memory while it is paused: deleting it gives them back")
    shared_bytes: int = Field(description="Of its snapshot and of forks, which others stand on, too")


class HostBody(_Body):
    """The host and what runs on it."""

    version: str
    provider: str = Field(description="Whose models new sessions ask, unless they say otherwise")
    is_scripted: bool
    memory_available_bytes: int
    disk_free_bytes: int
    sessions_on: int
    sandboxes: list[str] = Field(description="Ids of sandboxes of which anything is on this host")
