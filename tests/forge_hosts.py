"""Git hosts as the suite of all forges sees them: a repository, what a session does, and what others do meanwhile."""

import os
import secrets
import subprocess
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from github_mock import MockGitHub
from pydantic import SecretStr

from lot.broker.backoff import Backoff
from lot.broker.mirror import Mirrors
from lot.core.credentials import TokenSecret
from lot.core.ids import ProjectId, PullRequestId
from lot.core.records import Project, PullRequest
from lot.forge.forge import Forge, ForgeCapability, ForgePullRequest, PullRequestRequest
from lot.forge.github_client import DEFAULT_URL
from lot.forge.github_host import GitHubHost
from lot.forge.local import LocalForge
from lot.forge.remote import RemoteForge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = Project(
    id=ProjectId("p1"), name="sample", source="", branch="main", setup_command=None, dev_command=None, port=None,
    size="small", created_at=NOW,
)  # fmt: skip
AT_ONCE = Backoff(attempts=3, first_s=0.0)
RETRIES_S = (0.01, 0.01)


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Run git as the tests' own user would, without any configuration of the machine."""
    base = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=base | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Host:
    """A git host's repository, the mirror of it, and the forge between them. The repository is a folder here."""

    folder: Path
    """With a checkout, `host`, of the host's repository."""
    mirrors: Mirrors
    forge: Forge
    base: str = "main"
    branch: str = "lot/fix-s1"
    can_refuse: bool = True
    """Whether a test may put a hook in."""

    @property
    def host(self) -> Path:
        """The host's repository."""
        return self.folder / "host"

    def head(self, branch: str) -> str:
        """Return a branch's commit at the host."""
        return git(self.host, "rev-parse", branch)

    def show(self, branch: str, file: str) -> str:
        """Return a file at the host."""
        return git(self.host, "show", f"{branch}:{file}")

    def commit_on(self, branch: str, text: str, *, name: str = "a.txt") -> str:
        """Commit by hand at the host."""
        git(self.host, "switch", "--quiet", branch)
        commit = commit_file(self.host, text, name)
        git(self.host, "switch", "--quiet", self.base)
        return commit

    def merge_by_hand(self) -> None:
        """Merge the session's branch at the host, past Lot."""
        git(self.host, "merge", "--quiet", "--no-ff", "--message", "by hand", self.branch)

    def refuse_pushes(self, words: str) -> None:
        """Have the host refuse every push from now on."""
        hook = self.host / ".git" / "hooks" / "pre-receive"
        hook.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{words}\nEND\nexit 1\n")
        hook.chmod(0o755)

    def take_pushes(self) -> None:
        """Have the host take pushes again."""
        (self.host / ".git" / "hooks" / "pre-receive").unlink()

    def push(self, text: str) -> str:
        """Put a commit on the session's branch of the mirror, as a session does."""
        mirror = self.mirrors.repository(PROJECT.id)
        work = self.folder / "work"
        if not work.exists():
            git(self.folder, "clone", "--quiet", "--branch", self.base, str(mirror), str(work))
        commit = commit_file(work, text, "a.txt")
        git(mirror, "fetch", "--quiet", str(work), f"HEAD:refs/heads/{self.branch}")
        return commit

    async def open(self, head_commit: str) -> ForgePullRequest:
        """Open a pull request."""
        return await self.forge.open_pull_request(
            PullRequestRequest(
                title="Fix", body="It was broken.", base_branch=self.base, branch=self.branch, head_commit=head_commit
            )
        )

    async def opened(self, head_commit: str) -> PullRequest:
        """Open a pull request and return the record of it."""
        return self.recorded(await self.open(head_commit))

    def recorded(self, told: ForgePullRequest) -> PullRequest:
        """Return what the store keeps of a pull request."""
        return PullRequest(
            id=PullRequestId("r1"), project_id=PROJECT.id, session_id=None, number=told.number or 1, title="Fix",
            body="It was broken.", base_branch=self.base, branch=self.branch, head_commit=told.head_commit,
            state=told.state, url=told.url, created_at=NOW, updated_at=NOW,
        )  # fmt: skip

    async def merge(self, pull_request: PullRequest) -> PullRequest:
        """Merge a pull request with Lot where it can, else by hand."""
        if ForgeCapability.MERGE in self.forge.capabilities:
            seen = await self.forge.merge(pull_request)
        else:
            self.merge_by_hand()
            seen = await self.forge.read_pull_request(pull_request)
        return replace(pull_request, state=seen.state)

    def clean_up(self) -> None:
        """Leave nothing behind at the host."""


