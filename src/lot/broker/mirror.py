"""One bare mirror per project: the copy of its repository that sandboxes clone from and push to.

Branches and tags follow the source; `refs/heads/lot/*` and `refs/lot/*` belong to sessions and are never touched by a
fetch. Leaves out how sandboxes reach a mirror (`git.py`).
"""

import difflib
import os
import re
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

import anyio
import anyio.to_thread
import structlog

from lot.broker.backoff import Backoff
from lot.broker.commit_files import CommitFiles, read_commit
from lot.broker.git_command import GitOutput, Progress, credential_environment, run_git
from lot.core.credentials import GitCredential
from lot.core.errors import (
    AccountRefusedError,
    GitError,
    HostUnreachableError,
    NotFoundError,
    RepositoryError,
    TooLargeError,
)
from lot.core.ids import ProjectId, SessionId, new_id

MAX_PATCH_BYTES = 8 << 20
MAX_LISTING_BYTES = 8 << 20
MAX_PUSH_BYTES = 1 << 30
"""Largest pack that a session may push at once."""

_ANSWER_S = 30.0
"""How long a source may take to say which branches it has."""
_TRANSFER_S = 1800.0
_REFSPECS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    # A branch named `lot` at the source would stand in the way of the sessions' branches `lot/...`.
    "^refs/heads/lot",
    "^refs/heads/lot/*",
)
_ID = re.compile(r"[a-z0-9-]{1,64}")
_SOURCE_FILE = "lot-source"
_MERGER = {
    "GIT_AUTHOR_NAME": "Lot",
    "GIT_AUTHOR_EMAIL": "lot@localhost",
    "GIT_COMMITTER_NAME": "Lot",
    "GIT_COMMITTER_EMAIL": "lot@localhost",
}

SOURCE_BACKOFF = Backoff(attempts=4, patience_s=20.0)
"""A push waits this long for a source that does not answer: about as long as somebody watches."""

# What git and hosts say; they have no codes. Sources: git's http.c and remote-curl.c, and GitHub's refusals of a push.
_UNREACHABLE = re.compile(
    r"Could not resolve host|[Ff]ailed to connect|Connection (?:refused|reset|timed out)|Operation timed out"
    r"|Couldn't connect to server|Empty reply from server|The requested URL returned error: 5\d\d|HTTP 5\d\d"
    r"|transfer closed with outstanding"
)
_REFUSED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|The requested URL returned error: 40[13]|HTTP 40[13]"
)
_PROTECTED = re.compile(r"GH006|GH013|[Pp]rotected branch")

logger = structlog.get_logger(__name__)


CredentialOf = Callable[[ProjectId], Awaitable[GitCredential | None]]
"""Returns what a project's source is asked with; None: nothing but what this machine has."""


async def _no_credential(_: ProjectId) -> None:
    return None


@dataclass(frozen=True, slots=True)
class MirrorHead:
    """A branch and its newest commit."""

    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class PushedBranch:
    """A branch as the source has it now."""

    commit: str
    said: str
    """What the source said, line by line; often with a link."""


@dataclass(frozen=True, slots=True)
class SourceBranches:
    """The branches of a repository, sessions' own left out."""

    default: str
    """The one that a project has where none is named."""
    names: tuple[str, ...]


