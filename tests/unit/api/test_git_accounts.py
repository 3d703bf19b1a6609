"""Git accounts over the API: what is connected, what is refused, and that no secret comes back."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import structlog

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.credentials import AppSecret, TokenSecret
from lot.core.errors import AccountRefusedError
from lot.core.records import PullRequestState
from lot.forge.forge import ForgeCapability
from lot.log import configure_logging
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

SECRET = "ghp_of-this-test"


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
async def http(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, signed in."""
    app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": "Bearer t"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:7070", headers=headers) as client:
        yield client


async def connected(http: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await http.post("/api/git-accounts", json={"kind": "github", "token": SECRET} | changes)


async def test_connected_account_is_listed_without_its_secret(http: httpx.AsyncClient, lot: Rig) -> None:
    answer = await connected(http)
    assert answer.status_code == 201
    listed = await http.get("/api/git-accounts")
    [account] = listed.json()
    assert account == answer.json()
    assert (account["name"], account["author_email"], account["projects"]) == ("ada", "ada@host", [])
    assert SECRET not in answer.text + listed.text
    stored = await lot.parts.store.get_account_secret(account["id"])
    assert isinstance(stored, TokenSecret)
    assert stored.token.get_secret_value() == SECRET
    assert SECRET not in repr(stored)
    files = [path.read_bytes() for path in lot.parts.settings.data_dir.glob("lot.db*")]
    assert files
    assert not any(SECRET.encode() in file for file in files)


async def test_secret_that_the_host_refuses_is_not_stored(http: httpx.AsyncClient, lot: Rig) -> None:
    lot.world.host.refusal = AccountRefusedError("the host refuses it")
    answer = await connected(http)
    assert (answer.status_code, answer.json()["code"]) == (502, "git.account_refused")
    assert (await http.get("/api/git-accounts")).json() == []


async def test_account_of_the_same_name_gets_the_new_secret(http: httpx.AsyncClient, lot: Rig) -> None:
    first = (await connected(http, name="work")).json()
    second = (await connected(http, name="work", token="another", author_name="Grace")).json()
    assert (second["id"], second["author_name"]) == (first["id"], "Grace")
    stored = await lot.parts.store.get_account_secret(first["id"])
    assert isinstance(stored, TokenSecret)
    assert stored.token.get_secret_value() == "another"


async def test_app_is_connected_by_its_key(http: httpx.AsyncClient, lot: Rig) -> None:
    app = {"token": None, "app_id": 1, "installation_id": 2, "private_key": "a key"}
    answer = await connected(http, **app)
    assert answer.status_code == 201
    assert isinstance(await lot.parts.store.get_account_secret(answer.json()["id"]), AppSecret)


async def test_installations_of_an_app_are_told_and_nothing_is_stored(http: httpx.AsyncClient, lot: Rig) -> None:
    given = {"app_id": 1, "private_key": SECRET}
    answer = await http.post("/api/git-accounts/installations", json=given)
    chosen = {"id": 70, "account": "ada", "has_all_repositories": False, "is_suspended": False}
    assert (answer.status_code, answer.json()) == (200, [chosen])
    lot.world.host.refusal = AccountRefusedError("the host knows no such app")
    refused = await http.post("/api/git-accounts/installations", json=given)
    assert (refused.status_code, refused.json()["code"]) == (502, "git.account_refused")
    wrong = await http.post("/api/git-accounts/installations", json=given | {"app_id": "x"})
    assert wrong.status_code == 422
    assert SECRET not in answer.text + refused.text + wrong.text
    assert (await http.get("/api/git-accounts")).json() == []


@pytest.mark.parametrize(
    "changes", [{"token": None}, {"app_id": 1}, {"token": " "}, {"name": "a/b"}, {"token": SECRET * 999}]
)
async def test_wrong_account_is_refused_without_repeating_the_secret(
    http: httpx.AsyncClient, changes: dict[str, object]
) -> None:
    answer = await connected(http, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "input.invalid")
    assert SECRET not in answer.text


async def test_defect_is_logged_without_the_secret(
    http: httpx.AsyncClient, lot: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(*_: object) -> None:
        secret = SECRET
        raise RuntimeError(f"of {len(secret)} letters")

    monkeypatch.setattr(lot.world.host, "identify", fail)
    configure_logging()
    answer = await connected(http)
    structlog.reset_defaults()
    said = capsys.readouterr()
    assert answer.json()["code"] == "internal"
    assert "of 16 letters" in said.out + said.err
    assert SECRET not in answer.text + said.out + said.err


async def test_project_of_an_account_is_mirrored_from_the_hosts_address_with_its_credential(
    http: httpx.AsyncClient, lot: Rig
) -> None:
    account = (await connected(http)).json()
    [granted] = (await http.get("/api/git-accounts/ada/repositories")).json()
    wanted = {"source": granted["full_name"], "account": "ada"}
    project = (await http.post("/api/projects", json=wanted)).json()
    assert (project["name"], project["source"], project["account"]) == ("app", "https://host/ada/app.git", "ada")
    source, credential = lot.world.sources[-1]
    assert source == project["source"]
    assert credential is not None
    assert credential.password.get_secret_value() == "of-the-host"
    refused = await http.delete("/api/git-accounts/ada")
    assert (refused.status_code, refused.json()["message"]) == (
        422,
        "account ada is used by app: delete these projects first",
    )
    assert (await http.get("/api/git-accounts")).json()[0]["projects"] == ["app"]
    await http.delete(f"/api/projects/{project['id']}")
    assert (await http.delete("/api/git-accounts/ada")).status_code == 204
    assert await lot.parts.store.find_secret(f"git-account/{account['id']}") is None


async def test_branches_are_listed_with_the_accounts_credential(http: httpx.AsyncClient, lot: Rig) -> None:
    await connected(http)
    answer = await http.post("/api/repositories/branches", json={"source": "ada/app", "account": "ada"})
    assert answer.json() == {"default": "main", "names": ["main", "release"]}
    source, credential = lot.world.sources[-1]
    assert (source, credential is None) == ("https://host/ada/app.git", False)
    await http.post("/api/repositories/branches", json={"source": "/srv/app"})
    assert lot.world.sources[-1] == ("/srv/app", None)
    refused = await http.post("/api/repositories/branches", json={"source": "ada/other", "account": "ada"})
    assert (refused.status_code, refused.json()["code"]) == (422, "git.repository")
    assert (await http.post("/api/repositories/branches", json={"source": "x", "account": "no"})).status_code == 404


async def test_repository_that_was_not_granted_is_refused(http: httpx.AsyncClient) -> None:
    await connected(http)
    answer = await http.post("/api/projects", json={"source": "ada/other", "account": "ada"})
    assert (answer.status_code, answer.json()["code"]) == (422, "git.repository")
    missing = await http.post("/api/projects", json={"source": "ada/app", "account": "nobody"})
    assert (missing.status_code, "lot account list" in missing.text) == (404, True)


async def test_pull_request_says_its_state_and_whether_lot_can_merge_it(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session(message="work")
    published = (await http.post(f"/api/sessions/{session.id}/pull-request", json={})).json()
    assert (published["state"], published["can_merge"]) == ("open", False)
    lot.world.forge.capabilities = frozenset({ForgeCapability.MERGE})
    address = f"/api/projects/{session.project_id}/pull-requests"
    [listed] = (await http.get(address)).json()
    assert (listed["state"], listed["can_merge"]) == ("open", True)
    lot.world.forge.state = PullRequestState.DRAFT
    shown = (await http.get(f"{address}/{listed['number']}")).json()
    assert (shown["state"], shown["can_merge"]) == ("draft", False)


async def test_checks_and_comments_are_told_where_the_host_has_them(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session(message="work")
    opened = await lot.engine.publish(session.id, None, None)
    address = f"/api/projects/{session.project_id}/pull-requests/{opened.number}"
    refused = await http.get(f"{address}/checks")
    assert (refused.status_code, refused.json()["code"]) == (409, "git.not_supported")
    lot.world.forge.capabilities = frozenset(ForgeCapability)
    [check] = (await http.get(f"{address}/checks")).json()
    [comment] = (await http.get(f"{address}/comments")).json()
    assert (check["name"], check["conclusion"]) == ("tests", "failure")
    assert (comment["author"], comment["path"], comment["line"], comment["body"]) == ("grace", "a.txt", 1, "Why?")
