"""Pull requests without a git host: the branch is pushed to the project's source, and the store keeps the record.

Works with any git remote, such as a folder on the same machine.
"""

from typing import Protocol

from lot.core.errors import NothingToDoError
from lot.core.ids import ProjectId
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.forge import ForgePullRequest, PullRequestRequest


class ProjectMirrors(Protocol):
    """What a local forge needs of the projects' mirrors; see `broker.mirror.Mirrors`."""

    async def fetch(self, project_id: ProjectId) -> str: ...
    async def push_branch(self, project_id: ProjectId, branch: str) -> str: ...
    async def merge(self, project_id: ProjectId, branch: str, base: str) -> str: ...
    async def is_merged(self, project_id: ProjectId, commit: str, base: str) -> bool: ...
    async def patch(self, project_id: ProjectId, base: str, commit: str) -> str: ...


class LocalForge:
    """Implements `Forge` on a project's mirror and its source."""

    def __init__(self, mirrors: ProjectMirrors, project: Project) -> None:
        self._mirrors, self._project = mirrors, project

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch to the source; the store numbers the pull request.

        Raises:
            NothingToDoError: the base branch has everything already. GitError: the push was refused.
        """
        if await self._mirrors.is_merged(self._project.id, request.head_commit, request.base_branch):
            raise NothingToDoError(f"{request.base_branch} has everything of {request.branch} already")
        commit = await self._mirrors.push_branch(self._project.id, request.branch)
        return self._told(0, PullRequestState.OPEN, commit)

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits to the source."""
        commit = await self._mirrors.push_branch(self._project.id, pull_request.branch)
        return self._told(pull_request.number, pull_request.state, commit)

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its state: the recorded one, or merged when somebody merged the branch at the source."""
        state = pull_request.state
        if state is PullRequestState.OPEN:
            await self._mirrors.fetch(self._project.id)
            if await self._mirrors.is_merged(self._project.id, pull_request.head_commit, pull_request.base_branch):
                state = PullRequestState.MERGED
        return self._told(pull_request.number, state, pull_request.head_commit)

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes against the point where it left its base, also after it was merged."""
        return await self._mirrors.patch(self._project.id, pull_request.base_branch, pull_request.head_commit)

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Merge the branch into its base branch at the source; merging again does nothing.

        Raises:
            NothingToDoError: it was closed. GitError: it conflicts or the source refuses; nothing was changed.
        """
        if pull_request.state is PullRequestState.CLOSED:
            raise NothingToDoError(f"pull request {pull_request.number} is closed; open a new one from its session")
        if pull_request.state is PullRequestState.OPEN:
            await self._mirrors.merge(self._project.id, pull_request.branch, pull_request.base_branch)
        return self._told(pull_request.number, PullRequestState.MERGED, pull_request.head_commit)

    def _told(self, number: int, state: PullRequestState, head_commit: str) -> ForgePullRequest:
        url = f"/projects/{self._project.id}/pull-requests/{number}"
        return ForgePullRequest(number=number, url=url, state=state, head_commit=head_commit)
