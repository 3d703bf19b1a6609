"""Everything a session can record, one frozen class per kind; the transcript is their order.

Shaped after the Agent Client Protocol's session updates. The store numbers events. Stored events are read for as
long as sessions exist: a kind only ever gains fields with defaults (`tests/golden/` keeps one of every shape).
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from lot.core.asks import Answer, Question

MAX_TEXT_CHARS = 200_000
"""Longest text stored in one event."""

ToolKind = Literal["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"]
"""The Agent Client Protocol's kinds of tools."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    at: AwareDatetime


class PlanEntry(BaseModel):
    """One thing to do."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    content: str
    status: Literal["pending", "in_progress", "completed"]


class AttachmentName(BaseModel):
    """A file that came with a message; its bytes are kept with the message, not in the transcript."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    media_type: str
    size_bytes: int


class MessageAdded(_Event):
    """A user's message was accepted; it will be delivered exactly once."""

    kind: Literal["message_added"] = "message_added"
    message_id: str
    text: str
    attachments: tuple[AttachmentName, ...] = ()


class MessageDelivered(_Event):
    """The agent took a message into a turn."""

    kind: Literal["message_delivered"] = "message_delivered"
    message_id: str


class AgentText(_Event):
    """A finished block of the agent's text."""

    kind: Literal["agent_text"] = "agent_text"
    text: str
    parent_tool_call_id: str | None = None
    part_key: str | None = None
    """The `LivePart.key` under which it was streamed: whoever showed those parts now shows this instead."""


class AgentThought(_Event):
    """A finished block of the agent's thinking."""

    kind: Literal["agent_thought"] = "agent_thought"
    text: str
    parent_tool_call_id: str | None = None
    part_key: str | None = None
    """The `LivePart.key` under which it was streamed: whoever showed those parts now shows this instead."""


class ToolCalled(_Event):
    """The agent called a tool."""

    kind: Literal["tool_called"] = "tool_called"
    tool_call_id: str
    name: str
    input: dict[str, Any]
    parent_tool_call_id: str | None = None
    tool_kind: ToolKind = "other"
    title: str | None = None
    """What is done in a few words, for people: `Edit src/App.tsx`, `npm test`."""


class ToolFinished(_Event):
    """A tool call ended. `patch` holds the hunks of an edit as the tool reports them."""

    kind: Literal["tool_finished"] = "tool_finished"
    tool_call_id: str
    is_error: bool
    output: str
    is_truncated: bool = False
    path: str | None = None
    patch: list[dict[str, Any]] | None = None
    """Each with oldStart, oldLines, newStart, newLines and `lines`, which begin with a blank, `+` or `-`."""
    is_new_file: bool = False
    is_interrupted: bool = False
    is_in_background: bool = False
    """The command goes on after the call; its output comes as `LivePart`s."""
    images: int = 0
    """So many images were in its result; they are in the raw lines only."""


class TurnEnded(_Event):
    """The agent stopped of itself or was stopped. `outcome` is ours, `terminal_reason` the harness's own word."""

    kind: Literal["turn_ended"] = "turn_ended"
    outcome: Literal["completed", "interrupted"]
    terminal_reason: str | None = None
    duration_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    reason: str | None = None
    """Why it was interrupted, where that was not the user: the activity limit, a budget."""


class TurnFailed(_Event):
    """A turn ended with an error; the next message tries again."""

    kind: Literal["turn_failed"] = "turn_failed"
    reason: str
    status: int | None = None
    """HTTP status of the model provider, where that was the cause."""


class ModelRetried(_Event):
    """The agent's request to the model is tried again."""

    kind: Literal["model_retried"] = "model_retried"
    attempt: int
    delay_s: float
    status: int | None = None
    reason: str | None = None
    by: Literal["agent", "broker"] = "agent"
    """Who waits and asks again: the agent program, or Lot's broker while the agent notices nothing."""


class PlanChanged(_Event):
    """The agent's list of things to do, whole, as it is from now on."""

    kind: Literal["plan_changed"] = "plan_changed"
    entries: tuple[PlanEntry, ...]
    parent_tool_call_id: str | None = None


class QuestionAsked(_Event):
    """The agent asked the user; the turn goes on with the answer."""

    kind: Literal["question_asked"] = "question_asked"
    ask_id: str
    """The tool call's id."""
    questions: tuple[Question, ...]
    parent_tool_call_id: str | None = None


class PlanProposed(_Event):
    """The agent, in plan mode, asks for approval of a plan (Markdown)."""

    kind: Literal["plan_proposed"] = "plan_proposed"
    ask_id: str
    plan: str
    parent_tool_call_id: str | None = None


class PermissionAsked(_Event):
    """The agent asks whether it may make a tool call."""

    kind: Literal["permission_asked"] = "permission_asked"
    ask_id: str
    name: str
    input: dict[str, Any]
    title: str | None = None
    can_allow_always: bool = False
    parent_tool_call_id: str | None = None


class AskAnswered(_Event):
    """The user answered a question, a plan or a request for permission."""

    kind: Literal["ask_answered"] = "ask_answered"
    ask_id: str
    answer: Answer


class AskClosed(_Event):
    """Nothing is asked any more: the answer was taken, or the turn was stopped, or its agent program is gone."""

    kind: Literal["ask_closed"] = "ask_closed"
    ask_id: str
    outcome: Literal["taken", "withdrawn"]


