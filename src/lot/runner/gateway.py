"""What a sandbox may reach of its host: the model and its repository, both forwarded to the control plane's broker.

The gateway holds no secret but the runner's pass. It buffers no body but a model request's, which is bounded and may
have to be sent again when the control plane restarts. Before a checkpoint it ends every stream in order: the agent
program takes an answer that ends early as one to ask for again, while an aborted connection has made it crash.
"""

import json
import logging
import re
import socket
import time
import uuid
from collections.abc import AsyncIterator, Collection, Mapping

import anyio
import httpx
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from lot.runner.parts import Credentials

HOLD_S = 30.0
"""How long a request waits for a control plane that is away."""
RETRY_S = 0.2
QUIESCE_S = 1.0
"""How long running answers may take to end by themselves before a checkpoint."""
HOLD_TELL_S = 1.0
"""How long telling the broker which answers to hold may take."""
FLUSH_S = 0.5
"""How long a sandbox may take to read the end of an answer."""
MAX_MODEL_BYTES = 32 << 20

_MODEL_PATHS = frozenset({"/model/v1/messages", "/model/v1/messages/count_tokens", "/model/v1/models"})
_EXCHANGE_HEADER = "x-lot-exchange"
"""Names a model request to the broker."""
_GIT_PATH = re.compile(r"/git/repo\.git(/(?!\.+(/|$))[A-Za-z0-9._-]+)+")
"""Strict, as nothing on the way may take a path for another one: the pass that is added opens more than git."""
_METHODS = ("GET", "POST")
_NOT_PASSED_UP = frozenset(
    {"host", "connection", "keep-alive", "te", "trailer", "upgrade", "transfer-encoding", "expect"}
    | {"authorization", "proxy-authorization", "proxy-connection", "x-api-key", "cookie", "forwarded"}
    | {_EXCHANGE_HEADER}
)
_NOT_PASSED_DOWN = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "date", "server", "set-cookie"}
)
_POLL_S = 0.002

logger = logging.getLogger(__name__)


class BrokenAnswerError(ConnectionError):
    """An answer of known length broke off: the connection to the sandbox is broken too."""


class SandboxLeftError(ConnectionError):
    """The sandbox closed its connection before it had sent its request."""


class SandboxGateway:
    """Serves one sandbox on one listening socket, which it takes over and which is bound to a port of its choice.

    (A socket bound to port 0 loses its port when it stops listening, so it could not be opened again.)
    """

    def __init__(self, listener: socket.socket, credentials: Credentials) -> None:
        self._listener = listener
        # Inherited by what it accepts; asyncio sets it only on sockets whose protocol number it can see.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._authorization = f"Bearer {credentials.pass_token}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._control = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(credentials.control_socket), limits=limits, verify=False),
            base_url="http://control",
            timeout=httpx.Timeout(connect=5.0, read=None, write=120.0, pool=None),
        )
        self._server: uvicorn.Server | None = None
        self._exchanges: dict[str, anyio.CancelScope] = {}
        """Everything under way, by its name."""

    async def open(self) -> None:
        """Serve, or go on after `quiesce`; nothing happens when it serves already."""
        if self._server is not None:
            return
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Not `serve`: its loop notices an end only every 100 ms, and takes over signals.
        await server.startup(sockets=[self._listener.dup()])
        self._server = server

    async def quiesce(self, limit_s: float = QUIESCE_S) -> None:
        """End every answer in order, within `limit_s`, and close every connection; take no new ones.

        The sandbox will ask again for what was cut off: the broker holds those answers for it.
        """
        await self._end(limit_s, is_to_hold=True)

    async def close(self) -> None:
        """End for good; nobody will ask again."""
        await self._end(0.0, is_to_hold=False)
        self._listener.close()
        await self._control.aclose()

    async def _end(self, limit_s: float, *, is_to_hold: bool) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        # A listening socket that is only left alone would still let the kernel accept connections.
        self._listener.shutdown(socket.SHUT_RDWR)
        for listening in server.servers:
            listening.close()
        connections = server.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        await _drained(connections, limit_s)
        if is_to_hold and self._exchanges:
            await self._have_held()
        for exchange in self._exchanges.values():
            exchange.cancel()
        await _drained(connections, FLUSH_S)
        for connection in list(connections):
            logger.warning("connection of a sandbox did not end in time")
            connection.transport.abort()
        await _drained(connections, FLUSH_S)

    async def _have_held(self) -> None:
        """Have the broker read on what is about to be cut off; without it, the agent's next request is paid anew."""
        headers, names = {"authorization": self._authorization}, list(self._exchanges)
        with anyio.move_on_after(HOLD_TELL_S):
            try:
                await self._control.post("/broker/model/hold", headers=headers, json={"exchanges": names})
            except httpx.HTTPError as error:
                logger.warning("answers are not held", extra={"reason": type(error).__name__})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_model = scope["path"] in _MODEL_PATHS
        if scope["method"] not in _METHODS or not (is_model or _GIT_PATH.fullmatch(scope["path"])):
            await _answer(send, 404, "not_found_error", "there is nothing here")
            return
        name = uuid.uuid4().hex
        own = {"authorization": self._authorization, _EXCHANGE_HEADER: name}
        exchange = _Exchange(self._control, own, scope, receive, send, is_model=is_model)
        with anyio.CancelScope() as cut:
            self._exchanges[name] = cut
            try:
                await exchange.run()
            finally:
                del self._exchanges[name]
        if cut.cancelled_caught:
            await exchange.end_early()


