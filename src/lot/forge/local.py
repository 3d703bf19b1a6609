"""Pull requests without a git host: the branch is pushed to the project's source, and the store keeps the record.

For repositories in a folder, where Lot may merge as well.
"""

from lot.core.errors import NothingToDoError, NotSupportedError
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.by_git import ByGit, told
from lot.forge.forge import (
    Check,
    ForgeCapability,
    ForgePullRequest,
    ProjectMirrors,
    PullRequestRequest,
    ReviewComment,
)


class LocalForge:
    """Implements `Forge` on a project's mirror and its source."""

    capabilities = frozenset({ForgeCapability.MERGE})

    def __init__(self, mirrors: ProjectMirrors, project: Project) -> None:
        self._mirrors, self._project = mirrors, project
        self._by_git = ByGit(mirrors, project)

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch to the source; the store numbers the pull request.

        Raises:
            NothingToDoError: the base branch has everything already. GitError: the push was refused.
        """
        pushed = await self._by_git.push_new(request)
        return ForgePullRequest(number=0, url="", state=PullRequestState.OPEN, head_commit=pushed.commit)

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits to the source."""
        return await self._by_git.update(pull_request)

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its state: the recorded one, or merged when somebody merged the branch at the source."""
        return await self._by_git.read(pull_request)

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes against the point where it left its base, also after it was merged."""
        return await self._by_git.patch(pull_request)

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Merge the branch into its base branch at the source; merging again does nothing.

        Raises:
            NothingToDoError: it was closed. GitError: it conflicts or the source refuses; nothing was changed.
        """
        if pull_request.state is PullRequestState.CLOSED:
            raise NothingToDoError(f"pull request {pull_request.number} is closed; open a new one from its session")
        if pull_request.state is PullRequestState.OPEN:
            await self._mirrors.merge(self._project.id, pull_request.branch, pull_request.base_branch)
        return told(pull_request, PullRequestState.MERGED, pull_request.head_commit)

    async def list_checks(self, pull_request: PullRequest) -> list[Check]:
        """Refuse: nothing checks a folder."""
        raise NotSupportedError("a repository in a folder has no checks")

    async def list_review_comments(self, pull_request: PullRequest) -> list[ReviewComment]:
        """Refuse: nobody comments in a folder."""
        raise NotSupportedError("a repository in a folder has no review comments")
