"""Following a durable process's output: across lost connections and pauses, without a gap and without a double."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from lot.api.schemas.sessions import ProcessBody
from lot.client.client import LotClient
from lot.client.errors import RefusedError, ServerUnreachableError
from lot.core.errors import NotFoundError

OFFSET_BYTES = 8
"""Each message begins with the offset of its first byte, big-endian."""
RETRY_S = 1.0
_SERVER_ERRORS = 500
_CONFLICT = 409


@dataclass(slots=True)
class Place:
    """How far a reader has come in one stream; the byte after the last one read."""

    offset: int

    def take(self, message: bytes) -> bytes:
        """Return what is new in a message from the stream, and move on."""
        start = int.from_bytes(message[:OFFSET_BYTES], "big")
        data = message[OFFSET_BYTES:]
        fresh = data[max(0, self.offset - start) :]
        self.offset = max(self.offset, start + len(data))
        return fresh


def read_socket(socket: ClientConnection, place: Place) -> Iterator[bytes]:
    """Yield what one connection brings until it closes."""
    try:
        while True:
            message = socket.recv()
            if isinstance(message, bytes):
                yield place.take(message)
    except ConnectionClosed:
        return


def find_process(client: LotClient, session: str, name: str) -> ProcessBody:
    """Return a durable process.

    Raises:
        NotFoundError: the sandbox has none of that name.
    """
    processes = client.list_processes(session)
    for process in processes:
        if process.name == name:
            return process
    names = ", ".join(process.name for process in processes) or "none"
    raise NotFoundError(f"Session {session} has no process {name}; there are: {names}")


def follow_output(
    client: LotClient,
    session: str,
    name: str,
    tail_bytes: int,
    *,
    on_wait: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """Yield a process's output, beginning `tail_bytes` before its end, until it has ended and all was read.

    While the sandbox is off it waits; `on_wait` is told why, once each time.
    """
    place: Place | None = None
    is_waiting = False
    while True:
        try:
            process = find_process(client, session, name)
            start, end = process.starts.get("out", 0), process.ends.get("out", 0)
            if place is None:
                place = Place(max(start, end - tail_bytes))
            elif place.offset > end:  # a new process under the same name
                place = Place(start)
            if not process.is_running and place.offset >= end:
                return
            is_waiting = False
            with client.process_socket(session, name, place.offset) as socket:
                yield from read_socket(socket, place)
        except (RefusedError, ServerUnreachableError, NotFoundError) as error:
            if isinstance(error, RefusedError) and error.status < _SERVER_ERRORS and error.status != _CONFLICT:
                raise
            if isinstance(error, ServerUnreachableError) and place is None:
                raise
            if not is_waiting:
                on_wait(str(error))
            is_waiting = True
        sleep(RETRY_S)
