"""The web application as it is served: its page at every address of its own, its assets, its headers."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from lot.api.errors import install_error_handlers
from lot.api.web_app import install_web_app

PAGE = "<!doctype html><title>Lot</title>"
SCRIPT = "console.log('lot');"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build leaves."""
    folder = tmp_path / "web_app"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "service-worker.js").write_text(SCRIPT)
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "secret.txt").write_text("not for the web")
    return folder


@pytest.fixture
async def http(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has one route of its own besides."""
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)
    routes = APIRouter()

    @routes.get("/api/health")
    async def health() -> str:
        return "well"

    app.include_router(routes)
    install_web_app(app, preview_domain="preview.localhost", built=built)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/index.html", "/sessions/abc/diff", "/projects/new", "/sign-in?link=x"])
async def test_page_stands_at_every_address_of_the_application(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/api/nosuch", "/assets/gone-123.js", "/openapi.json"])
async def test_what_is_missing_elsewhere_is_missing(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/nosuch", "/sessions/abc"])
async def test_nothing_is_there_for_another_method(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.post(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert path in answer.json()["message"]


async def test_method_that_a_path_does_not_take_is_told(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/health")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["code"] == "method_not_allowed"
    assert "/api/health does not take POST" in answer.json()["message"]


async def test_hashed_assets_are_kept_forever_and_packed(http: httpx.AsyncClient) -> None:
    packed = await http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"].startswith("text/javascript")
    assert "immutable" in packed.headers["cache-control"]
    plain = await http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == SCRIPT


@pytest.mark.parametrize("path", ["/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt"])
async def test_no_path_leads_out_of_the_build(http: httpx.AsyncClient, path: str) -> None:
    assert "not for the web" not in (await http.get(path)).text


async def test_service_worker_is_asked_for_anew_rules_the_whole_origin_and_is_no_page_where_it_is_missing(
    http: httpx.AsyncClient, built: Path
) -> None:
    worker = await http.get("/service-worker.js")
    assert (worker.status_code, worker.text) == (200, SCRIPT)
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in worker.headers["content-security-policy"]
    (built / "service-worker.js").unlink()
    assert (await http.get("/service-worker.js")).status_code == 404


async def test_page_runs_only_our_scripts_and_frames_only_previews(http: httpx.AsyncClient) -> None:
    headers = (await http.get("/sessions/abc")).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-src"] == "*.preview.localhost:*"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


async def test_unbuilt_application_says_how_to_build_it(http: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await http.get("/sessions/abc")
    assert answer.status_code == 503
    assert "make setup" in answer.text


async def test_script_of_the_page_itself_may_run_and_no_other(http: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").write_text("<!doctype html><script>alert(1)</script><script src='/theme.js'></script>")
    page, asset = await http.get("/sessions/abc"), await http.get("/assets/index-abc123.js")
    # Source: `printf 'alert(1)' | openssl dgst -sha256 -binary | base64`
    allowed = "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    assert allowed in page.headers["content-security-policy"].split("; ")
    assert "script-src 'self'" in asset.headers["content-security-policy"].split("; ")
