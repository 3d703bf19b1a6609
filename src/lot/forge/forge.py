"""What Lot asks of a git host: the protocols that every one implements, and their value types."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lot.core.credentials import AccountSecret, AppKey, GitCredential
from lot.core.ids import ProjectId
from lot.core.records import GitAccount, Project, PullRequest, PullRequestState


class ForgeCapability(StrEnum):
    """What not every forge can do; asked for before it is used."""

    MERGE = "merge"
    CHECKS = "checks"
    REVIEW_COMMENTS = "review_comments"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestRequest:
    """A pull request to open for a branch that has been pushed to the mirror."""

    title: str
    body: str
    base_branch: str
    branch: str
    head_commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgePullRequest:
    """A pull request as the git host tells it."""

    number: int
    """0: the store gives it the next number of the project, because the host has no numbers or tells none."""
    url: str
    """Empty: it has no page but Lot's own."""
    state: PullRequestState
    head_commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a program says of a pull request's newest commit."""

    name: str
    status: str
    """queued, in_progress or completed; hosts have some more."""
    conclusion: str | None
    """success, failure, neutral, cancelled, skipped, timed_out or action_required; None before it is completed."""
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """What a reviewer says of a line, or of a file."""

    author: str
    path: str
    line: int | None
    """In the new version of the file; None when it is about the whole file, or the line is gone."""
    body: str
    url: str


class PushedBranch(Protocol):
    """A branch as the source has it now; see `broker.mirror.PushedBranch`."""

    @property
    def commit(self) -> str: ...
    @property
    def said(self) -> str: ...


class ProjectMirrors(Protocol):
    """What forges need of the projects' mirrors; see `broker.mirror.Mirrors`."""

    async def fetch(self, project_id: ProjectId) -> str: ...
    async def push_branch(self, project_id: ProjectId, branch: str) -> PushedBranch: ...
    async def merge(self, project_id: ProjectId, branch: str, base: str) -> str: ...
    async def is_merged(self, project_id: ProjectId, commit: str, base: str) -> bool: ...
    async def patch(self, project_id: ProjectId, base: str, commit: str) -> str: ...


class Forge(Protocol):
    """One git host of one project. The mirror already holds the branch; a forge brings it to the host.

    Every method raises `HostUnreachableError`, `AccountRefusedError` or `RateLimitedError` (all are `GitError`) where
    the host has a say; the work is kept, and the same call may be made again.
    """

    @property
    def capabilities(self) -> frozenset[ForgeCapability]:
        """What it can do beside opening, updating and reading."""

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch (never forced) and open a pull request; one that is open for the branch already is adopted.

        Raises:
            GitError: the push was refused, with the host's words; nothing was opened. Or it was pushed and nothing
                could be opened: the next call goes on from there.
            NothingToDoError: the base branch has everything already.
        """

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits to the same pull request."""

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its present state on the host."""

    async def patch(self, pull_request: PullRequest) -> str:
        """Return the pull request's change as a patch."""

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Merge it into its base branch; needs `MERGE`.

        Raises:
            NothingToDoError: it was closed.
            GitError: it conflicts or the host refuses; nothing was changed. The message names the next step.
        """

    async def list_checks(self, pull_request: PullRequest) -> list[Check]:
        """Return the checks of its newest commit; needs `CHECKS`."""

    async def list_review_comments(self, pull_request: PullRequest) -> list[ReviewComment]:
        """Return what reviewers wrote at its lines; needs `REVIEW_COMMENTS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostIdentity:
    """Who an account is at its host."""

    login: str
    author_name: str
    author_email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRepository:
    """A repository that an account was granted."""

    full_name: str
    """As the host shows it: `owner/name`."""
    clone_url: str
    default_branch: str
    is_private: bool
    can_push: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInstallation:
    """One place where an app is installed."""

    id: int
    account: str
    """The user or organisation whose repositories it was granted."""
    has_all_repositories: bool
    """Whether it was granted all of them, or chosen ones."""
    is_suspended: bool


class GitHost(Protocol):
    """One git account at its host. Every method raises what `Forge` raises."""

    async def identify(self) -> HostIdentity:
        """Ask the host who this is."""

    async def list_repositories(self) -> list[HostRepository]:
        """Return the granted repositories, those used last first; at most 1000."""

    async def get_repository(self, name: str) -> HostRepository:
        """Return a repository by its full name, or by its address.

        Raises:
            RepositoryError: it does not exist, or was not granted.
        """

    async def credential(self) -> GitCredential:
        """Return what git is to answer; good for some minutes at least."""

    def forge(self, project: Project, mirrors: ProjectMirrors) -> Forge:
        """Return the forge of a project that was made with this account."""

    @property
    def url(self) -> str:
        """The host's web address."""


class GitHosts(Protocol):
    """Git hosts by account; see `forge.hosts.StoredHosts`."""

    def connect(self, kind: str, url: str | None, secret: AccountSecret) -> GitHost:
        """Return the host for a secret that is not stored yet.

        Raises:
            InvalidInputError: there is no such kind of host, or what was given cannot be used.
        """

    async def get_host(self, account: GitAccount) -> GitHost:
        """Return the host of a stored account."""

    async def list_installations(self, kind: str, url: str | None, app: AppKey) -> list[HostInstallation]:
        """Return where an app is installed.

        Raises:
            InvalidInputError: there is no such kind of host, or what was given cannot be used.
            GitError: the host refuses the key, or does not answer.
        """