class SubagentChanged(_Event):
    """A sub-agent or background command of a tool call started, went on or ended."""

    kind: Literal["subagent_changed"] = "subagent_changed"
    task_id: str
    tool_call_id: str | None = None
    status: Literal["running", "completed", "failed", "stopped"]
    description: str | None = None
    summary: str | None = None


class SettingsChanged(_Event):
    """Model, thinking effort or mode of the session from the next request on; only what changed is set."""

    kind: Literal["settings_changed"] = "settings_changed"
    model: str | None = None
    effort: str | None = None
    mode: str | None = None
    by: Literal["user", "agent"] = "user"


class Compacted(_Event):
    """The agent summed up the conversation so far to make room."""

    kind: Literal["compacted"] = "compacted"
    trigger: str
    tokens_before: int | None = None


class LimitReached(_Event):
    """A budget is used up, or the longest activity was reached; the session is paused for it."""

    kind: Literal["limit_reached"] = "limit_reached"
    limit: Literal["session_tokens", "session_usd", "project_tokens", "project_usd", "activity"]
    detail: str


class AgentStarted(_Event):
    """The agent program is up (or up again) and knows the conversation so far."""

    kind: Literal["agent_started"] = "agent_started"
    program: str
    version: str | None = None
    model: str | None = None
    provider: str
    is_scripted: bool = False


class AgentGone(_Event):
    """The agent program ended without being asked to."""

    kind: Literal["agent_gone"] = "agent_gone"
    reason: str


class StateChanged(_Event):
    """The session moved; `label` is what the user reads."""

    kind: Literal["state_changed"] = "state_changed"
    agent: str
    sandbox: str
    label: str
    reason: str | None = None
    pause_at: AwareDatetime | None = None


class StepDone(_Event):
    """One step of starting, resuming or pausing was done."""

    kind: Literal["step_done"] = "step_done"
    step: str
    seconds: float
    detail: str | None = None


class CameBack(_Event):
    """What a resume brought back, and why not more."""

    kind: Literal["came_back"] = "came_back"
    rung: Literal["memory", "disk", "rebuilt"]
    reason: str | None = None
    seconds: float


class Forked(_Event):
    """This session was forked from another, with everything it had at that event."""

    kind: Literal["forked"] = "forked"
    parent_id: str
    parent_event: int


class DevServerChanged(_Event):
    """The dev server came up, answers, or died; or something that runs beside it did."""

    kind: Literal["dev_server_changed"] = "dev_server_changed"
    status: Literal["starting", "answering", "exited", "silent"]
    port: int | None = None
    detail: str | None = None
    process: str | None = None
    """Which of those beside it; None: the dev server itself."""


class EnvironmentChanged(_Event):
    """The project's environment was changed, or this session was given its newest values by a restart."""

    kind: Literal["environment_changed"] = "environment_changed"
    version: int
    """The environment's, which grows with every change."""
    restart_needed: bool
    """Whether the session's dev server still has other values."""


class PullRequestChanged(_Event):
    """A pull request was opened, updated, merged or closed."""

    kind: Literal["pull_request_changed"] = "pull_request_changed"
    number: int
    action: Literal["opened", "updated", "merged", "closed"]
    branch: str
    url: str
    commit: str


class SetupChanged(_Event):
    """A build of the project's snapshot went a step on or ended, as told to the project's setup session."""

    kind: Literal["setup_changed"] = "setup_changed"
    snapshot_id: str
    """Also the key of the live parts of its log, in whose place the end of the build stands."""
    generation: int
    status: Literal["step", "ready", "failed"]
    detail: str
    """What is being done, what came of it, or why it failed."""
    log_end: str | None = None
    """Of a build that failed, the last of its log."""


class Notice(_Event):
    """Something the user should know that fits no other kind."""

    kind: Literal["notice"] = "notice"
    text: str


SessionEvent = Annotated[
    MessageAdded
    | MessageDelivered
    | AgentText
    | AgentThought
    | ToolCalled
    | ToolFinished
    | TurnEnded
    | TurnFailed
    | ModelRetried
    | PlanChanged
    | QuestionAsked
    | PlanProposed
    | PermissionAsked
    | AskAnswered
    | AskClosed
    | SubagentChanged
    | SettingsChanged
    | Compacted
    | LimitReached
    | AgentStarted
    | AgentGone
    | StateChanged
    | StepDone
    | CameBack
    | Forked
    | DevServerChanged
    | EnvironmentChanged
    | PullRequestChanged
    | SetupChanged
    | Notice,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[SessionEvent] = TypeAdapter(SessionEvent)
"""Reads and writes stored events as JSON."""


class LivePart(BaseModel):
    """A stretch of something that is still being written: broadcast to whoever watches, never stored.

    Parts of one key follow each other by `offset` (characters); one with offset 0 begins anew. The stored event that
    carries the key (`part_key`, `tool_call_id` for a tool's input and output, `snapshot_id` for a setup's output) takes
    the place of all of them. `reset` voids every part whose event has not come: the model's answer is asked for again,
    or the turn is over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["text", "thought", "tool_input", "tool_output", "setup_output", "reset"]
    key: str = ""
    offset: int = 0
    text: str = ""
    parent_tool_call_id: str | None = None


class StoredEvent(BaseModel):
    """An event with its number in its session's transcript: 1, 2, 3, without gaps."""

    model_config = ConfigDict(frozen=True)
    number: int
    event: SessionEvent
