"""Serves mirrors to sandboxes over HTTP: git's own `http-backend` run as CGI, with a grant for every request.

Every session uses the same address, `/repo.git`; which project that is, and what may be pushed, is in the grant. What
may be pushed is enforced by the mirror's hook (`hooks/update`). Only git's smart protocol is served.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lot.broker.git_command import git_environment, git_process
from lot.broker.mirror import Mirrors
from lot.core.errors import CallerError, GitError, LotError, NotFoundError, UnavailableError
from lot.core.ids import ProjectId, SessionId

TIME_LIMIT_S = 1800.0
MAX_CONCURRENT = 8
"""Requests that one session, or one project's snapshot builds, may have under way at once."""

_REPOSITORY = "/repo.git"
_READ, _WRITE = "git-upload-pack", "git-receive-pack"
_LAST_STEPS_S = 5.0
"""How long git may go on after the end of its answer."""
_CHUNK_BYTES = 1 << 16
_MAX_HEADER_BYTES = 1 << 14
_MAX_WORDS_BYTES = 1 << 12
_PROTOCOL = re.compile(r"[a-z0-9=:]{1,64}")


@dataclass(frozen=True, slots=True)
class GitGrant:
    """What the sender of a request may do."""

    project_id: ProjectId
    session_id: SessionId | None
    """None: it may only read."""
    branch: str | None
    """The one branch that the session may push."""


Authorize = Callable[[Request], Awaitable[GitGrant]]
"""Says what the sender of a request may do, or raises one of our errors."""


def create_git_app(mirrors: Mirrors, authorize: Authorize, *, time_limit_s: float = TIME_LIMIT_S) -> ASGIApp:
    """Return the application; it is mounted where sandboxes find `<mount>/repo.git`."""
    busy: Counter[str] = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            service = _service(request)
            grant = await authorize(request)
            folder = mirrors.repository(grant.project_id)
            with _counted(busy, grant.session_id or grant.project_id):
                await _serve(_Cgi(request, grant, folder, service), receive, send, time_limit_s)
        except LotError as error:
            # git shows a text body to its user; 401 would only make it ask for a password.
            await PlainTextResponse(f"Lot: {error}\n", _status(error))(scope, receive, send)

    return app


def _status(error: LotError) -> HTTPStatus:
    match error:
        case NotFoundError():
            return HTTPStatus.NOT_FOUND
        case CallerError():
            return HTTPStatus.FORBIDDEN
        case UnavailableError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def _service(request: Request) -> str:
    """Return the git service that is asked for.

    Raises:
        NotFoundError: it is no request of git's smart protocol.
    """
    path = _path(request)
    asked = request.query_params.get("service", "")
    if request.method == "GET" and path == f"{_REPOSITORY}/info/refs" and asked in (_READ, _WRITE):
        return asked
    if request.method == "POST" and path in (f"{_REPOSITORY}/{_READ}", f"{_REPOSITORY}/{_WRITE}"):
        return path.rpartition("/")[2]
    raise NotFoundError("only git's smart HTTP protocol is served here")


def _path(request: Request) -> str:
    """Return the path below the mount."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


@contextmanager
def _counted(busy: Counter[str], who: str) -> Iterator[None]:
    if busy[who] >= MAX_CONCURRENT:
        raise GitError(f"{MAX_CONCURRENT} git requests are under way already; try again when one has ended")
    busy[who] += 1
    try:
        yield
    finally:
        busy[who] -= 1
        if not busy[who]:
            del busy[who]


@dataclass(frozen=True, slots=True)
class _Cgi:
    """One request, as `git http-backend` wants it told."""

    request: Request
    grant: GitGrant
    folder: Path
    service: str

    def environment(self) -> dict[str, str]:
        headers = self.request.headers
        protocol = headers.get("git-protocol", "")
        variables = {
            "GIT_PROJECT_ROOT": str(self.folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{self.folder.name}{_path(self.request).removeprefix(_REPOSITORY)}",
            "REQUEST_METHOD": self.request.method,
            "QUERY_STRING": f"service={self.service}" if self.request.method == "GET" else "",
            "CONTENT_TYPE": headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": protocol if _PROTOCOL.fullmatch(protocol) else "",
            "LOT_SESSION": self.grant.session_id or "",
            "LOT_BRANCH": self.grant.branch or "",
        }
        # A body of unknown length (chunked) is read to its end when the variable is absent.
        if length := headers.get("content-length"):
            variables["CONTENT_LENGTH"] = length
        return git_environment(variables | self._config())

    def _config(self) -> dict[str, str]:
        """Return git's settings for this request: what may be pushed at all, and which refs do not exist for it."""
        session = self.grant.session_id
        settings = [
            ("http.receivepack", "true" if session else "false"),
            ("http.getanyfile", "false"),
            ("transfer.hideRefs", "refs/lot"),
        ]
        if session:
            settings.append(("transfer.hideRefs", f"!refs/lot/{session}"))
        named = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(settings)}
        values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(settings)}
        return {"GIT_CONFIG_COUNT": str(len(settings)), **named, **values}