@dataclass(slots=True)
class _Turns:
    """Serialises one project's fetches; whoever waited for one that began later shares its result."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    pushing: anyio.Lock = field(default_factory=anyio.Lock)
    """Hosts refuse the second of two pushes of one branch that they get at once."""
    begun: int = 0
    done: int = 0
    """Number of the newest fetch that succeeded."""


class Mirrors:
    """All mirrors of an installation, in one folder."""

    def __init__(
        self, folder: Path, credential_of: CredentialOf = _no_credential, backoff: Backoff = SOURCE_BACKOFF
    ) -> None:
        """`backoff` says how often a source that does not answer is pushed to again."""
        self._folder, self._credential_of, self._backoff = folder, credential_of, backoff
        self._turns: dict[ProjectId, _Turns] = {}

    async def create(
        self,
        project_id: ProjectId,
        source: str,
        branch: str | None,
        *,
        credential: GitCredential | None = None,
        progress: Progress | None = None,
    ) -> MirrorHead:
        """Copy a repository and return its branch: the given one, else the source's default.

        Args:
            source: A git URL, or the path of a repository, bare or with a checkout.
            credential: What the source is asked with; the project is not known by its id yet.

        Raises:
            RepositoryError: it cannot be reached, is empty or lacks the branch; nothing is left behind.
        """
        origin = replace(_Origin.of(source), credential=credential)
        head = await _find_head(origin, branch)
        target = self._path(project_id)
        async with self._incomplete(project_id) as folder:
            await run_git("init", "--quiet", "--bare", str(folder))
            (folder / _SOURCE_FILE).write_text(origin.address)
            await run_git("config", "receive.fsckObjects", "true", folder=folder)
            await run_git("config", "receive.maxInputSize", str(MAX_PUSH_BYTES), folder=folder)
            await run_git("config", "uploadpack.allowFilter", "true", folder=folder)
            await run_git("symbolic-ref", "HEAD", f"refs/heads/{head.branch}", folder=folder)
            try:
                await _fetch(folder, origin, progress)
            except GitError as error:
                raise RepositoryError(f"{origin.name} could not be copied: {error}") from error
            _install_hook(folder)
            await anyio.to_thread.run_sync(_replace, folder, target)
        return MirrorHead(head.branch, await self.head(project_id, head.branch))

    async def list_branches(self, source: str, credential: GitCredential | None = None) -> SourceBranches:
        """Return the branches that a project of a repository can have; nothing is copied.

        Args:
            source: As for `create`.

        Raises:
            RepositoryError: it cannot be reached, or is empty.
        """
        heads, usual = await _list_heads(replace(_Origin.of(source), credential=credential))
        return SourceBranches(usual, tuple(sorted(name for name in heads if not _is_ours(name))))

    async def fetch(self, project_id: ProjectId) -> str:
        """Bring the mirror up to date and return the newest commit of the project's branch.

        Raises:
            GitError: the source cannot be reached.
            RepositoryError: the branch no longer exists there.
        """
        folder = self.repository(project_id)
        await self._bring_up_to_date(project_id, folder)
        branch = (await run_git("symbolic-ref", "--short", "HEAD", folder=folder)).text
        return await self.head(project_id, branch)

    async def choose_branch(self, project_id: ProjectId, branch: str) -> None:
        """Make another branch of the source the project's; the present one may be gone there.

        Raises:
            GitError: the source cannot be reached. RepositoryError: it has no such branch; the present one stays.
        """
        folder = self.repository(project_id)
        _require_not_ours(branch)
        await self._bring_up_to_date(project_id, folder)
        await self.head(project_id, branch)
        await run_git("symbolic-ref", "HEAD", f"refs/heads/{branch}", folder=folder)

    async def _bring_up_to_date(self, project_id: ProjectId, folder: Path) -> None:
        turns = self._turns.setdefault(project_id, _Turns())
        asked = turns.begun
        async with turns.lock:
            if turns.done <= asked:
                turns.begun += 1
                origin = await self._origin(project_id, folder)
                try:
                    await _fetch(folder, origin, None)
                except GitError as error:
                    what = f"the newest code could not be fetched from {origin.name}: {error}"
                    raise _explained(str(error), what) from error
                turns.done = turns.begun

    async def head(self, project_id: ProjectId, branch: str) -> str:
        """Return a branch's newest commit as the mirror has it.

        Raises:
            RepositoryError: there is no such branch; the message names the nearest ones.
        """
        folder = self.repository(project_id)
        if commit := await _find_commit(folder, f"refs/heads/{branch}"):
            return commit
        listed = await run_git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", folder=folder)
        raise _missing_branch(_Origin.of_mirror(folder).name, branch, listed.text.splitlines())

    async def read_file(self, project_id: ProjectId, commit: str, path: str, max_bytes: int) -> bytes | None:
        """Return a file as a commit has it; None when it has no such file.

        Raises:
            TooLargeError: it is larger than that.
        """
        folder = self.repository(project_id)
        kind = await run_git("cat-file", "-t", f"{commit}:{path}", folder=folder, accept=(0, 128))
        if kind.exit_code != 0 or kind.text != "blob":
            return None
        found = await run_git("cat-file", "blob", f"{commit}:{path}", folder=folder, max_output_bytes=max_bytes)
        if found.is_truncated:
            raise TooLargeError(f"{path} is larger than {max_bytes >> 10} KiB")
        return found.stdout

    async def delete(self, project_id: ProjectId) -> None:
        """Remove a project's mirror; nothing happens when there is none."""
        path = self._path(project_id)
        self._turns.pop(project_id, None)
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(path, ignore_errors=True))

    async def delete_session_refs(self, project_id: ProjectId, session_id: SessionId) -> None:
        """Remove what a session saved beside its branch; the branch itself stays. Repeatable, also without a mirror."""
        folder = self._path(project_id)
        if not folder.is_dir():
            return
        listed = await run_git("for-each-ref", "--format=delete %(refname)", f"refs/lot/{session_id}", folder=folder)
        if not listed.stdout:
            return
        await run_git("update-ref", "--stdin", folder=folder, stdin=listed.stdout)
        try:
            await run_git("gc", "--auto", "--quiet", folder=folder, timeout_s=600.0)
        except GitError as error:
            logger.warning("mirror could not be tidied", project_id=project_id, reason=str(error))

    async def push_branch(self, project_id: ProjectId, branch: str) -> PushedBranch:
        """Bring a session's branch to the source, never by force; a source that does not answer is asked again.

        Raises:
            HostUnreachableError: it did not answer. AccountRefusedError: it takes the account's credential no more.
            GitError: the source refused, with its words.
        """
        folder = self.repository(project_id)
        commit = await self.head(project_id, branch)
        origin = await self._origin(project_id, folder)
        async with self._turns.setdefault(project_id, _Turns()).pushing:
            return await self._push_until_answered(folder, origin, branch, commit)

    async def _push_until_answered(self, folder: Path, origin: "_Origin", branch: str, commit: str) -> PushedBranch:
        attempt, began = 0, self._backoff.clock()
        while True:
            attempt += 1
            try:
                return PushedBranch(commit, await _push(folder, origin, f"{commit}:refs/heads/{branch}"))
            except GitError as error:
                what = f"{origin.name} refused branch {branch}: {error}. The work is kept"
                explained = _explained(str(error), what, "try again when this is mended")
                spent_s = self._backoff.clock() - began
                delay_s = self._backoff.delay_s(attempt, spent_s, None)
                if delay_s is None or not isinstance(explained, HostUnreachableError):
                    raise explained from error
            await self._backoff.sleep(delay_s)

    async def merge(self, project_id: ProjectId, branch: str, base: str) -> str:
        """Merge a branch into its base, here and at the source; return the base's new commit.

        Raises:
            GitError: it conflicts or the source refuses; nothing was changed.
        """
        await self.fetch(project_id)
        folder = self.repository(project_id)
        origin = await self._origin(project_id, folder)
        ours, theirs = await self.head(project_id, base), await self.head(project_id, branch)
        if await _is_ancestor(folder, theirs, ours):
            return ours
        tree = await _merged_tree(folder, ours, theirs, branch=branch, base=base)
        parents = ("-p", ours, "-p", theirs)
        message = ("-m", f"Merge branch '{branch}' into {base}")
        commit = (await run_git("commit-tree", tree, *parents, *message, folder=folder, environment=_MERGER)).text
        try:
            await _push(folder, origin, f"{commit}:refs/heads/{base}")
        except GitError as error:
            raise GitError(_merge_refusal(origin, base, str(error))) from error
        await run_git("update-ref", f"refs/heads/{base}", commit, folder=folder)
        return commit

    async def is_merged(self, project_id: ProjectId, commit: str, base: str) -> bool:
        """Return whether a branch of the mirror contains a commit."""
        folder = self.repository(project_id)
        return await _is_ancestor(folder, commit, await self.head(project_id, base))

    async def patch(self, project_id: ProjectId, base: str, commit: str) -> str:
        """Return what a commit changes against the point where it left its base, also after it was merged.

        Raises:
            TooLargeError: it is larger than 8 MiB.
        """
        folder = self.repository(project_id)
        before = await _before_merge(folder, commit, await self.head(project_id, base))
        arguments = ("diff", "--binary", "--find-renames", "--no-ext-diff", "--no-textconv")
        made = await run_git(
            *arguments, f"{before}...{commit}", folder=folder, timeout_s=120.0, max_output_bytes=MAX_PATCH_BYTES
        )
        if made.is_truncated:
            raise TooLargeError("the patch is larger than 8 MiB; look at the branch with git instead")
        return made.stdout.decode(errors="replace")

    async def changed_files(self, project_id: ProjectId, old: str, new: str) -> tuple[str, ...]:
        """Return the paths of all files that differ between two commits.

        Raises:
            GitError: one of them is not there any more, as after a history was rewritten and tidied.
        """
        listed = await run_git(
            *("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", old, new),
            folder=self.repository(project_id),
            max_output_bytes=MAX_LISTING_BYTES,
        )
        return tuple(name.decode(errors="replace") for name in listed.stdout.split(b"\0") if name)

    async def read_commit(
        self, project_id: ProjectId, commit: str, choose: Callable[[Sequence[str]], Sequence[str]]
    ) -> CommitFiles:
        """Return the names of a commit's files, and the texts of those that `choose` picks of them.

        Raises:
            GitError: there is no such commit.
        """
        return await read_commit(self.repository(project_id), commit, choose)

    def repository(self, project_id: ProjectId) -> Path:
        """Return the folder of a project's mirror, with the present version of its hook in place.

        Raises:
            NotFoundError: the project has no mirror.
        """
        path = self._path(project_id)
        if not path.is_dir():
            raise NotFoundError(f"project {project_id} has no mirror; create the project again")
        _install_hook(path)
        return path

    async def _origin(self, project_id: ProjectId, folder: Path) -> "_Origin":
        return replace(_Origin.of_mirror(folder), credential=await self._credential_of(project_id))

    def _path(self, project_id: ProjectId) -> Path:
        if not _ID.fullmatch(project_id):
            raise NotFoundError("there is no such project")
        return self._folder / f"{project_id}.git"

    @asynccontextmanager
    async def _incomplete(self, project_id: ProjectId) -> AsyncIterator[Path]:
        """Lend a folder to fill; whatever is still in it at the end is removed, a dead process's leftovers too."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in self._folder.glob(f".{project_id}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = self._folder / f".{project_id}.{new_id()}"
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a mirror's code comes from, and how git is started there."""

    address: str
    prefix: str = ""
    """Words before the name of the program that serves a local source."""
    is_local: bool = False
    credential: GitCredential | None = None

    @classmethod
    def of(cls, source: str) -> "_Origin":
        """Read what a user gave."""
        if source.startswith("-") or not source.strip() or "\n" in source or "\0" in source:
            raise RepositoryError(f"{source!r} is no repository; give a git URL or the path of a repository")
        path = Path(source.removeprefix("file://")).expanduser()
        if not source.startswith("file://") and not path.exists() and re.match(r"[\w.+-]+://|[^/]+:", source):
            return cls(source)
        if not path.exists():
            raise RepositoryError(f"{source} does not exist; give a git URL or the path of a repository")
        return cls(str(path.resolve()), _as_owner(path), is_local=True)

    @classmethod
    def of_mirror(cls, folder: Path) -> "_Origin":
        """Read what `create` wrote down."""
        try:
            return cls.of((folder / _SOURCE_FILE).read_text())
        except RepositoryError as error:
            raise GitError(str(error)) from error

    @property
    def name(self) -> str:
        """The address as it may be shown."""
        return re.sub(r"(?<=://)[^/@]+@", "", self.address)

    @property
    def environment(self) -> dict[str, str]:
        """What git at the other end is answered with; no other process sees it."""
        return credential_environment(self.credential) if self.credential and not self.is_local else {}

    @property
    def serving(self) -> tuple[str, ...]:
        """Options of a command that reads from it."""
        return (f"--upload-pack={self.prefix}git upload-pack",) if self.is_local else ()

    @property
    def receiving(self) -> tuple[str, ...]:
        """Options of a command that writes to it: a checkout of the branch written to is brought along if clean."""
        if not self.is_local:
            return ()
        return (f"--receive-pack={self.prefix}git -c receive.denyCurrentBranch=updateInstead receive-pack",)


