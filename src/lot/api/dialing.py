"""HTTP to a port inside a sandbox: an httpx transport whose connections are dialled through the session's runner."""

import select
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import anyio
import httpcore
import httpx
from anyio.abc import ByteStream, SocketAttribute

from lot.core.errors import LotError

Dial = Callable[[], AbstractAsyncContextManager[ByteStream]]

MAX_CONNECTIONS = 256
KEEP_ALIVE_S = 5.0


class DialTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections that `dial` opens, whatever host the address names."""

    def __init__(self, dial: Dial) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=_Backend(dial),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=16,
            keepalive_expiry=KEEP_ALIVE_S,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            LotError: the port could not be dialled. httpcore.NetworkError, ProtocolError: the app broke off.
        """
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stack = AsyncExitStack()
        return _Stream(await stack.enter_async_context(self._dial()), stack)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: ByteStream, stack: AsyncExitStack) -> None:
        self._stream, self._stack = stream, stack

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _as_httpcore(httpcore.ReadTimeout, httpcore.ReadError), anyio.fail_after(timeout):
            try:
                return await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            with _as_httpcore(httpcore.WriteTimeout, httpcore.WriteError), anyio.fail_after(timeout):
                await self._stream.send(buffer)

    async def aclose(self) -> None:
        await self._stack.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("apps in sandboxes are reached over plain HTTP")

    def get_extra_info(self, info: str) -> Any:
        """Tell the pool whether an idle connection has something to read, which means that the app has closed it."""
        if info != "is_readable":
            return None
        own = self._stream.extra(SocketAttribute.raw_socket, None)
        return own is not None and bool(select.select([own], [], [], 0)[0])


class _as_httpcore:
    """Raises what a stream raises as the errors that httpcore's pool understands."""

    def __init__(self, timeout: type[Exception], error: type[Exception]) -> None:
        self._timeout, self._error = timeout, error

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, TimeoutError):
            raise self._timeout(str(error)) from error
        if isinstance(error, anyio.BrokenResourceError | anyio.ClosedResourceError | OSError | LotError):
            raise self._error(str(error)) from error
