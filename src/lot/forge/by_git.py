"""What forges do by git alone, whatever the host's API can do."""

from dataclasses import dataclass

from lot.core.errors import NothingToDoError
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.forge import ProjectMirrors, PullRequestRequest, PushedBranch


@dataclass(frozen=True, slots=True)
class ByGit:
    """A project's mirror and its source."""

    mirrors: ProjectMirrors
    project: Project

    async def push_new(self, request: PullRequestRequest) -> PushedBranch:
        """Push a branch that is to become a pull request.

        Raises:
            NothingToDoError: the base branch has everything already. GitError: the push was refused.
        """
        if await self.mirrors.is_merged(self.project.id, request.head_commit, request.base_branch):
            raise NothingToDoError(f"{request.base_branch} has everything of {request.branch} already")
        return await self.push(request.branch)

    async def push(self, branch: str) -> PushedBranch:
        """Bring a branch's new commits to the source."""
        return await self.mirrors.push_branch(self.project.id, branch)

    async def state(self, pull_request: PullRequest) -> PullRequestState:
        """Return the recorded state, or merged when the branch is in its base at the source."""
        if pull_request.state is PullRequestState.OPEN:
            await self.mirrors.fetch(self.project.id)
            if await self.mirrors.is_merged(self.project.id, pull_request.head_commit, pull_request.base_branch):
                return PullRequestState.MERGED
        return pull_request.state

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes against the point where it left its base, also after it was merged."""
        return await self.mirrors.patch(self.project.id, pull_request.base_branch, pull_request.head_commit)
