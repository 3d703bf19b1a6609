"""Pull requests at GitHub: the branch by git, everything else through its API."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from githubkit import GitHub
from githubkit.exception import RequestFailed

from lot.core.errors import GitError, NothingToDoError, RepositoryError
from lot.core.records import Project, PullRequest, PullRequestState
from lot.forge.by_git import ByGit
from lot.forge.forge import (
    Check,
    ForgeCapability,
    ForgePullRequest,
    ProjectMirrors,
    PullRequestRequest,
    ReviewComment,
)
from lot.forge.github_errors import our_errors, words_of

MAX_TITLE, MAX_BODY = 256, 65_536
"""What GitHub takes, in characters."""
_PAGE = 100


class GitHubForge:
    """Implements `Forge` for one repository."""

    capabilities = frozenset(ForgeCapability)

    def __init__(
        self, connect: Callable[[], Awaitable[GitHub[Any]]], url: str, mirrors: ProjectMirrors, project: Project
    ) -> None:
        """`connect` returns a client that is signed in; `url` is the host's web address."""
        self._connect, self._where, self._project = connect, httpx.URL(url).netloc.decode(), project
        self._by_git = ByGit(mirrors, project)
        self._mirrors = mirrors
        self._owner, self._repository = _names(project.source)

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch and open a pull request; one that is open for the branch already is adopted."""
        pushed = await self._by_git.push_new(request)
        return await self._create(request, pushed.commit)

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits to the same pull request."""
        pushed = await self._by_git.push(pull_request.branch)
        return await self._read(pull_request.number, pushed.commit)

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its present state; commits that others pushed to its branch count."""
        return await self._read(pull_request.number)

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes, as the mirror has it: GitHub's own patch ends at 300 files."""
        return await self._by_git.patch(pull_request)

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Merge what Lot pushed into the base branch; merging again does nothing.

        Raises:
            NothingToDoError: it was closed. GitError: it conflicts or GitHub refuses; nothing was changed.
        """
        seen = await self._read(pull_request.number)
        if seen.state is PullRequestState.CLOSED:
            raise NothingToDoError(f"pull request {pull_request.number} is closed; open a new one from its session")
        if not seen.state.is_over:
            await self._merge(pull_request, seen.state)
        await self._mirrors.fetch(self._project.id)
        return await self._read(pull_request.number)

    async def list_checks(self, pull_request: PullRequest) -> list[Check]:
        """Return check runs and, as GitHub does, the statuses that older programs set."""
        github, where = await self._connect(), (self._owner, self._repository, pull_request.head_commit)
        with our_errors(self._where, "read its checks"):
            runs = (await github.rest.checks.async_list_for_ref(*where, per_page=_PAGE)).json()
            combined = (await github.rest.repos.async_get_combined_status_for_ref(*where, per_page=_PAGE)).json()
        return [
            Check(
                name=run["name"],
                status=run["status"],
                conclusion=run["conclusion"],
                url=run["html_url"] or run["details_url"] or "",
            )
            for run in runs["check_runs"]
        ] + [_check_of(status) for status in combined["statuses"]]

    async def list_review_comments(self, pull_request: PullRequest) -> list[ReviewComment]:
        """Return what reviewers wrote at its lines, oldest first; at most 100."""
        github = await self._connect()
        with our_errors(self._where, "read its review comments"):
            comments: Any = (
                await github.rest.pulls.async_list_review_comments(
                    self._owner, self._repository, pull_request.number, per_page=_PAGE
                )
            ).json()
        return [
            ReviewComment(
                author=comment["user"]["login"] if comment["user"] else "ghost",
                path=comment["path"],
                line=comment.get("line"),
                body=comment["body"],
                url=comment["html_url"],
            )
            for comment in comments
        ]

    async def _create(self, request: PullRequestRequest, commit: str) -> ForgePullRequest:
        github = await self._connect()
        kept = f"Branch {request.branch} is pushed and the work is kept: `lot session pr` goes on from there"
        with our_errors(self._where, "open the pull request", kept=kept):
            try:
                created = await github.rest.pulls.async_create(
                    self._owner,
                    self._repository,
                    title=request.title[:MAX_TITLE],
                    body=request.body[:MAX_BODY],
                    head=request.branch,
                    base=request.base_branch,
                )
            except RequestFailed as error:
                said = words_of(error)
                if "No commits between" in said:
                    raise NothingToDoError(
                        f"{request.base_branch} has everything of {request.branch} already"
                    ) from error
                found = await self._find_open(github, request.branch) if "already exists" in said else None
                if found is None:
                    raise
                return _told(found, commit)
        return _told(created.json(), commit)

    async def _find_open(self, github: GitHub[Any], branch: str) -> Any:
        listed = await github.rest.pulls.async_list(
            self._owner, self._repository, state="open", head=f"{self._owner}:{branch}", per_page=1
        )
        return next(iter(listed.json()), None)

    async def _read(self, number: int, commit: str | None = None) -> ForgePullRequest:
        """Return a pull request; `commit` is what was pushed just now, which the API may not show at once."""
        github = await self._connect()
        with our_errors(self._where, f"read pull request {number}"):
            return _told((await github.rest.pulls.async_get(self._owner, self._repository, number)).json(), commit)

    async def _merge(self, pull_request: PullRequest, state: PullRequestState) -> None:
        github, number = await self._connect(), pull_request.number
        if state is PullRequestState.DRAFT:
            raise GitError(
                f"pull request {number} is a draft: mark it as ready at {pull_request.url}, then merge again"
            )
        with our_errors(self._where, f"merge pull request {number}"):
            try:
                await github.rest.pulls.async_merge(
                    self._owner, self._repository, number, sha=pull_request.head_commit, merge_method="merge"
                )
            except RequestFailed as error:
                if error.response.status_code not in (405, 409):
                    raise
                raise GitError(_not_merged(pull_request, words_of(error))) from error


def _not_merged(pull_request: PullRequest, said: str) -> str:
    refused = f"pull request {pull_request.number} was not merged ({said}), and nothing was changed."
    if "not mergeable" in said or "onflict" in said:
        base, branch = pull_request.base_branch, pull_request.branch
        return f"{refused} Where {branch} conflicts with {base}, merge {base} into it in a session, then merge again"
    if "Head branch was modified" in said:
        return f"{refused} Somebody pushed to its branch meanwhile: look at {pull_request.url}, then merge it there"
    return f"{refused} Mend this at {pull_request.url}, then merge again"


def _names(source: str) -> tuple[str, str]:
    """Return owner and name of a repository from its address.

    Raises:
        RepositoryError: it is none of GitHub's.
    """
    parts = httpx.URL(source).path.strip("/").removesuffix(".git").split("/")
    if len(parts) != 2:
        raise RepositoryError(f"{source} is no repository at GitHub; create the project again with owner/name")
    return parts[0], parts[1]


def _told(pull_request: Any, commit: str | None) -> ForgePullRequest:
    return ForgePullRequest(
        number=pull_request["number"],
        url=pull_request["html_url"],
        state=_state_of(pull_request),
        head_commit=commit or pull_request["head"]["sha"],
    )


def _state_of(pull_request: Any) -> PullRequestState:
    if pull_request["merged_at"] is not None:
        return PullRequestState.MERGED
    if pull_request["state"] != "open":
        return PullRequestState.CLOSED
    return PullRequestState.DRAFT if pull_request.get("draft", False) else PullRequestState.OPEN


def _check_of(status: Any) -> Check:
    """Return a commit status in the words of checks."""
    is_over = status["state"] != "pending"
    return Check(
        name=status["context"],
        status="completed" if is_over else "in_progress",
        conclusion={"error": "failure"}.get(status["state"], status["state"]) if is_over else None,
        url=status["target_url"] or "",
    )
