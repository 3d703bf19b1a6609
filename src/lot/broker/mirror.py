"""One bare mirror per project: the copy of its repository that sandboxes clone from and push to.

Branches and tags follow the source; `refs/heads/lot/*` and `refs/lot/*` belong to sessions and are never touched by a
fetch. Leaves out how sandboxes reach a mirror (`git.py`).
"""

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

from lot.broker import commits
from lot.broker.backoff import Backoff
from lot.broker.commit_files import CommitFiles, read_commit
from lot.broker.git_command import Progress, run_git
from lot.broker.git_words import explained, merge_refusal
from lot.broker.origin import SOURCE_FILE, Origin, fetch_from, push_to
from lot.broker.source_heads import (
    MirrorHead,
    SourceBranches,
    find_branches,
    find_head,
    missing_branch,
    require_not_ours,
)
from lot.core.credentials import GitCredential
from lot.core.errors import GitError, HostUnreachableError, NotFoundError, RepositoryError
from lot.core.ids import ProjectId, SessionId, new_id

MAX_PUSH_BYTES = 1 << 30
"""Largest pack that a session may push at once."""

_ID = re.compile(r"[a-z0-9-]{1,64}")
_MERGER = {
    "GIT_AUTHOR_NAME": "Lot",
    "GIT_AUTHOR_EMAIL": "lot@localhost",
    "GIT_COMMITTER_NAME": "Lot",
    "GIT_COMMITTER_EMAIL": "lot@localhost",
}

SOURCE_BACKOFF = Backoff(attempts=4, patience_s=20.0)
"""A push waits this long for a source that does not answer: about as long as somebody watches."""

logger = structlog.get_logger(__name__)


CredentialOf = Callable[[ProjectId], Awaitable[GitCredential | None]]
"""Returns what a project's source is asked with; None: nothing but what this machine has."""


async def _no_credential(_: ProjectId) -> None:
    return None


@dataclass(frozen=True, slots=True)
class PushedBranch:
    """A branch as the source has it now."""

    commit: str
    said: str
    """What the source said, line by line; often with a link."""


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
        origin = replace(Origin.of(source), credential=credential)
        head = await find_head(origin, branch)
        target = self._path(project_id)
        async with self._incomplete(project_id) as folder:
            await run_git("init", "--quiet", "--bare", str(folder))
            (folder / SOURCE_FILE).write_text(origin.address)
            await run_git("config", "receive.fsckObjects", "true", folder=folder)
            await run_git("config", "receive.maxInputSize", str(MAX_PUSH_BYTES), folder=folder)
            await run_git("config", "uploadpack.allowFilter", "true", folder=folder)
            await run_git("symbolic-ref", "HEAD", f"refs/heads/{head.branch}", folder=folder)
            try:
                await fetch_from(folder, origin, progress)
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
        return await find_branches(replace(Origin.of(source), credential=credential))

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
        require_not_ours(branch)
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
                    await fetch_from(folder, origin, None)
                except GitError as error:
                    what = f"the newest code could not be fetched from {origin.name}: {error}"
                    raise explained(str(error), what) from error
                turns.done = turns.begun

    async def head(self, project_id: ProjectId, branch: str) -> str:
        """Return a branch's newest commit as the mirror has it.

        Raises:
            RepositoryError: there is no such branch; the message names the nearest ones.
        """
        folder = self.repository(project_id)
        if commit := await commits.find_commit(folder, f"refs/heads/{branch}"):
            return commit
        listed = await run_git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", folder=folder)
        raise missing_branch(Origin.of_mirror(folder).name, branch, listed.text.splitlines())

    async def read_file(self, project_id: ProjectId, commit: str, path: str, max_bytes: int) -> bytes | None:
        """Return a file as a commit has it; None when it has no such file.

        Raises:
            TooLargeError: it is larger than that.
        """
        return await commits.read_file(self.repository(project_id), commit, path, max_bytes)

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

    async def _push_until_answered(self, folder: Path, origin: Origin, branch: str, commit: str) -> PushedBranch:
        attempt, began = 0, self._backoff.clock()
        while True:
            attempt += 1
            try:
                return PushedBranch(commit, await push_to(folder, origin, f"{commit}:refs/heads/{branch}"))
            except GitError as error:
                what = f"{origin.name} refused branch {branch}: {error}. The work is kept"
                refusal = explained(str(error), what, "try again when this is mended")
                spent_s = self._backoff.clock() - began
                delay_s = self._backoff.delay_s(attempt, spent_s, None)
                if delay_s is None or not isinstance(refusal, HostUnreachableError):
                    raise refusal from error
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
        if await commits.is_ancestor(folder, theirs, ours):
            return ours
        tree = await commits.merged_tree(folder, ours, theirs, branch=branch, base=base)
        parents = ("-p", ours, "-p", theirs)
        message = ("-m", f"Merge branch '{branch}' into {base}")
        commit = (await run_git("commit-tree", tree, *parents, *message, folder=folder, environment=_MERGER)).text
        try:
            await push_to(folder, origin, f"{commit}:refs/heads/{base}")
        except GitError as error:
            raise GitError(merge_refusal(origin.name, base, str(error))) from error
        await run_git("update-ref", f"refs/heads/{base}", commit, folder=folder)
        return commit

    async def is_merged(self, project_id: ProjectId, commit: str, base: str) -> bool:
        """Return whether a branch of the mirror contains a commit."""
        folder = self.repository(project_id)
        return await commits.is_ancestor(folder, commit, await self.head(project_id, base))

    async def patch(self, project_id: ProjectId, base: str, commit: str) -> str:
        """Return what a commit changes against the point where it left its base, also after it was merged.

        Raises:
            TooLargeError: it is larger than 8 MiB.
        """
        folder = self.repository(project_id)
        before = await commits.before_merge(folder, commit, await self.head(project_id, base))
        return await commits.patch_between(folder, before, commit)

    async def changed_files(self, project_id: ProjectId, old: str, new: str) -> tuple[str, ...]:
        """Return the paths of all files that differ between two commits.

        Raises:
            GitError: one of them is not there any more, as after a history was rewritten and tidied.
        """
        return await commits.changed_files(self.repository(project_id), old, new)

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

    async def _origin(self, project_id: ProjectId, folder: Path) -> Origin:
        return replace(Origin.of_mirror(folder), credential=await self._credential_of(project_id))

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
