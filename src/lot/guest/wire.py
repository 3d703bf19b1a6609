"""The protocol between host and guest: version, limits and framing; all that both sides share.

A connection carries one call. The host sends one message, the guest answers with one, or with several when the call
streams, and then closes. A message is

    u32 length of head | u32 length of body | head: a JSON object in UTF-8 | body: raw bytes

with big-endian lengths. The request's head names the protocol version (`v`), the call (`call`) and its arguments.
An answer's head holds the result, or `{"error": {"code", "message"}}` with one of `ERROR_CODES`. A side that gets a
message beyond these limits, or one it cannot read, closes that connection; no other is touched.

Streams: `attach` and `read_file` answer with any number of messages that carry a body, then `{"end": true}`;
`follow_files` and `follow_ports` have no end. While idle all but `read_file` send `{"beat": true}` every `BEAT_S`.
After the answer to `dial` the connection is raw bytes in both directions until both have been shut down; the host
sends none before that answer.
"""

from __future__ import annotations

import json
import struct
from typing import Any

PROTOCOL = 1
GUEST_PORT = 7000
GATEWAY_PORT = 80
"""Where the host serves the gateway, at the address that alone may connect here."""

PREFIX = struct.Struct(">II")
MAX_HEAD_BYTES = 1 << 20
MAX_CHUNK_BYTES = 256 << 10
"""Body of one message of a stream."""
MAX_INPUT_BYTES = 16 << 20
"""Body of a `write`, and standard input of a `run`."""
MAX_OUTPUT_BYTES = 64 << 20
"""The most output of one `run` that can be asked for, per stream."""
MAX_FILE_BYTES = 64 << 20
MAX_JOURNAL_BYTES = 1 << 30
MIN_JOURNAL_BYTES = 4096

BEAT_S = 5.0
REQUEST_TIMEOUT_S = 10.0
"""How long the guest waits for a connection to state its call."""

NAME_PATTERN = r"[a-z0-9-]{1,40}"
STREAMS = ("out", "err")
WHEN_FULL = ("drop_oldest", "block")
MAX_OFFSET = 1 << 60
"""Of any journal or standard input."""
ERROR_CODES = ("invalid", "not_found", "too_large", "timed_out", "unavailable")


class WireError(Exception):
    """The other side sent something that is no message of this protocol."""


def encode(head: dict[str, Any], body: bytes = b"") -> bytes:
    """Return one message."""
    return prefix(head, len(body)) + body


def prefix(head: dict[str, Any], body_bytes: int) -> bytes:
    """Return the beginning of a message whose body of `body_bytes` is sent afterwards."""
    text = json.dumps(head, separators=(",", ":")).encode()
    if len(text) > MAX_HEAD_BYTES:
        raise WireError(f"head of {len(text)} bytes is larger than {MAX_HEAD_BYTES}")
    return PREFIX.pack(len(text), body_bytes) + text


def lengths(data: bytes, max_body_bytes: int) -> tuple[int, int]:
    """Return the lengths of head and body from a message's first `PREFIX.size` bytes."""
    head_bytes, body_bytes = PREFIX.unpack(data)
    if head_bytes > MAX_HEAD_BYTES or body_bytes > max_body_bytes:
        raise WireError(f"message of {head_bytes} + {body_bytes} bytes is too large")
    return head_bytes, body_bytes


def decode(text: bytes) -> dict[str, Any]:
    """Return a head."""
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("head is not JSON") from error
    if not isinstance(head, dict):
        raise WireError("head is not an object")
    return head
