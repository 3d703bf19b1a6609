"""From a token to a merged pull request: everything over a mock of GitHub; only sandboxes are not real."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from forge_hosts import commit_file, git, new_repository
from github_description import Description
from github_mock import TOKEN, MockGitHub, serving

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.broker.mirror import Mirrors
from lot.core.ids import ProjectId
from lot.engine.parts import Parts
from lot.forge.hosts import StoredHosts
from lot.runner.protocol import PublishOrder
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

pytestmark = pytest.mark.anyio


@dataclass
class Stage:
    """A server, GitHub, and a user's hands."""

    lot: Rig
    github: MockGitHub
    http: httpx.AsyncClient
    mirrors: Mirrors
    folder: Path

    async def send(self, path: str, **body: object) -> httpx.Response:
        return await self.http.post(f"/api/{path}", json=body)

    async def session(self) -> tuple[str, str]:
        """Return ids of a project of the account and of its session."""
        project = (await self.send("projects", source="ada/sample", account="ada")).json()
        found = await self.lot.parts.store.get_project(project["id"])

        async def is_ready() -> bool:
            return await self.lot.parts.store.current_snapshot(found.id) is not None

        await self.lot.eventually(is_ready)
        session = await self.lot.session(found, "work")
        self.lot.world.commit = lambda order: self.commit(found.id, order)
        return project["id"], session.id

    def commit(self, project: ProjectId, order: PublishOrder) -> str:
        """Commit and push to the mirror, as a runner does."""
        work, mirror = self.folder / "work", self.mirrors.repository(project)
        if not work.exists():
            git(self.folder, "clone", "--quiet", str(mirror), str(work))
        commit = commit_file(work, f"{len(self.lot.world.published)}\n", "a.txt")
        git(mirror, "fetch", "--quiet", str(work), f"HEAD:refs/heads/{order.branch}")
        return commit


@pytest.fixture
async def stage(github_description: Description, tmp_path: Path) -> AsyncIterator[Stage]:
    new_repository(tmp_path)
    made: list[Mirrors] = []

    def change(parts: Parts) -> Parts:
        hosts = StoredHosts(parts.store, parts.now)
        mirrors = Mirrors(tmp_path / "mirrors", hosts.credential_of)
        made.append(mirrors)
        return replace(parts, hosts=hosts, mirrors=mirrors, forge_of=lambda project: hosts.forge_of(project, mirrors))

    with serving(MockGitHub(github_description, tmp_path)) as github:
        async with rig(tmp_path / "data", World(), change=change) as lot:
            app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
            headers = {"Authorization": "Bearer t"}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://localhost:7070", headers=headers
            ) as http:
                stage = Stage(lot, github, http, made[0], tmp_path)
                assert (await stage.send("git-accounts", token=TOKEN, url=github.url)).status_code == 201
                yield stage


async def test_project_of_an_account_gets_its_pull_requests_and_follows_what_others_do(stage: Stage) -> None:
    project, session = await stage.session()
    opened = (await stage.send(f"sessions/{session}/pull-request")).json()
    assert (opened["number"], opened["url"]) == (11, f"{stage.github.url}/ada/sample/pull/11")
    updated = (await stage.send(f"sessions/{session}/pull-request")).json()
    assert (updated["number"], len(stage.github.pulls)) == (11, 1)
    assert updated["head_commit"] != opened["head_commit"]
    assert stage.lot.world.published[-1].author_name == "Ada Lovelace"

    git(stage.folder / "host", "merge", "--quiet", "--no-ff", "--message", "by hand", opened["branch"])
    shown = (await stage.http.get(f"/api/projects/{project}/pull-requests/11")).json()
    assert shown["state"] == "merged"
    again = (await stage.send(f"sessions/{session}/pull-request")).json()
    assert (again["number"], again["branch"], again["state"]) == (12, f"{opened['branch']}--2", "open")
    merged = (await stage.send(f"projects/{project}/pull-requests/12/merge")).json()
    assert merged["state"] == "merged"
    assert git(stage.folder / "host", "show", "main:a.txt") == "3"
    assert (await stage.http.get(f"/api/projects/{project}/pull-requests/12/patch")).text.count("diff --git") == 1


async def test_revoked_token_is_mended_by_connecting_the_account_again(stage: Stage) -> None:
    _, session = await stage.session()
    stage.github.tokens = {"ghp_new"}
    refused = await stage.send(f"sessions/{session}/pull-request")
    assert (refused.status_code, refused.json()["code"]) == (502, "git.account_refused")
    assert TOKEN not in refused.text
    assert (await stage.send("git-accounts", token="ghp_new", url=stage.github.url)).status_code == 201
    opened = await stage.send(f"sessions/{session}/pull-request")
    assert opened.json()["number"] == 11
