"""Who may look at a preview, and how a browser comes to it."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sign_in_rig import FROM_PAGE, OPERATOR, ORIGIN, Door, door_to, try_socket
from starlette.requests import HTTPConnection

from lot.api.preview_entry import PreviewEntry, Visitor
from lot.api.tickets import Tickets
from lot.config import Settings
from lot.core.ids import SessionId
from lot.sign_in.sign_in import SignIn
from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World

NAVIGATION = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Dest": "document"}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with rig(tmp_path, World()) as lot:
        yield door_to(lot)


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that somebody is signed in with."""
    async with door.browser() as browser:
        await door.become(browser)
        yield browser


async def preview_cookie(door: Door, shown: dict[str, str], **headers: str) -> str:
    """Return the `Set-Cookie` that a preview's link brings."""
    link = httpx.URL(shown["sign_in_url"])
    async with door.browser(f"http://{link.netloc.decode()}", **headers) as browser:
        let_in = await browser.get(link.raw_path.decode())
    assert let_in.status_code == 303, let_in.text
    assert let_in.headers["referrer-policy"] == "no-referrer"
    return let_in.headers["set-cookie"]


async def test_browser_without_ticket_is_led_through_the_application_and_back(
    door: Door, http: httpx.AsyncClient
) -> None:
    session = await door.lot.session()
    preview = f"http://3000--{session.id}.preview.localhost:7070"
    async with door.browser(preview, **NAVIGATION) as tab:
        away = await tab.get("/shop/a%20b?q=1&r=%26")
        assert away.status_code == 303
        application = httpx.URL(away.headers["location"])
        assert str(application).startswith(f"{ORIGIN}/api/previews/enter?to=")
        back = await http.get(application.raw_path.decode())
        assert back.status_code == 303
        link = httpx.URL(back.headers["location"])
        assert str(link).startswith(f"{preview}/.lot/sign-in?ticket=")
        let_in = await tab.get(link.raw_path.decode())
        assert let_in.headers["location"] == "/shop/a%20b?q=1&r=%26"
        seen = await tab.get(let_in.headers["location"])
        assert seen.headers["x-lot-preview"] == "nothing"


async def test_browser_that_nobody_is_signed_in_with_is_led_to_where_one_signs_in_and_on(door: Door) -> None:
    to = "http://3000--abcdefghij.preview.localhost:7070/a?b=c&d"
    async with door.browser() as browser:
        asked = f"/api/previews/enter?to={quote(to, safe='')}"
        page = httpx.URL((await browser.get(asked)).headers["location"])
        assert page.path == "/sign-in"
        assert page.params["to"] == asked
        await door.become(browser)
        assert "ticket=" in (await browser.get(page.params["to"])).headers["location"]


@pytest.mark.parametrize("headers", [{}, NAVIGATION | {"Sec-Fetch-Dest": "iframe"}, {"Accept": "application/json"}])
async def test_what_is_no_page_of_its_own_is_told_instead(door: Door, headers: dict[str, str]) -> None:
    async with door.browser("http://3000--abcdefghij.preview.localhost:7070", **headers) as browser:
        refused = await browser.get("/")
        assert (refused.status_code, refused.headers["x-lot-preview"]) == (401, "sign_in")


@pytest.mark.parametrize(
    "to",
    [
        "",
        "/",
        "http://evil.example/",
        "javascript:alert(1)//3000--abcdefghij.preview.localhost",
        "http://3000--abcdefghij.preview.localhost:7070@evil.example/",
        "http://3000--abcdefghij.preview.localhost.evil.example/",
        "http://evil.example\\.3000--abcdefghij.preview.localhost/",
        "//3000--abcdefghij.preview.localhost/",
    ],
)
async def test_application_leads_to_no_other_place(http: httpx.AsyncClient, to: str) -> None:
    assert (await http.get("/api/previews/enter", params={"to": to})).status_code == 422


async def test_ticket_goes_to_our_own_port_whatever_the_address_says(http: httpx.AsyncClient) -> None:
    led = await http.get("/api/previews/enter", params={"to": "https://3000--abcdefghij.preview.localhost:1/x"})
    assert led.headers["location"].startswith("http://3000--abcdefghij.preview.localhost:7070/.lot/sign-in?")


@pytest.mark.parametrize(
    ("to", "location"),
    [("/a?b", "/a?b"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("/\t/evil.example", "/"), ("x:y", "/")],
)
async def test_link_leads_to_no_other_origin(door: Door, http: httpx.AsyncClient, to: str, location: str) -> None:
    led = await http.get("/api/previews/enter", params={"to": "http://3000--abcdefghij.preview.localhost:7070/"})
    link = httpx.URL(led.headers["location"]).copy_set_param("to", to)
    async with door.browser(f"http://{link.netloc.decode()}") as browser:
        assert (await browser.get(link.raw_path.decode())).headers["location"] == location


@pytest.mark.parametrize("way", ["sign out", "revoke"])
async def test_preview_ends_with_the_browser_session_that_it_was_opened_from(
    door: Door, http: httpx.AsyncClient, way: str
) -> None:
    session = await door.lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}")).json()["preview"]
    cookie = (await preview_cookie(door, shown)).partition(";")[0]
    async with door.browser(shown["url"], Cookie=cookie) as tab:
        assert (await tab.get("/")).headers["x-lot-preview"] == "nothing"
        if way == "sign out":
            await http.post("/api/sign-out", headers=FROM_PAGE)
        else:
            [own] = (await http.get("/api/browser-sessions")).json()
            await http.delete(f"/api/browser-sessions/{own['id']}", headers=FROM_PAGE)
        assert (await tab.get("/")).headers["x-lot-preview"] == "sign_in"
        link = httpx.URL(shown["sign_in_url"]).raw_path.decode()
        assert (await tab.get(link)).status_code == 401