class _Exchange:
    """One request of the sandbox and its answer."""

    def __init__(
        self,
        control: httpx.AsyncClient,
        own_headers: Mapping[str, str],
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        is_model: bool,
    ) -> None:
        self._control, self._scope, self._receive, self._send = control, scope, receive, send
        self._is_model = is_model
        self._headers = _upward(scope) | dict(own_headers)
        self._has_begun, self._has_length, self._is_over = False, False, False
        self._body_is_touched = False

    async def run(self) -> None:
        """Forward the request and relay its answer; ends early when the sandbox goes away."""
        try:
            if self._is_model:
                await self._relay_model()
            else:
                # The one reader of `receive` is the request's body: a sandbox that leaves is noticed when writing.
                await self._relay(None)
        except SandboxLeftError:
            logger.debug("sandbox left before its request was complete")

    async def _relay_model(self) -> None:
        body = await self._model_body()
        if body is None:
            await self._refuse(413, "request_too_large", f"more than {MAX_MODEL_BYTES} bytes")
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, tasks.cancel_scope)
            await self._relay(body)
            tasks.cancel_scope.cancel()

    async def end_early(self) -> None:
        """End the answer in order although it is not complete."""
        if not self._has_begun:
            await self._refuse(503, "overloaded_error", "the sandbox is being paused")
        elif self._has_length:
            raise BrokenAnswerError
        elif not self._is_over:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _relay(self, body: bytes | None) -> None:
        try:
            answer = await self._ask(body)
        except httpx.HTTPError as error:
            logger.warning("control plane is away", extra={"reason": type(error).__name__})
            await self._refuse(502, "api_error", "the control plane of Lot is away")
            return
        try:
            await self._relay_answer(answer)
        finally:
            with anyio.CancelScope(shield=True):
                await answer.aclose()

    async def _ask(self, body: bytes | None) -> httpx.Response:
        """Send the request until there is an answer, as long as that can do no harm."""
        deadline: float | None = None
        while True:
            method = self._scope["method"]
            content = None if method == "GET" else self._git_body() if body is None else body
            request = self._control.build_request(method, self._target(), headers=self._headers, content=content)
            try:
                return await self._control.send(request, stream=True)
            except httpx.TransportError as error:
                is_refused = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                deadline = deadline or time.monotonic() + HOLD_S
                if self._body_is_touched or not (is_refused or self._is_model) or time.monotonic() > deadline:
                    raise
            await anyio.sleep(RETRY_S)

    async def _relay_answer(self, answer: httpx.Response) -> None:
        self._has_length = "content-length" in answer.headers
        headers = [(n.encode(), v.encode()) for n, v in answer.headers.items() if n not in _NOT_PASSED_DOWN]
        self._has_begun = True
        await self._send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        try:
            async for data in answer.aiter_raw():
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except httpx.TransportError as error:
            logger.warning("answer broke off", extra={"reason": type(error).__name__})
            await self.end_early()
            self._is_over = True
            return
        self._is_over = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """Give up when the sandbox does: an answer that nobody reads still costs."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _model_body(self) -> bytes | None:
        body = bytearray()
        async for piece in self._pieces():
            body += piece
            if len(body) > MAX_MODEL_BYTES:
                return None
        return bytes(body)

    async def _git_body(self) -> AsyncIterator[bytes]:
        self._body_is_touched = True
        async for piece in self._pieces():
            yield piece

    async def _pieces(self) -> AsyncIterator[bytes]:
        message: Message = {"more_body": True}
        while message.get("more_body", False):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise SandboxLeftError
            yield message.get("body", b"")

    def _target(self) -> str:
        query = self._scope["query_string"].decode("latin-1")
        return f"/broker{self._scope['path']}" + (f"?{query}" if query else "")

    async def _refuse(self, status: int, kind: str, text: str) -> None:
        self._has_begun = self._is_over = True
        await _answer(self._send, status, kind, text)


async def _drained(connections: Collection[object], limit_s: float) -> None:
    """Return when all connections are closed, or after a while."""
    with anyio.move_on_after(limit_s):
        while connections:  # noqa: ASYNC110 - the server keeps a set and tells nobody of its changes
            await anyio.sleep(_POLL_S)


def _upward(scope: Scope) -> dict[str, str]:
    given: Mapping[str, str] = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return {name: value for name, value in given.items() if name not in _NOT_PASSED_UP}


async def _answer(send: Send, status: int, kind: str, text: str) -> None:
    """Answer in the Messages API's shape for errors, which git's users can read too."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": f"Lot: {text}"}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
