"""One request to a provider of models and its answer, which a task of the broker's own reads.

Whoever asked follows the answer from its beginning. What was read is kept until the exchange is over, so that an
answer cut off by a pause can be followed anew by the same request after the resume.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer

MAX_ANSWER_BYTES = 32 << 20
_PIECE_BYTES = 64 << 10


class BrokenAnswerError(ConnectionError):
    """An answer ended before its time; the connection to whoever follows it is broken too."""


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What comes before an answer's body."""

    status: int
    headers: Mapping[str, str]


class Exchange:
    """An answer as far as it is read; one task writes, any number of tasks follow."""

    def __init__(self, session_id: SessionId, request: str) -> None:
        self.session_id, self.request = session_id, request
        self.is_held = False
        """It is read to its end although nobody follows it, and kept."""
        self.is_over = False
        self.is_complete = False
        """The answer came to its own end, and is worth keeping."""
        self.has_task = False
        """A task is still at it, and sees to the answer when it is done."""
        self.followers = 0
        self.scope = anyio.CancelScope()
        """Of the task that reads."""
        self._head: AnswerHead | None = None
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._error: Exception | None = None
        self._changed = anyio.Event()

    @property
    def answer(self) -> HeldAnswer | None:
        """The whole answer; None: it did not come to its end."""
        if self._head is None or not self.is_complete:
            return None
        return HeldAnswer(status=self._head.status, headers=self._head.headers, body=b"".join(self._pieces))

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Tell how the answer begins."""
        self._head = AnswerHead(status, headers)
        self._tell()

    def add(self, data: bytes) -> None:
        """Add the next piece.

        Raises:
            BrokenAnswerError: the answer is larger than `MAX_ANSWER_BYTES`.
        """
        self._size_bytes += len(data)
        if self._size_bytes > MAX_ANSWER_BYTES:
            raise BrokenAnswerError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        self._pieces.append(data)
        self._tell()

    def end(self, *, is_complete: bool) -> None:
        """Nothing more comes."""
        self.is_over, self.is_complete = True, is_complete
        self._tell()

    def fail(self, error: Exception) -> None:
        """The answer breaks off; nothing happens when it is over already."""
        if not self.is_over:
            self._error = error
            self.end(is_complete=False)

    def answer_at_once(self, answer: HeldAnswer, *, is_complete: bool = False) -> None:
        """Give a whole answer."""
        self.begin(answer.status, answer.headers)
        for at in range(0, len(answer.body), _PIECE_BYTES):
            self.add(answer.body[at : at + _PIECE_BYTES])
        self.end(is_complete=is_complete)

    async def head(self) -> AnswerHead:
        """Return how the answer begins, once it has begun.

        Raises:
            Exception: what kept it from beginning.
        """
        while self._head is None:
            if self._error is not None:
                raise self._error
            await self._changed.wait()
        return self._head

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body from its first byte on.

        Raises:
            Exception: what it broke off with.
        """
        at = 0
        while True:
            while at < len(self._pieces):
                yield self._pieces[at]
                at += 1
            if self._error is not None:
                raise self._error
            if self.is_over:
                return
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Following(Response):
    """Follows an exchange for one request, until the answer is over or whoever asked is gone."""

    def __init__(self, exchange: Exchange, on_left: Callable[[], None]) -> None:
        self._exchange, self._on_left = exchange, on_left
        exchange.followers += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        broken: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_watch, receive, tasks.cancel_scope)
                try:
                    await self._send(send)
                except Exception as error:
                    broken = error
                tasks.cancel_scope.cancel()
        finally:
            self._exchange.followers -= 1
            self._on_left()
        if broken is not None:
            raise broken

    async def _send(self, send: Send) -> None:
        head = await self._exchange.head()
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.headers.items()]
        await send({"type": "http.response.start", "status": head.status, "headers": headers})
        async for data in self._exchange.pieces():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
