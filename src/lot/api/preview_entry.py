"""Who may look at a preview: whoever has the cookie of that one origin, which a signed ticket sets, or a token.

Both end with the browser session or token that they were given to.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from lot.api.cookies import COOKIE as SESSION_COOKIE
from lot.api.cookies import SECURE_COOKIE as SECURE_SESSION_COOKIE
from lot.api.preview_pages import page
from lot.api.tickets import COOKIE, COOKIE_S, TICKET_S, Tickets
from lot.config import Settings
from lot.core.errors import InvalidInputError
from lot.core.ids import SessionId
from lot.core.web_origin import WebOrigin
from lot.sign_in.sign_in import SignIn

SIGN_IN_PATH = "/.lot/sign-in"
ENTER_PATH = "/api/previews/enter"
_OURS = tuple(f"{name}=".encode() for name in (COOKIE, SESSION_COOKIE, SECURE_SESSION_COOKIE))
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a preview."""

    holder: str
    """As `Principal.holder`."""
    has_token: bool
    """Whether it is a program with a token, rather than a browser with the cookie."""


class PreviewEntry:
    """Knows the hosts of previews, and lets in."""

    def __init__(self, tickets: Tickets, sign_in: SignIn, settings: Settings) -> None:
        self._tickets, self._sign_in, self._app_origin = tickets, sign_in, settings.app_origin
        domain = re.escape(settings.preview_domain)
        self._host = re.compile(rf"(\d{{1,5}})--([a-z0-9]{{4,40}})\.{domain}", re.IGNORECASE)

    def find_target(self, host: str) -> tuple[int, SessionId] | None:
        """Return the port and session that a host leads to; None when it is no preview's."""
        match = self._host.fullmatch(host)
        return None if match is None else (int(match[1]), SessionId(match[2].lower()))

    async def find_visitor(self, connection: HTTPConnection) -> Visitor | None:
        """Return who looks at a preview; None when they may not."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (principal := await self._sign_in.recognition.by_token(token.strip())):
            return Visitor(principal.holder, has_token=True)
        holder = self._tickets.find_holder("cookie", host_of(connection), connection.cookies.get(COOKIE, ""))
        if holder is None or not await self._sign_in.revocations.is_alive(holder):
            return None
        return Visitor(holder, has_token=False)

    def is_own_page(self, visitor: Visitor, connection: HTTPConnection, session: SessionId) -> bool:
        """Return whether a request comes from a page of the same session, from the address bar, or from a program.

        To a browser, apps of different sessions are one site: it sends the cookie of one along with what another asks.
        """
        given = connection.headers.get("origin")
        if visitor.has_token or (given is None and connection.scope["type"] == "http"):
            return True
        try:
            target = self.find_target(WebOrigin.parse(given or "").host)
        except InvalidInputError:
            return False
        return target is not None and target[1] == session

    async def let_in(self, request: Request) -> Response:
        """Exchange the ticket of a link for the cookie."""
        host = host_of(request)
        holder = self._tickets.find_holder("link", host, request.query_params.get("ticket", ""))
        if holder is None or not await self._sign_in.revocations.is_alive(holder):
            return page("sign_in", 401, "This link is over; open the preview from Lot again.")
        answer = RedirectResponse(_path(request.query_params.get("to", "/")), 303, headers=_PRIVATE)
        cookie = self._tickets.issue("cookie", host, holder, COOKIE_S)
        attributes = f"Max-Age={COOKIE_S}; Path=/; HttpOnly; {self._same_site(request)}"
        answer.headers.append("Set-Cookie", f"{COOKIE}={cookie}; {attributes}")
        return answer

    def ask_to_sign_in(self, request: Request) -> Response:
        """Lead a browser that opens a preview through the application and back; tell all others that they may not."""
        is_page = request.headers.get("sec-fetch-dest", "document") == "document"
        if request.method != "GET" or not is_page or "text/html" not in request.headers.get("accept", ""):
            return page("sign_in", 401, "Open this preview from Lot: its link signs you in.")
        to = f"{self._app_origin.scheme}://{request.headers['host']}{request.url.path}"
        to = f"{to}?{request.url.query}" if request.url.query else to
        return RedirectResponse(f"{self._app_origin}{ENTER_PATH}?to={quote(to, safe='')}", 303, headers=_PRIVATE)

    def lead_back(self, to: str, holder: str | None) -> Response:
        """Lead a browser from the application to a preview: signed in there, or first to the page where one signs in.

        Raises:
            InvalidInputError: `to` is no address of a preview here.
        """
        match = re.match(r"(https?://[^/?#\\\s]+)([/?].*)?", to, re.DOTALL)
        origin = WebOrigin.parse(match[1]) if match else None
        if match is None or origin is None or self.find_target(origin.host) is None:
            raise InvalidInputError("`to` is no address of a preview")
        if holder is None:
            back = f"{ENTER_PATH}?to={quote(to, safe='')}"
            return RedirectResponse(f"/sign-in?to={quote(back, safe='')}", 303, headers=_PRIVATE)
        ticket = self._tickets.issue("link", origin.host, holder, TICKET_S)
        address = f"{self._app_origin.with_host(origin.host)}{SIGN_IN_PATH}?ticket={ticket}"
        return RedirectResponse(f"{address}&to={quote(match[2] or '/', safe='')}", 303, headers=_PRIVATE)

    def clean_headers(self, visitor: Visitor, connection: HTTPConnection) -> list[tuple[bytes, bytes]]:
        """Return a request's headers without our own cookies and token, which no sandbox may see."""
        kept: list[tuple[bytes, bytes]] = []
        for name, value in connection.headers.raw:
            if name == b"authorization" and visitor.has_token:
                continue
            if name == b"cookie":
                value = b"; ".join(part for part in value.split(b"; ") if not part.startswith(_OURS))
                if not value:
                    continue
            kept.append((name, value))
        return kept

    def _same_site(self, request: Request) -> str:
        """Return how far the cookie goes: to the application's frame, too, where a browser takes that for another site.

        So it does for `localhost`. The cookie is then one of that frame alone (`Partitioned`); it needs `Secure`, which
        browsers allow there without TLS.
        """
        fetch = request.headers.get("sec-fetch-dest"), request.headers.get("sec-fetch-site")
        if fetch == ("iframe", "cross-site"):
            return "SameSite=None; Secure; Partitioned"
        return "SameSite=Lax; Secure" if self._app_origin.is_secure else "SameSite=Lax"


def host_of(connection: HTTPConnection) -> str:
    """Return the host that a request names, in lower case, without its port."""
    return connection.headers.get("host", "").partition(":")[0].lower()


def _path(to: str) -> str:
    """Return a path of the same origin: what browsers could read as another host becomes the root."""
    return to if re.match(r"/(?![/\\])", to) and not re.search(r"[\\\s]", to) else "/"
