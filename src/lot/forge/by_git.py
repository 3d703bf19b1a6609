"""What forges do by git alone, whatever the host's API can do."""

from dataclasses import dataclass

from lot.core.errors import NothingToDoError
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.forge import ForgePullRequest, ProjectMirrors, PullRequestRequest, PushedBranch


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

    async def update(self, pull_request: PullRequest) -> ForgePullRequest:
        """Bring a branch's new commits to the source, where git knows nothing more of its pull request."""
        pushed = await self.push(pull_request.branch)
        return told(pull_request, pull_request.state, pushed.commit)

    async def read(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return a pull request as recorded, or as merged when the branch is in its base at the source."""
        state = pull_request.state
        if state is PullRequestState.OPEN:
            await self.mirrors.fetch(self.project.id)
            if await self.mirrors.is_merged(self.project.id, pull_request.head_commit, pull_request.base_branch):
                state = PullRequestState.MERGED
        return told(pull_request, state, pull_request.head_commit)

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes against the point where it left its base, also after it was merged."""
        return await self.mirrors.patch(self.project.id, pull_request.base_branch, pull_request.head_commit)


def told(pull_request: PullRequest, state: PullRequestState, head_commit: str) -> ForgePullRequest:
    """Return a recorded pull request with what git knows of it now."""
    return ForgePullRequest(number=pull_request.number, url=pull_request.url, state=state, head_commit=head_commit)