def commit_file(folder: Path, text: str, name: str) -> str:
    """Commit one file."""
    (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", text)
    return git(folder, "rev-parse", "HEAD")


def new_repository(folder: Path) -> None:
    """Make the host's repository, with one commit."""
    host = folder / "host"
    host.mkdir()
    git(host, "init", "--quiet", "--initial-branch=main")
    commit_file(host, "one\n", "a.txt")


async def local_host(folder: Path) -> Host:
    """Return a repository in a folder."""
    new_repository(folder)
    mirrors = Mirrors(folder / "mirrors")
    await mirrors.create(PROJECT.id, str(folder / "host"), None)
    return Host(folder, mirrors, LocalForge(mirrors, PROJECT))


async def remote_host(folder: Path) -> Host:
    """Return a remote that prints a link after each push, as hosts do."""
    new_repository(folder)
    hook = folder / "host" / ".git" / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\necho 'Create a pull request:'\necho '  {LINK}'\n")
    hook.chmod(0o755)
    mirrors = Mirrors(folder / "mirrors")
    await mirrors.create(PROJECT.id, str(folder / "host"), None)
    return Host(folder, mirrors, RemoteForge(mirrors, PROJECT))


LINK = "https://git.example/ada/sample/pull/new/lot/fix-s1"


async def mock_github_host(folder: Path, mock: MockGitHub, token: str) -> Host:
    """Return the repository of a mock, as Lot sees it with a token."""
    github = GitHubHost(mock.url, TokenSecret(token=SecretStr(token)), retries_s=RETRIES_S)
    return await connected(folder, github, "ada/sample")


async def connected(folder: Path, github: GitHubHost, name: str, branch: str | None = None) -> Host:
    """Return a repository of a GitHub account."""
    source = (await github.get_repository(name)).clone_url
    mirrors = Mirrors(folder / "mirrors", lambda _: github.credential(), AT_ONCE)
    await mirrors.create(PROJECT.id, source, branch, credential=await github.credential())
    return Host(folder, mirrors, github.forge(replace(PROJECT, source=source), mirrors))


@dataclass
class LiveHost(Host):
    """A repository at GitHub itself; the tests have branches of their own there, and remove them."""

    remote: str = ""
    """With the token in it; only ever in the tests' own checkout."""
    made: set[str] = field(default_factory=set)

    def head(self, branch: str) -> str:
        git(self.host, "fetch", "--quiet", "--prune", "origin")
        return git(self.host, "rev-parse", f"origin/{branch}")

    def show(self, branch: str, file: str) -> str:
        self.head(branch)
        return git(self.host, "show", f"origin/{branch}:{file}")

    def commit_on(self, branch: str, text: str, *, name: str = "a.txt") -> str:
        git(self.host, "checkout", "--quiet", "--detach", self.head(branch))
        commit = commit_file(self.host, text, name)
        git(self.host, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return commit

    def merge_by_hand(self) -> None:
        git(self.host, "checkout", "--quiet", "--detach", self.head(self.base))
        git(self.host, "merge", "--quiet", "--no-ff", "--message", "by hand", f"origin/{self.branch}")
        git(self.host, "push", "--quiet", "origin", f"HEAD:refs/heads/{self.base}")

    def clean_up(self) -> None:
        listed = git(self.host, "ls-remote", "--heads", "origin", self.base, self.branch)
        there = [line.partition("refs/heads/")[2] for line in listed.splitlines()]
        if there:
            git(self.host, "push", "--quiet", "origin", "--delete", *there)


async def live_github_host(folder: Path, token: str, name: str) -> LiveHost:
    """Return a repository at github.com, with a base branch that holds one commit of its own."""
    mark = secrets.token_hex(4)
    base, branch = f"lot-test-{mark}", f"lot/fix-{mark}"
    new_repository(folder)
    remote = f"https://x-access-token:{token}@github.com/{name}.git"
    git(folder / "host", "remote", "add", "origin", remote)
    git(folder / "host", "push", "--quiet", "origin", f"main:refs/heads/{base}")
    seen = await connected(folder, GitHubHost(DEFAULT_URL, TokenSecret(token=SecretStr(token))), name, base)
    return LiveHost(folder, seen.mirrors, seen.forge, base, branch, can_refuse=False, remote=remote)
