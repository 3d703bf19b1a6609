"""The one way in: every request and socket that is not a preview's passes here, and most are refused without sign-in.

A browser's cookie comes along with whatever any page asks, so what is asked by cookie must come from our own pages.
"""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from lot.api.asking import Asking, being_asked
from lot.api.cookies import read_cookie, set_cookie
from lot.api.errors import error_response
from lot.api.origins import Origins
from lot.api.preview_entry import ENTER_PATH
from lot.core.errors import LotError, UnauthenticatedError
from lot.sign_in.parts import Browser
from lot.sign_in.principal import Principal
from lot.sign_in.sign_in import SignIn

CLOSE_SIGNED_OUT = 4401
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
OPEN_PATHS = frozenset(("/api/health", "/api/sign-in", ENTER_PATH))
OPEN_BELOW = ("/api/sign-in/",)
GUARDED_PAGES = ("/api", "/openapi.json", "/docs", "/redoc")
"""All other pages and files are the web application's, the same for everybody."""


class Gate:
    """ASGI middleware: lets in who is signed in, and tells the rest of the application who asks."""

    def __init__(self, app: ASGIApp, *, sign_in: SignIn, origins: Origins) -> None:
        self._app, self._sign_in, self._origins = app, sign_in, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            asking = await self._admit(connection)
            if scope["type"] == "http":
                send = await self._renewing(connection, asking, send)
        except LotError as error:
            await _refuse(error, scope, receive, send)
            return
        with being_asked(asking):
            if scope["type"] == "http" or asking.principal is None:
                await self._app(scope, receive, send)
            elif await self._sign_in.revocations.is_over_before(
                asking.principal.holder, self._app, scope, receive, send
            ):
                await close_quietly(send)

    async def _admit(self, connection: HTTPConnection) -> Asking:
        self._origins.check_host(connection)
        is_secure = self._origins.is_secure(connection)
        principal = await find_principal(connection, self._sign_in, is_secure=is_secure)
        is_by_cookie = principal is not None and principal.browser_session is not None
        # To sign in harms nobody, unless another site's page does it: the browser would be somebody else's then.
        if _can_change(connection) and (is_by_cookie or (principal is None and "origin" in connection.headers)):
            self._origins.check_origin(connection)
        if is_by_cookie and connection.scope["type"] == "http" and _can_change(connection):
            self._origins.check_client(connection)
        if principal is None and not _is_open(connection):
            raise UnauthenticatedError(
                "sign in with a browser, or send `Authorization: Bearer <token>` with a token that you made there; "
                "on Lot's own machine there is one in the file api-token of its data folder"
            )
        address = connection.client.host if connection.client else ""
        return Asking(principal, is_secure, Browser(address, connection.headers.get("user-agent", "")))

    async def _renewing(self, connection: HTTPConnection, asking: Asking, send: Send) -> Send:
        """Return `send`, with the cookie in its answer where the browser session was renewed."""
        session = asking.principal.browser_session if asking.principal else None
        if session is None or not await self._sign_in.recognition.renew(session, asking.browser.address):
            return send
        secret = read_cookie(connection, is_secure=asking.is_secure) or ""
        cookie = (b"set-cookie", set_cookie(secret, is_secure=asking.is_secure).encode())

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                # In front, so that the route's own, as on signing out, counts.
                message = {**message, "headers": [cookie, *message.get("headers", [])]}
            await send(message)

        return send_with_cookie


async def find_principal(connection: HTTPConnection, sign_in: SignIn, *, is_secure: bool) -> Principal | None:
    """Return who asks, by the token in the header, else by the browser's cookie; None when neither is good."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await sign_in.recognition.by_token(token.strip())
    cookie = read_cookie(connection, is_secure=is_secure)
    return await sign_in.recognition.by_cookie(cookie) if cookie else None


async def close_quietly(send: Send) -> None:
    """Close the socket of somebody who was shut out; it may be closed already."""
    try:
        await send({"type": "websocket.close", "code": CLOSE_SIGNED_OUT, "reason": "signed out"})
    except (RuntimeError, OSError):
        return


def _can_change(connection: HTTPConnection) -> bool:
    return connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS


def _is_open(connection: HTTPConnection) -> bool:
    if connection.scope["type"] != "http":
        return False
    path: str = connection.scope["path"]
    if path in OPEN_PATHS or path.startswith(OPEN_BELOW):
        return True
    is_guarded = any(path == page or path.startswith(f"{page}/") for page in GUARDED_PAGES)
    return not is_guarded and connection.scope["method"] in SAFE_METHODS


async def _refuse(error: LotError, scope: Scope, receive: Receive, send: Send) -> None:
    response = error_response(error)
    if scope["type"] == "http":
        await response(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await close_quietly(send)