async def test_preview_of_a_program_ends_with_its_token(door: Door, http: httpx.AsyncClient) -> None:
    session = await door.lot.session()
    made = (await http.post("/api/tokens", json={"name": "ci"}, headers=FROM_PAGE)).json()
    program = {"Authorization": f"Bearer {made['token']}"}
    shown = (await http.get(f"/api/sessions/{session.id}", headers=program)).json()["preview"]
    cookie = (await preview_cookie(door, shown)).partition(";")[0]
    async with door.browser(shown["url"]) as browser:
        for headers in (program, {"Cookie": cookie}):
            assert (await browser.get("/", headers=headers)).headers["x-lot-preview"] == "nothing"
        await http.delete(f"/api/tokens/{made['id']}", headers=FROM_PAGE)
        for headers in (program, {"Cookie": cookie}):
            assert (await browser.get("/", headers=headers)).headers["x-lot-preview"] == "sign_in"


async def test_apps_of_a_session_may_ask_each_other_and_those_of_others_may_not(
    door: Door, http: httpx.AsyncClient
) -> None:
    session = await door.lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}")).json()["preview"]
    cookie = (await preview_cookie(door, shown)).partition(";")[0]
    host = httpx.URL(shown["url"]).netloc.decode()
    allowed = [shown["url"].rstrip("/"), f"http://8000--{session.id}.preview.localhost:7070"]
    refused = ["null", ORIGIN, "http://3000--otherother.preview.localhost:7070", "http://evil.example"]
    async with door.browser(shown["url"], Cookie=cookie) as tab:
        for origin, kind in [(each, "nothing") for each in allowed] + [(each, "forbidden") for each in refused]:
            answer = await tab.post("/", headers={"Origin": origin})
            assert answer.headers["x-lot-preview"] == kind, origin
    for origin in [*refused, None]:
        headers = {"host": host, "cookie": cookie} | ({} if origin is None else {"origin": origin})
        assert (await try_socket(door.app, "/", **headers))["code"] == 4401
    # Let in: it is the app that does not answer.
    assert (await try_socket(door.app, "/", host=host, cookie=cookie, origin=allowed[0]))["code"] == 1014
    assert (await try_socket(door.app, "/", host=host, authorization=OPERATOR["Authorization"]))["code"] == 1014


@pytest.mark.parametrize(
    ("dest", "site", "end"),
    [
        ("document", "cross-site", "SameSite=Lax"),
        ("iframe", "same-site", "SameSite=Lax"),
        ("iframe", "cross-site", "SameSite=None; Secure; Partitioned"),
    ],
)
async def test_cookie_reaches_the_frame_of_the_application(
    door: Door, http: httpx.AsyncClient, dest: str, site: str, end: str
) -> None:
    session = await door.lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}")).json()["preview"]
    cookie = await preview_cookie(door, shown, **{"Sec-Fetch-Dest": dest, "Sec-Fetch-Site": site})
    assert cookie.endswith(f"; Max-Age=2592000; Path=/; HttpOnly; {end}")


async def test_behind_a_proxy_with_tls_previews_are_reached_as_the_application_is(tmp_path: Path) -> None:
    async with rig(tmp_path, World(), public_url="https://lot.example.org", preview_domain="p.example.org") as lot:
        door = door_to(lot)
        session = await lot.session()
        async with door.browser("http://lot.example.org", **OPERATOR) as program:
            shown = (await program.get(f"/api/sessions/{session.id}")).json()["preview"]
        assert shown["url"] == f"https://3000--{session.id}.p.example.org/"
        assert (await preview_cookie(door, shown)).endswith("SameSite=Lax; Secure")


@pytest.mark.parametrize(("has_token", "authorization"), [(True, []), (False, [b"Bearer of the app"])])
async def test_nothing_of_ours_reaches_the_app(door: Door, has_token: bool, authorization: list[bytes]) -> None:
    parts = door.lot.parts
    entry = PreviewEntry(Tickets(bytes(32)), SignIn(parts.store, parts.now, "t", Settings()), Settings())
    cookie = b"a=1; lot_preview=x; __Host-lot_session=y; lot_session=z; lot_session_of_the_app=2"
    headers = [(b"host", b"h"), (b"authorization", b"Bearer of the app"), (b"cookie", cookie)]
    connection = HTTPConnection({"type": "http", "headers": headers})
    kept = entry.clean_headers(Visitor("operator", has_token=has_token), connection)
    assert [value for name, value in kept if name == b"authorization"] == authorization
    assert dict(kept)[b"cookie"] == b"a=1; lot_session_of_the_app=2"
    assert entry.find_target("3000--ABCDEF.preview.localhost") == (3000, SessionId("abcdef"))
