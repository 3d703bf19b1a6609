"""The entry for previews: `http://<port>--<session>.<domain>` leads to that port of that session's sandbox.

Each session and port is an origin of its own. Who is let in is up to `preview_entry.py`; this forwards and explains.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary, WeakMethod

import anyio
import httpcore
import httpx
import structlog
from anyio.abc import ByteStream
from httpx_ws import AsyncWebSocketSession, HTTPXWSException, WebSocketDisconnect, WebSocketUpgradeError, aconnect_ws
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from starlette.websockets import WebSocketDisconnect as BrowserGone
from wsproto.events import BytesMessage, TextMessage

from lot.api.dialing import DialTransport
from lot.api.gate import close_quietly
from lot.api.preview_entry import SIGN_IN_PATH, PreviewEntry, Visitor, host_of
from lot.api.preview_pages import page
from lot.core.errors import LotError, NotFoundError, SandboxUnavailableError, UnavailableError
from lot.core.ids import SessionId
from lot.core.records import Session
from lot.core.session import SandboxState
from lot.engine.engine import Engine
from lot.engine.ports import SessionPort, main_port
from lot.guest.wire import GUEST_PORT
from lot.runner.client import RunnerClient
from lot.sign_in.revocation import Revocations

logger = structlog.get_logger(__name__)

MAX_WS_MESSAGE_BYTES = 16 << 20
MAX_NAMED = 20
"""So many ports are named where nothing listens on the one that was asked for."""
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_WS_OWN = frozenset(
    (b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"sec-websocket-protocol")
)


class Preview:
    """ASGI middleware: takes requests for preview hosts, passes all others on."""

    def __init__(self, app: ASGIApp, *, engine: Engine, entry: PreviewEntry, revocations: Revocations) -> None:
        self._app, self._engine, self._entry, self._revocations = app, engine, entry, revocations
        self._transports: WeakKeyDictionary[RunnerClient, dict[int, DialTransport]] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        is_ours = scope["type"] in ("http", "websocket")
        target = self._entry.find_target(host_of(HTTPConnection(scope))) if is_ours else None
        if target is None:
            await self._app(scope, receive, send)
            return
        port, session = target
        if scope["type"] == "http":
            response = await self._answer(Request(scope, receive), session, port)
            await response(scope, receive, send)
        else:
            await self._connect(WebSocket(scope, receive, send), session, port)

    async def _answer(self, request: Request, session: SessionId, port: int) -> Response:
        try:
            if request.url.path == SIGN_IN_PATH:
                return await self._entry.let_in(request)
            visitor = await self._entry.find_visitor(request)
            if visitor is None:
                return self._entry.ask_to_sign_in(request)
            if not self._entry.is_own_page(visitor, request, session):
                return page("forbidden", 403, "A page of another session or site may not ask this app.")
            if not _can_be_previewed(port):
                return page("nothing", 404, f"Port {port} cannot be previewed.")
            return await self._forward(request, visitor, session, port)
        except NotFoundError:
            return page("gone", 404, "There is no such session.")
        except (LotError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            return await self._explain(session, port, error)

    async def _forward(self, request: Request, visitor: Visitor, session: SessionId, port: int) -> Response:
        transport = self._transport(await self._engine.preview_client(session), port)
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        outgoing = httpx.Request(
            request.method,
            httpx.URL(scheme="http", host="sandbox", port=port, raw_path=_raw_path(request.scope)),
            headers=self._clean_headers(visitor, request),
            content=request.stream() if has_body else None,
            extensions={"timeout": {"connect": 10.0, "write": 60.0, "pool": 10.0}},
        )
        await self._engine.extend(session, "preview in use")
        answer = await transport.handle_async_request(outgoing)
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _HOP_BY_HOP
        ]
        return response

    def _transport(self, client: RunnerClient, port: int) -> DialTransport:
        """Return the pool of connections to a port; a runner that came anew gets a new pool."""
        transports = self._transports.setdefault(client, {})
        if port not in transports:
            # Only weakly: a transport that held its client would keep both for ever.
            dial = WeakMethod(client.dial)
            transports[port] = DialTransport(lambda: _called(dial, port))
        return transports[port]

    def _clean_headers(self, visitor: Visitor, connection: Request | WebSocket) -> list[tuple[bytes, bytes]]:
        """Return a request's headers without those of one connection, and without what is the control plane's own."""
        return [header for header in self._entry.clean_headers(visitor, connection) if header[0] not in _HOP_BY_HOP]

    async def _explain(self, session_id: SessionId, port: int, error: Exception) -> Response:
        """Say in words why the app cannot be seen."""
        try:
            session = await self._engine.parts.store.get_session(session_id)
        except NotFoundError:
            return page("gone", 404, "There is no such session.")
        match session.sandbox_state:
            case SandboxState.BOOTING | SandboxState.RESUMING:
                return page("starting", 503, f"The session is {session.label}.", refresh_s=1)
            case SandboxState.PAUSED | SandboxState.PAUSING | SandboxState.ABSENT:
                return page("paused", 503, session.reason or "Send a message, or resume it.")
            case SandboxState.ON:
                return await self._explain_port(session, port, error)

    async def _explain_port(self, session: Session, port: int, error: Exception) -> Response:
        try:
            dev = await self._engine.client_of(session.id).dev_status()
        except UnavailableError:
            return page("starting", 503, "Connecting to the session.", refresh_s=1)
        is_of_dev = await main_port(self._engine.parts, session) in (None, port)
        if is_of_dev and dev.status == "starting":
            return page("starting", 503, "The dev server is starting.", refresh_s=1)
        if is_of_dev and dev.status == "exited":
            return page("crashed", 502, f"It ended with exit code {dev.exit_code}.", log=dev.detail)
        if isinstance(error, SandboxUnavailableError | httpcore.ConnectError):
            others = _named((await self._engine.ports(session.id))[0])
            return page("nothing", 502, f"Nothing listens on port {port}. {others}")
        return page("crashed", 502, f"The app broke the connection: {error}")

    async def _connect(self, browser: WebSocket, session: SessionId, port: int) -> None:
        """Serve a socket until it ends, or until whoever opened it is shut out."""
        visitor = await self._entry.find_visitor(browser)
        if visitor is None or not self._entry.is_own_page(visitor, browser, session) or not _can_be_previewed(port):
            await close_quietly(browser.send)
            return
        if await self._revocations.is_over_before(visitor.holder, self._bridge, browser, visitor, session, port):
            await close_quietly(browser.send)

    async def _bridge(self, browser: WebSocket, visitor: Visitor, session: SessionId, port: int) -> None:
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._clean_headers(visitor, browser)
            if name not in _WS_OWN
        ]
        url = httpx.URL(scheme="http", host="sandbox", port=port, raw_path=_raw_path(browser.scope))
        try:
            client = await self._engine.preview_client(session)
            http = httpx.AsyncClient(transport=DialTransport(lambda: client.dial(port)))
            connecting: AbstractAsyncContextManager[AsyncWebSocketSession] = aconnect_ws(
                str(url),
                http,
                headers=httpx.Headers(headers),
                subprotocols=browser.scope.get("subprotocols") or None,
                max_message_size_bytes=MAX_WS_MESSAGE_BYTES,
                keepalive_ping_interval_seconds=None,
            )
            async with http, connecting as app:
                await browser.accept(app.subprotocol)
                async with anyio.create_task_group() as group:
                    group.start_soon(_to_app, browser, app, group.cancel_scope)
                    await _to_browser(app, browser)
                    group.cancel_scope.cancel()
        except (LotError, HTTPXWSException, WebSocketUpgradeError, httpcore.NetworkError, OSError) as error:
            logger.info("preview socket ended", session_id=session, port=port, error=str(error))
            await _close(browser, 1014)


def _can_be_previewed(port: int) -> bool:
    return 0 < port < 65536 and port != GUEST_PORT


def _called(dial: "WeakMethod[Any]", port: int) -> AbstractAsyncContextManager[ByteStream]:
    method = dial()
    if method is None:
        raise SandboxUnavailableError("the session's runner is gone; ask again")
    stream: AbstractAsyncContextManager[ByteStream] = method(port)
    return stream


def _named(ports: Sequence[SessionPort]) -> str:
    """Return the sentence that says which ports are listened on."""
    if not ports:
        return "Nothing listens on any other."
    names = [f"{port.port} ({port.name})" if port.name else str(port.port) for port in ports[:MAX_NAMED]]
    return f"Something listens on {', '.join(names)}{' and more' if len(ports) > MAX_NAMED else ''}."


async def _to_app(browser: WebSocket, app: AsyncWebSocketSession, scope: anyio.CancelScope) -> None:
    try:
        while True:
            message = await browser.receive()
            if message["type"] == "websocket.disconnect":
                break
            if message.get("text") is not None:
                await app.send_text(message["text"])
            elif message.get("bytes") is not None:
                await app.send_bytes(message["bytes"])
    except (BrowserGone, HTTPXWSException):
        pass
    scope.cancel()


async def _to_browser(app: AsyncWebSocketSession, browser: WebSocket) -> None:
    try:
        while True:
            event = await app.receive()
            if isinstance(event, TextMessage):
                await browser.send_text(event.data)
            elif isinstance(event, BytesMessage):
                await browser.send_bytes(bytes(event.data))
    except WebSocketDisconnect as end:
        await _close(browser, end.code)
    except HTTPXWSException:
        await _close(browser, 1012)


async def _close(browser: WebSocket, code: int) -> None:
    # The browser may have gone by itself, or was never accepted; either is the end we want.
    try:
        await browser.close(code if 1000 <= code < 5000 and code not in (1005, 1006, 1015) else 1011)
    except RuntimeError:
        return


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _raw_path(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    return path + (b"?" + query if query else b"")
