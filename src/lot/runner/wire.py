"""What a runner's server and its client share beyond `protocol.py`: names, limits and the bodies of small calls."""

import struct

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lot.core.asks import Answer
from lot.harness.harness import AgentRecord
from lot.runner.protocol import AttachmentBody

RUNNER_SOCKET = "runner.sock"
FORWARD_SOCKET = "forward.sock"
EPOCH_HEADER = "X-Lot-Epoch"
MAX_BODY_BYTES = 48 << 20
"""A message with the largest attachments, or a whole transcript of an agent program."""
MAX_FRAME_BYTES = 16 << 20
"""One record with the largest events."""
OFFSET = struct.Struct(">Q")
"""Begins every binary frame of an attached journal; the data follows."""

RECORD: TypeAdapter[AgentRecord] = TypeAdapter(AgentRecord)


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Empty(_Body):
    """A call that needs nothing said."""


class StatusQuery(_Body):
    """How long to wait for an answer of the dev server."""

    wait_s: float = Field(0.0, ge=0.0, le=3600.0)


class PauseQuery(_Body):
    """The image's folder."""

    into: str


class MessageBody(_Body):
    """A user's message."""

    message_id: str
    text: str
    attachments: tuple[AttachmentBody, ...] = ()


class AnswerBody(_Body):
    """The user's answer to something that the agent asked."""

    ask: str
    answer: Answer


class RunQuery(_Body):
    """Which start of the agent program."""

    run: int = Field(ge=1)


class Reached(_Body):
    """Whether an answer reached who asked."""

    reached: bool


class ProcessQuery(_Body):
    """Which durable process."""

    name: str


class DiffQuery(_Body):
    """What to compare with, and of which files; of all without any."""

    base_commit: str
    paths: tuple[str, ...] = ()


class Resize(_Body):
    """Text frame of an attached socket: the size of the PTY."""

    rows: int = Field(ge=1, le=1000)
    columns: int = Field(ge=1, le=1000)


class Stored(_Body):
    """Text frame of a records socket: everything before this offset is stored."""

    ack: int = Field(ge=0)
