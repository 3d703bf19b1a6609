"""What our `sudo` and PID 1 say to each other over a unix socket: messages of `wire`, without bodies.

The program sends its request together with three descriptors (standard input, output and error) and its credentials,
and is answered `{"started": true}` or `{"error": text}`. From then on it may send `{"signal": number}`; it hears
`{"exit_code": number}` at the end, negative for the signal that ended the command. When it goes away before that, the
command is told to end, unless the request said `is_background`.
"""

from __future__ import annotations

import json
from typing import Any

from lot.guest import wire

SOCKET_FILE = "sudo.sock"
STREAMS = 3
MAX_REQUEST_BYTES = 4 << 20
"""Linux takes 2 MiB of arguments and variables; JSON writes some bytes as six."""
MAX_ANSWER_BYTES = 64 << 10


def encode(message: dict[str, Any]) -> bytes:
    """Return one message; unlike `wire.encode`, without a limit: the reader has one."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return wire.PREFIX.pack(len(text), 0) + text


class Inbox:
    """Bytes as they come, and the messages in them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()

    def add(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes; return the messages that are whole now.

        Raises:
            WireError: what came is no message of ours, or too long.
        """
        self._data += data
        found = []
        while len(self._data) >= wire.PREFIX.size:
            head_bytes, body_bytes = wire.PREFIX.unpack_from(self._data)
            if body_bytes or head_bytes > self._max_bytes:
                raise wire.WireError(f"message of {head_bytes} + {body_bytes} bytes is too large")
            end = wire.PREFIX.size + head_bytes
            if len(self._data) < end:
                break
            found.append(wire.decode(bytes(self._data[wire.PREFIX.size : end])))
            del self._data[:end]
        return found
