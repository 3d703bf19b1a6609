"""Pull requests at a git host whose API Lot does not speak: the branch is pushed, and the link to open one is shown."""

import re
from urllib.parse import quote

from lot.core.errors import NotSupportedError
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

_LINK = re.compile(r"https?://[^\s<>\"']+")
_OF_PULL_REQUESTS = re.compile(r"/(?:pull|merge_requests|compare|pull-requests)\b")
_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)(?::\d+/|:|/)(.+)")
_HTTP = re.compile(r"https?://(?:[^/@]+@)?([^/]+)/(.+)")

# How the page that compares two branches is addressed. Sources: the documentation of each host.
_COMPARE = {
    "github.com": "https://github.com/{path}/compare/{base}...{branch}?expand=1",
    "gitlab.com": "https://gitlab.com/{path}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}"
    "&merge_request%5Btarget_branch%5D={base}",
    "bitbucket.org": "https://bitbucket.org/{path}/pull-requests/new?source={branch}&dest={base}",
    "codeberg.org": "https://codeberg.org/{path}/compare/{base}...{branch}",
}


class RemoteForge:
    """Implements `Forge` on a project's mirror and any git remote; the store keeps the record."""

    capabilities: frozenset[ForgeCapability] = frozenset()

    def __init__(self, mirrors: ProjectMirrors, project: Project) -> None:
        self._project = project
        self._by_git = ByGit(mirrors, project)

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        """Push the branch; the address is the link that the host printed, or that of its page for comparing.

        Raises:
            NothingToDoError: the base branch has everything already. GitError: the push was refused.
        """
        pushed = await self._by_git.push_new(request)
        url = find_link(pushed.said) or compare_url(self._project.source, request.base_branch, request.branch)
        return ForgePullRequest(number=0, url=url or "", state=PullRequestState.OPEN, head_commit=pushed.commit)

    async def update_pull_request(self, pull_request: PullRequest, head_commit: str) -> ForgePullRequest:
        """Push the branch's new commits; the pull request that was opened by the link has them, too."""
        return await self._by_git.update(pull_request)

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        """Return its state: the recorded one, or merged when the base branch has the commits."""
        return await self._by_git.read(pull_request)

    async def patch(self, pull_request: PullRequest) -> str:
        """Return what the branch changes against the point where it left its base, also after it was merged."""
        return await self._by_git.patch(pull_request)

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        """Refuse: what may be merged there is the host's to say."""
        where = f" ({pull_request.url})" if pull_request.url.startswith("http") else ""
        raise NotSupportedError(f"Lot knows this remote by git alone: merge {pull_request.branch} at the host{where}")

    async def list_checks(self, pull_request: PullRequest) -> list[Check]:
        """Refuse: git knows of no checks."""
        raise NotSupportedError("Lot knows this remote by git alone: see its checks at the host")

    async def list_review_comments(self, pull_request: PullRequest) -> list[ReviewComment]:
        """Refuse: git knows of no comments."""
        raise NotSupportedError("Lot knows this remote by git alone: see its review comments at the host")


def find_link(said: str) -> str | None:
    """Return the address that a host printed with a push: the one of pull requests, if it printed several."""
    links = [link.rstrip(".,)") for link in _LINK.findall(said)]
    return next((link for link in links if _OF_PULL_REQUESTS.search(link)), None) or next(iter(links), None)


def compare_url(source: str, base: str, branch: str) -> str | None:
    """Return the page of a known host on which a pull request of two branches is opened."""
    found = _HTTP.fullmatch(source) or _SSH.fullmatch(source)
    if found is None or found[1] not in _COMPARE:
        return None
    path = found[2].rstrip("/").removesuffix(".git")
    return _COMPARE[found[1]].format(path=quote(path), base=quote(base), branch=quote(branch))