async def _serve(cgi: _Cgi, receive: Receive, send: Send, time_limit_s: float) -> None:
    """Run one request; git is ended when the client goes away or the time is over."""
    if cgi.service == _WRITE and cgi.grant.session_id is None:
        raise GitError("this sandbox may not push")
    answer = _Answer(send)
    with anyio.move_on_after(time_limit_s) as scope:
        async with git_process("http-backend", environment=cgi.environment()) as process:
            await _relay(process, receive, answer)
    if scope.cancelled_caught:
        raise answer.error(f"git did not finish within {time_limit_s:g} s and was ended")


async def _relay(process: Process, receive: Receive, answer: "_Answer") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    words = bytearray()
    is_complete = client_is_gone = False
    async with anyio.create_task_group() as tasks:

        async def watch(stdin: ByteSendStream) -> None:
            nonlocal client_is_gone
            await _feed(receive, stdin)
            client_is_gone = True
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch, process.stdin)
        tasks.start_soon(_drain, process.stderr, words)
        is_complete = await answer.send_all(process.stdout)
        with anyio.move_on_after(_LAST_STEPS_S):
            await process.wait()
        tasks.cancel_scope.cancel()
    if not (is_complete or client_is_gone):
        raise answer.error(f"git failed: {words.decode(errors='replace').strip() or 'it said nothing'}")


async def _feed(receive: Receive, stdin: ByteSendStream) -> None:
    """Pass the request's body on; return when the client has gone away."""
    is_open = True
    while (message := await receive())["type"] == "http.request":
        try:
            if is_open and message.get("body"):
                await stdin.send(message["body"])
            if is_open and not message.get("more_body"):
                await stdin.aclose()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            is_open = False  # git ended without reading everything; its answer tells why.


async def _drain(stream: ByteReceiveStream, into: bytearray) -> None:
    async for chunk in stream:
        into += chunk
        del into[:-_MAX_WORDS_BYTES]


class _Answer:
    """Turns what a CGI program writes into an HTTP answer, as it comes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False

    async def send_all(self, stdout: ByteReceiveStream) -> bool:
        """Return whether there was an answer at all."""
        head, body = await _read_head(stdout)
        if head is None:
            return False
        await self._begin(head)
        if body:
            await self._send(_body(body))
        while chunk := await _receive(stdout):
            await self._send(_body(chunk))
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    def error(self, words: str) -> Exception:
        """Return what to raise: an answer that has begun can only be broken off."""
        return ConnectionAbortedError(words) if self._has_begun else GitError(words)

    async def _begin(self, head: bytes) -> None:
        status = HTTPStatus.OK.value
        headers: list[tuple[bytes, bytes]] = []
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"status":
                status = int(value.split()[0])
            else:
                headers.append((name.lower().strip(), value.strip()))
        self._has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def _body(chunk: bytes) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


async def _read_head(stdout: ByteReceiveStream) -> tuple[bytes | None, bytes]:
    """Return the header lines and what has been read after them; None when the program ended before their end."""
    read = b""
    while b"\r\n\r\n" not in read and len(read) < _MAX_HEADER_BYTES:
        chunk = await _receive(stdout)
        if not chunk:
            return None, b""
        read += chunk
    head, _, body = read.partition(b"\r\n\r\n")
    return head, body


async def _receive(stream: ByteReceiveStream) -> bytes:
    try:
        return await stream.receive(_CHUNK_BYTES)
    except anyio.EndOfStream:
        return b""
