"""Identifiers. Short, lower-case and safe in host names, because sessions appear in preview addresses."""

import secrets
from typing import NewType

ProjectId = NewType("ProjectId", str)
SessionId = NewType("SessionId", str)
SandboxId = NewType("SandboxId", str)
"""One boot of a sandbox's life line; a session keeps the same sandbox id for as long as it lives."""
SnapshotId = NewType("SnapshotId", str)
LayerId = NewType("LayerId", str)
ImageId = NewType("ImageId", str)
"""A hibernation image: the memory of one paused sandbox, or of a snapshot."""
MessageId = NewType("MessageId", str)
AskId = NewType("AskId", str)
PullRequestId = NewType("PullRequestId", str)
AccountId = NewType("AccountId", str)
"""A git account: who Lot is at a git host."""
RunnerId = NewType("RunnerId", str)
UserId = NewType("UserId", str)
BrowserSessionId = NewType("BrowserSessionId", str)
TokenId = NewType("TokenId", str)
PushDeviceId = NewType("PushDeviceId", str)

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""No l, o, 0 and 1: they are misread when an id is typed from a screen."""


def new_id(length: int = 10) -> str:
    """Return a fresh random id of `length` letters and digits, beginning with a letter (50 bits at 10)."""
    first = secrets.choice(_ALPHABET[:24])
    return first + "".join(secrets.choice(_ALPHABET) for _ in range(length - 1))