def _as_owner(path: Path) -> str:
    """Return the words that make root run a command as a path's owner.

    Otherwise root would leave files in a user's repository that they cannot change, and run their hooks as root.
    """
    owner = path.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return ""
    identity = f"--reuid={owner.st_uid} --regid={owner.st_gid} --clear-groups"
    return f"env GIT_CONFIG_GLOBAL=/dev/null setpriv {identity} -- "


async def _find_head(origin: _Origin, branch: str | None) -> MirrorHead:
    heads, usual = await _list_heads(origin)
    branch = usual if branch is None else branch
    if branch not in heads:
        raise _missing_branch(origin.name, branch, list(heads))
    _require_not_ours(branch)
    return MirrorHead(branch, heads[branch])


async def _list_heads(origin: _Origin) -> tuple[dict[str, str], str]:
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


def _is_ours(branch: str) -> bool:
    return branch == "lot" or branch.startswith("lot/")


def _require_not_ours(branch: str) -> None:
    if _is_ours(branch):
        raise RepositoryError(f"branch {branch}: names that begin with lot/ belong to sessions; choose another branch")


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


def _missing_branch(name: str, branch: str, there: list[str]) -> RepositoryError:
    theirs = [head for head in there if not head.startswith("lot/")]
    near = difflib.get_close_matches(branch, theirs, n=5, cutoff=0.4) or sorted(theirs)[:5]
    return RepositoryError(f"{name} has no branch {branch}; it has {', '.join(near) or 'none'}")


