"""What every forge must do, run against each of them. A new git host is one more `Host` in `HOSTS`."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lot.broker.mirror import Mirrors
from lot.core.errors import GitError, NothingToDoError
from lot.core.ids import ProjectId, PullRequestId
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.forge import Forge, PullRequestRequest
from lot.forge.local import LocalForge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = Project(
    id=ProjectId("p1"), name="sample", source="", branch="main", setup_command=None, dev_command=None, port=None,
    size="small", created_at=NOW,
)  # fmt: skip
BRANCH = "lot/fix-s1"

HOSTS: dict[str, Callable[[Mirrors], Forge]] = {"local": lambda mirrors: LocalForge(mirrors, PROJECT)}


def git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class World:
    """A git host's repository, the mirror of it, and the forge between them."""

    host: Path
    mirrors: Mirrors
    forge: Forge

    def commit(self, text: str, *, at: Path | None = None, name: str = "a.txt") -> str:
        folder = at or self.host
        (folder / name).write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", text)
        return git(folder, "rev-parse", "HEAD")

    def push(self, text: str, *, branch: str = BRANCH) -> str:
        """Put a commit on a branch of the mirror, as a session does."""
        mirror = self.mirrors.repository(PROJECT.id)
        work = self.host.parent / "work"
        if not work.exists():
            git(self.host, "clone", "--quiet", str(mirror), str(work))
        commit = self.commit(text, at=work)
        git(mirror, "fetch", "--quiet", str(work), f"HEAD:refs/heads/{branch}")
        return commit

    async def opened(self, head_commit: str) -> PullRequest:
        told = await self.forge.open_pull_request(
            PullRequestRequest(
                title="Fix", body="It was broken.", base_branch="main", branch=BRANCH, head_commit=head_commit
            )
        )
        return PullRequest(
            id=PullRequestId("r1"), project_id=PROJECT.id, session_id=None, number=told.number or 1, title="Fix",
            body="It was broken.", base_branch="main", branch=BRANCH, head_commit=told.head_commit, state=told.state,
            url=told.url, created_at=NOW, updated_at=NOW,
        )  # fmt: skip


@pytest.fixture(params=HOSTS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    host = tmp_path / "host"
    host.mkdir()
    git(host, "init", "--quiet", "--initial-branch=main")
    mirrors = Mirrors(tmp_path / "mirrors")
    made = World(host, mirrors, HOSTS[request.param](mirrors))
    made.commit("one\n")
    await mirrors.create(PROJECT.id, str(host), None)
    return made


async def test_opened_pull_request_has_its_branch_on_the_host(world: World) -> None:
    head = world.push("two\n")
    opened = await world.opened(head)
    assert (opened.state, opened.head_commit) == (PullRequestState.OPEN, head)
    assert opened.url
    assert git(world.host, "rev-parse", BRANCH) == head


async def test_update_brings_new_commits_to_the_same_branch(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    head = world.push("three\n")
    updated = await world.forge.update_pull_request(opened, head)
    assert (updated.number, updated.head_commit, updated.state) == (opened.number, head, PullRequestState.OPEN)
    assert git(world.host, "rev-parse", BRANCH) == head


async def test_patch_is_the_branchs_change_before_and_after_the_merge(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    world.commit("elsewhere\n", name="b.txt")
    before = await world.forge.patch(opened)
    assert "-one\n+two\n" in before
    assert "elsewhere" not in before
    merged = await world.forge.merge(opened)
    assert await world.forge.patch(replace(opened, state=merged.state)) == before


async def test_merge_reaches_the_hosts_base_branch(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    assert (await world.forge.merge(opened)).state is PullRequestState.MERGED
    assert git(world.host, "show", "main:a.txt") == "two"
    assert (await world.forge.read_pull_request(opened)).state is PullRequestState.MERGED


async def test_conflict_changes_nothing_and_names_the_next_step(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    before = world.commit("other\n")
    with pytest.raises(GitError, match=r"a\.txt.*then merge again"):
        await world.forge.merge(opened)
    assert git(world.host, "rev-parse", "main") == before
    assert (await world.forge.read_pull_request(opened)).state is PullRequestState.OPEN


async def test_merge_by_somebody_else_is_noticed(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    git(world.host, "merge", "--quiet", "--no-ff", "--message", "by hand", BRANCH)
    assert (await world.forge.read_pull_request(opened)).state is PullRequestState.MERGED


async def test_closed_pull_request_stays_closed(world: World) -> None:
    opened = replace(await world.opened(world.push("two\n")), state=PullRequestState.CLOSED)
    assert (await world.forge.read_pull_request(opened)).state is PullRequestState.CLOSED
    with pytest.raises(NothingToDoError, match="is closed"):
        await world.forge.merge(opened)


async def test_nothing_new_opens_nothing(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    await world.forge.merge(opened)
    with pytest.raises(NothingToDoError):
        await world.opened(opened.head_commit)


async def test_refused_push_opens_nothing_and_keeps_the_work(world: World) -> None:
    head = world.push("two\n")
    hook = world.host / ".git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'you may not push here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="you may not push here"):
        await world.opened(head)
    assert await world.mirrors.head(PROJECT.id, BRANCH) == head


async def test_push_is_never_forced(world: World) -> None:
    opened = await world.opened(world.push("two\n"))
    git(world.host, "switch", "--quiet", BRANCH)
    theirs = world.commit("by hand\n", name="b.txt")
    with pytest.raises(GitError):
        await world.forge.update_pull_request(opened, world.push("three\n"))
    assert git(world.host, "rev-parse", BRANCH) == theirs
