"""Which branches a source has, which of them a project begins with, and which it may not have."""

import difflib
from dataclasses import dataclass

from lot.broker.git_command import GitOutput, run_git
from lot.broker.origin import Origin
from lot.core.errors import GitError, RepositoryError

_ANSWER_S = 30.0
"""How long a source may take to say which branches it has."""


@dataclass(frozen=True, slots=True)
class MirrorHead:
    """A branch and its newest commit."""

    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class SourceBranches:
    """The branches of a repository, sessions' own left out."""

    default: str
    """The one that a project has where none is named."""
    names: tuple[str, ...]


async def find_branches(origin: Origin) -> SourceBranches:
    """Return the branches that a project of a source can have.

    Raises:
        RepositoryError: it cannot be reached, or is empty.
    """
    heads, usual = await _list_heads(origin)
    return SourceBranches(usual, tuple(sorted(name for name in heads if not _is_ours(name))))


async def find_head(origin: Origin, branch: str | None) -> MirrorHead:
    heads, usual = await _list_heads(origin)
    branch = usual if branch is None else branch
    if branch not in heads:
        raise missing_branch(origin.name, branch, list(heads))
    require_not_ours(branch)
    return MirrorHead(branch, heads[branch])


async def _list_heads(origin: Origin) -> tuple[dict[str, str], str]:
    """Return the branches of a source with their commits, and which one is meant where none is named."""
    try:
        listed = await run_git(
            "ls-remote",
            *origin.serving,
            "--symref",
            "--",
            origin.address,
            "HEAD",
            "refs/heads/*",
            environment=origin.environment,
            timeout_s=_ANSWER_S,
            max_output_bytes=16 << 20,
        )
    except GitError as error:
        raise RepositoryError(
            f"{origin.name} cannot be read: {error}. Check the address and that this machine may read it"
        ) from error
    heads, default, detached = _read_heads(listed)
    if not heads:
        raise RepositoryError(f"{origin.name} is empty; push a first commit to it and try again")
    usual = next((b for b in (default, "main", "master") if b in heads), None) or next(
        (name for name, commit in heads.items() if commit == detached), next(iter(heads))
    )
    return heads, usual


def require_not_ours(branch: str) -> None:
    if _is_ours(branch):
        raise RepositoryError(f"branch {branch}: names that begin with lot/ belong to sessions; choose another branch")


def _is_ours(branch: str) -> bool:
    return branch == "lot" or branch.startswith("lot/")


def _read_heads(listed: GitOutput) -> tuple[dict[str, str], str | None, str | None]:
    """Return the branches with their commits, the default branch and the commit of HEAD."""
    heads: dict[str, str] = {}
    default = detached = None
    for line in listed.text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: refs/heads/") and name == "HEAD":
            default = value.removeprefix("ref: refs/heads/")
        elif name == "HEAD":
            detached = value
        elif name.startswith("refs/heads/"):
            heads[name.removeprefix("refs/heads/")] = value
    return heads, default, detached


def missing_branch(name: str, branch: str, there: list[str]) -> RepositoryError:
    theirs = [head for head in there if not head.startswith("lot/")]
    near = difflib.get_close_matches(branch, theirs, n=5, cutoff=0.4) or sorted(theirs)[:5]
    return RepositoryError(f"{name} has no branch {branch}; it has {', '.join(near) or 'none'}")