async def _fetch(folder: Path, origin: _Origin, progress: Progress | None) -> None:
    await run_git(
        "fetch",
        *origin.serving,
        "--progress" if progress else "--quiet",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--",
        origin.address,
        *_REFSPECS,
        folder=folder,
        environment=origin.environment,
        timeout_s=_TRANSFER_S,
        progress=progress,
    )


async def _push(folder: Path, origin: _Origin, refspec: str) -> str:
    """Push; return what the other end said."""
    pushed = await run_git(
        "push",
        *origin.receiving,
        "--quiet",
        "--",
        origin.address,
        refspec,
        folder=folder,
        environment=origin.environment,
        timeout_s=_TRANSFER_S,
    )
    lines = (line.strip() for line in pushed.stderr.splitlines())
    return "\n".join(line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:"))


def _explained(words: str, what: str, otherwise: str = "") -> GitError:
    """Return the error for what git said, by who can put it right, with the next step."""
    if _UNREACHABLE.search(words):
        return HostUnreachableError(f"{what}. The host does not answer: try again when it does")
    if _REFUSED.search(words):
        return AccountRefusedError(
            f"{what}. Its git account is refused: renew the token, then `lot account connect` it under the same name, "
            "and try again"
        )
    if _PROTECTED.search(words):
        return GitError(f"{what}. The branch is protected: allow pushes to lot/* at the host, then try again")
    return GitError(f"{what}; {otherwise}" if otherwise else what)


async def _find_commit(folder: Path, name: str) -> str | None:
    found = await run_git(
        "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}", folder=folder, accept=(0, 1, 128)
    )
    return found.text if found.exit_code == 0 else None


async def _is_ancestor(folder: Path, older: str, newer: str) -> bool:
    asked = await run_git("merge-base", "--is-ancestor", older, newer, folder=folder, accept=(0, 1))
    return asked.exit_code == 0


async def _merged_tree(folder: Path, ours: str, theirs: str, *, branch: str, base: str) -> str:
    made = await run_git(
        "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs, folder=folder, accept=(0, 1)
    )
    tree, *conflicts = made.stdout.decode(errors="replace").rstrip("\0").split("\0")
    if made.exit_code == 1:
        raise GitError(
            f"{branch} conflicts with {base} in {', '.join(conflicts[:10])}; nothing was merged. "
            f"Merge {base} into the branch in a session, then merge again"
        )
    return tree


def _merge_refusal(origin: _Origin, base: str, words: str) -> str:
    refused = f"{origin.name} refused the merge into {base}, and nothing was changed: {words}."
    if "Working tree has" in words or "Working directory has" in words or "untracked working tree" in words:
        return f"{refused} {base} is checked out there with changes of its own: commit or stash them, then merge again"
    if "fetch first" in words or "non-fast-forward" in words:
        return f"{refused} {base} has moved meanwhile: merge again"
    return f"{refused} Mend this at the source, then merge again"


async def _before_merge(folder: Path, commit: str, base: str) -> str:
    """Return the base as it was just before it took in `commit`; `base` itself when it has not."""
    if not await _is_ancestor(folder, commit, base):
        return base
    since = await run_git(
        "rev-list", "--first-parent", "--ancestry-path", "--reverse", f"{commit}..{base}", folder=folder
    )
    merged_by = since.text.partition("\n")[0]
    return f"{merged_by}^1" if merged_by else base


def _install_hook(folder: Path) -> None:
    """Put the hook in place that decides what a session may push; git would skip a missing one silently."""
    hook = folder / "hooks" / "update"
    wanted = resources.files("lot.broker").joinpath("hooks", "update").read_bytes()
    if hook.is_file() and hook.stat().st_mode & stat.S_IXUSR and hook.read_bytes() == wanted:
        return
    hook.parent.mkdir(exist_ok=True)
    fresh = hook.with_name(f"update.{new_id()}")
    fresh.write_bytes(wanted)
    fresh.chmod(0o755)
    fresh.replace(hook)


def _replace(folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
