"""Everything a session can record, one frozen class per kind; the transcript is their order.

Shaped after the Agent Client Protocol's session updates. The store numbers events. Stored events are read for as
long as sessions exist: a kind only ever gains fields with defaults (`tests/golden/` keeps one of every shape).
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

MAX_TEXT_CHARS = 200_000
"""Longest text stored in one event; the raw journal keeps the rest while the session lives."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    at: AwareDatetime


class MessageAdded(_Event):
    """A user's message was accepted; it will be delivered exactly once."""

    kind: Literal["message_added"] = "message_added"
    message_id: str
    text: str


class MessageDelivered(_Event):
    """The agent took a message into a turn."""

    kind: Literal["message_delivered"] = "message_delivered"
    message_id: str


class AgentText(_Event):
    """A finished block of the agent's text."""

    kind: Literal["agent_text"] = "agent_text"
    text: str
    parent_tool_call_id: str | None = None


class AgentThought(_Event):
    """A finished block of the agent's thinking."""

    kind: Literal["agent_thought"] = "agent_thought"
    text: str
    parent_tool_call_id: str | None = None


class ToolCalled(_Event):
    """The agent called a tool."""

    kind: Literal["tool_called"] = "tool_called"
    tool_call_id: str
    name: str
    input: dict[str, Any]
    parent_tool_call_id: str | None = None


class ToolFinished(_Event):
    """A tool call ended. `patch` holds the hunks of an edit as the tool reports them."""

    kind: Literal["tool_finished"] = "tool_finished"
    tool_call_id: str
    is_error: bool
    output: str
    is_truncated: bool = False
    path: str | None = None
    patch: list[dict[str, Any]] | None = None


class TurnEnded(_Event):
    """The agent stopped of itself or was stopped. `outcome` is ours, `terminal_reason` the harness's own word."""

    kind: Literal["turn_ended"] = "turn_ended"
    outcome: Literal["completed", "interrupted"]
    terminal_reason: str | None = None
    duration_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


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
    """The dev server came up, answers, or died."""

    kind: Literal["dev_server_changed"] = "dev_server_changed"
    status: Literal["starting", "answering", "exited", "silent"]
    port: int | None = None
    detail: str | None = None


class PullRequestChanged(_Event):
    """A pull request was opened, updated, merged or closed."""

    kind: Literal["pull_request_changed"] = "pull_request_changed"
    number: int
    action: Literal["opened", "updated", "merged", "closed"]
    branch: str
    url: str
    commit: str


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
    | AgentStarted
    | AgentGone
    | StateChanged
    | StepDone
    | CameBack
    | Forked
    | DevServerChanged
    | PullRequestChanged
    | Notice,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[SessionEvent] = TypeAdapter(SessionEvent)
"""Reads and writes stored events as JSON."""


class StoredEvent(BaseModel):
    """An event with its number in its session's transcript: 1, 2, 3, without gaps."""

    model_config = ConfigDict(frozen=True)
    number: int
    event: SessionEvent
