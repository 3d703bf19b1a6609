"""What Lot asks of a git host: the protocol that every forge implements, and its value types."""

from dataclasses import dataclass
from typing import Protocol

from lot.core.records import PullRequest, PullRequestState


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
    """0: the store gives it the next number of the project (local forge)."""
    url: str
    state: PullRequestState
    head_commit: str


class Forge(Protocol):
    """One git host of one project. The mirror already holds the branch; a forge brings it to the host."""

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch (never forced) and open a pull request.

        Raises:
            GitError: the push was refused, with the host's words; nothing was opened.
        """

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits to the same pull request."""

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its present state on the host."""

    async def patch(self, pull_request: PullRequest) -> str:
        """Return the pull request's change as a patch."""

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Merge it into its base branch.

        Raises:
            GitError: it conflicts or the host refuses; nothing was changed. The message names the next step.
        """
