"""The checkout in a sandbox: brought up to date, compared with its base, committed and pushed.

Git runs inside the sandbox only, as its user, in a few processes of one small script (`git_scripts/`): a process costs
more there than on a host. What comes back is a stranger's data, read with bounds.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import PurePosixPath

import anyio

from lot.core.errors import GitError, NotFoundError, NothingToDoError, RepositoryError, TooLargeError
from lot.runner.dotenv import dotenv_text
from lot.runner.protocol import DiffFileBody, DiffResult, PublishOrder, PublishResult, Step, SyncOrder, SyncResult
from lot.sandbox.link import CommandRequest, CommandResult, GuestLink

FOLDER = PurePosixPath("/workspace")
REMOTE = "http://10.200.0.1/git/repo.git"
MAX_PATCH_BYTES = 8 << 20
MAX_LISTING_BYTES = 8 << 20
"""Of the names of changed files."""

_SYNC_S = 900.0
_DIFF_S = 120.0
_PUBLISH_S = 900.0
_MAX_DOTENV_BYTES = 1 << 20
_REMOTE_FAILED, _NOTHING, _REFUSED = 10, 11, 12
_INJECTED = "/.env"
_SETTINGS = {
    # Hooks of the repository are the agent's and the user's affair; Lot's own steps run none.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    # The gateway is next door, whatever proxy the sandbox is told to use.
    "http.proxy": "",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "advice.addEmbeddedRepo": "false",
}
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_SETTINGS.values())},
}
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_STATUS_OPTIONS = (
    *("--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames"),
    *("--untracked-files=normal", "--ignore-submodules=none"),
)
_MAX_STATUS_BYTES = 64 << 10
_IGNORED = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
_MAX_IGNORED_BYTES = 256 << 10
_STATUS = {"A": "added", "D": "deleted", "R": "renamed", "C": "renamed", "T": "type_changed"}


class Workspace:
    """The checkout behind one link; its calls run one after the other."""

    def __init__(
        self,
        link: GuestLink,
        *,
        folder: PurePosixPath = FOLDER,
        user: str = "lot",
        remote: str = REMOTE,
    ) -> None:
        self._link, self._folder, self._user, self._remote = link, folder, user, remote
        self._turn = anyio.Lock()

    async def sync(self, order: SyncOrder) -> SyncResult:
        """Bring the workspace to the newest commit of the base branch, and write its environment.

        The first call clones into the empty folder. A call with a session's branch starts that session: what the
        setup left behind is reset where it is tracked and kept out of the diff where it is not. From then on the
        code is the session's, and a call does nothing but write the environment.

        Raises:
            RepositoryError: the branch is gone.
            GitError: the code could not be fetched; the workspace is as it was.
        """
        dotenv = dotenv_text(order.environment)
        async with self._turn:
            writes_env = "1" if dotenv else "0"
            branches = (order.base_branch, order.session_branch or "")
            name, email = _config_value(order.author_name), _config_value(order.author_email)
            author = f"[user]\n\tname = {name}\n\temail = {email}\n"
            done = await self._script(
                "sync", *branches, author, writes_env, order.newest_commit or "", timeout_s=_SYNC_S
            )
            if done.exit_code == _REMOTE_FAILED:
                raise _unreachable(order.base_branch, done)
            _check(done, "the workspace could not be brought up to date")
            said = _Synced(done.stdout)
            await self._write_exclude(said, is_start=order.session_branch is not None, is_injected=bool(dotenv))
            is_written = await self._write_dotenv(dotenv.encode())
        steps = said.steps(order.base_branch)
        if is_written:
            steps = (*steps, Step(step="write .env", seconds=0.0, detail=f"{len(order.environment)} values"))
        return SyncResult(commit=said.commit("new"), is_changed=said.commit("old") != said.commit("new"), steps=steps)

    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult:
        """Return what differs from a commit, committed or not, without the environment Lot wrote.

        Args:
            paths: Of these files and folders only.
        """
        _require_commit(base_commit)
        async with self._turn:
            # Mostly nothing has changed: one process tells, in a third of the time.
            if await self._is_at(base_commit):
                return DiffResult(
                    base_commit=base_commit, head_commit=base_commit, patch="", is_truncated=False, files=()
                )
            done = await self._script(
                "diff",
                base_commit,
                *(f":(top,literal){path}" for path in paths),
                timeout_s=_DIFF_S,
                max_output_bytes=MAX_PATCH_BYTES + MAX_LISTING_BYTES,
            )
        _check(done, "the changes could not be listed")
        head, _, rest = done.stdout.partition(b"\0")
        files, patch = read_diff(rest)
        is_truncated = done.is_truncated or len(patch) > MAX_PATCH_BYTES
        if is_truncated:
            # The last file of a cut patch is incomplete; of one that was asked for by name the beginning is of use.
            end = patch.rfind(b"\ndiff --git ", 0, MAX_PATCH_BYTES) + 1
            patch = patch[: end or (patch.rfind(b"\n", 0, MAX_PATCH_BYTES) + 1 if paths else 0)]
        head_commit = head.decode(errors="replace").strip()
        return DiffResult(
            base_commit=base_commit,
            head_commit=head_commit if _COMMIT.fullmatch(head_commit) else base_commit,
            patch=_text(patch),
            is_truncated=is_truncated,
            files=files,
        )

    async def ignored_folders(self) -> frozenset[str]:
        """Return the folders of which nothing is in any diff, relative to the workspace; not those within them.

        Raises:
            GitError: git does not answer.
        """
        said = await self._git(_IGNORED, _MAX_IGNORED_BYTES)
        _check(said, "the ignored folders could not be listed")
        names = said.stdout.split(b"\0")[:-1]
        return frozenset(os.fsdecode(name[:-1]) for name in names if name.endswith(b"/"))

    async def publish(self, order: PublishOrder) -> PublishResult:
        """Commit the content of the workspace and push it to the session's branch, never by force.

        The content is what counts, whatever branch is checked out and whatever was committed. The branch moves
        forwards from where it is; commits that hold injected values are not published, only their result is.

        Raises:
            NothingToDoError: nothing differs from the base, and nothing was published before.
            GitError: the push failed, with git's words; the workspace is as it was.
        """
        _require_commit(order.base_commit)
        who = {"NAME": order.author_name, "EMAIL": order.author_email}
        identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        title = order.title.replace("\0", "").strip() or "Changes"
        async with self._turn:
            done = await self._script(
                "publish",
                order.base_commit,
                order.branch,
                title,
                f"Co-authored-by: {' '.join(order.co_author.split())}",
                timeout_s=_PUBLISH_S,
                environment=identity,
            )
        if done.exit_code == _NOTHING:
            raise NothingToDoError("the workspace has no changes, so there is nothing to publish")
        if done.exit_code in (_REMOTE_FAILED, _REFUSED):
            raise GitError(f"branch {order.branch} could not be pushed: {_words(done)}. The work is kept; try again")
        _check(done, "the changes could not be committed")
        commit, _, is_changed = done.stdout.decode(errors="replace").strip().partition(" ")
        _require_commit(commit)
        return PublishResult(commit=commit, is_changed=is_changed == "1")

    async def _is_at(self, commit: str) -> bool:
        """Return whether the commit is checked out, and nothing differs from it."""
        said = await self._git(("--no-optional-locks", "status", *_STATUS_OPTIONS), _MAX_STATUS_BYTES)
        lines = said.stdout.splitlines()
        is_clean = said.exit_code == 0 and all(line.startswith(b"# ") for line in lines)
        return is_clean and not said.stderr and f"# branch.oid {commit}".encode() in lines

    async def _git(self, arguments: Sequence[str], max_output_bytes: int) -> CommandResult:
        """Run git itself, for what one process tells."""
        return await self._link.run(
            CommandRequest(
                argv=("git", *arguments),
                cwd=self._folder,
                user=self._user,
                environment=_ENVIRONMENT,
                timeout_s=_DIFF_S,
                max_output_bytes=max_output_bytes,
            )
        )

    async def _script(
        self,
        name: str,
        *arguments: str,
        timeout_s: float,
        max_output_bytes: int = 1 << 20,
        environment: Mapping[str, str] | None = None,
    ) -> CommandResult:
        given = (self._remote, *arguments) if name != "diff" else arguments
        return await self._link.run(
            CommandRequest(
                argv=("bash", "-c", _SCRIPTS[name], f"lot-{name}", *given),
                cwd=self._folder,
                user=self._user,
                environment={**_ENVIRONMENT, **(environment or {})},
                timeout_s=timeout_s,
                max_output_bytes=max_output_bytes,
            )
        )

    async def _write_exclude(self, said: "_Synced", *, is_start: bool, is_injected: bool) -> None:
        """Say what git is to overlook here: what the setup left behind, and the `.env` that Lot writes."""
        patterns = [*said.excluded, *(_pattern(path) for path in said.leftovers if is_start)]
        wanted = [pattern for pattern in dict.fromkeys(patterns) if pattern != _INJECTED]
        if is_injected:
            wanted.append(_INJECTED)
        if wanted != said.excluded:
            content = "".join(f"{pattern}\n" for pattern in wanted).encode(errors="surrogateescape")
            await self._link.write_file(self._folder / ".git/lot/exclude", content, user=self._user)

    async def _write_dotenv(self, content: bytes) -> bool:
        """Write `.env` if it is to have another content: dev servers restart when the file changes."""
        if not content:
            return False
        path = self._folder / ".env"
        try:
            if await self._link.read_file(path, _MAX_DOTENV_BYTES) == content:
                return False
        except (NotFoundError, TooLargeError):
            pass
        await self._link.write_file(path, content, mode=0o600, user=self._user)
        return True


class _Synced:
    """What the sync script said."""

    def __init__(self, stdout: bytes) -> None:
        head, _, rest = stdout.partition(b"\0")
        excluded, _, status = rest.partition(b"\0")
        self._facts = dict(line.split(" ", 1) for line in head.decode(errors="replace").splitlines() if " " in line)
        self.excluded = [line for line in excluded.decode(errors="surrogateescape").split("\n") if line]
        entries = [entry for entry in status.split(b"\0") if len(entry) > 3]
        self.leftovers = [entry[3:].decode(errors="surrogateescape") for entry in entries if entry[:2] == b"??"]
        self._reset = [_text(entry[3:]) for entry in entries if entry[:2] not in (b"??", b"!!")]

    def commit(self, name: str) -> str:
        commit = self._facts.get(name, "")
        return commit if _COMMIT.fullmatch(commit) else ""

    def steps(self, branch: str) -> tuple[Step, ...]:
        moved = f"{branch} is at {self.commit('new')[:10]}"
        if self._reset:
            more = f" and {len(self._reset) - 5} more" if len(self._reset) > 5 else ""
            moved += f"; reset what the setup had changed: {', '.join(self._reset[:5])}{more}"
        if self._facts.get("locks", "0") != "0":
            moved += "; removed stale lock files of git"
        return (
            Step(step="fetch code", seconds=self._seconds("began", "fetched")),
            Step(step="check out", seconds=self._seconds("fetched", "ended"), detail=moved),
        )

    def _seconds(self, start: str, end: str) -> float:
        try:
            taken = float(self._facts[end]) - float(self._facts[start])
        except (KeyError, ValueError):
            return 0.0
        return round(min(max(taken, 0.0), _SYNC_S), 3)


def read_diff(data: bytes) -> tuple[tuple[DiffFileBody, ...], bytes]:
    """Read `git diff --raw --numstat --patch -z`: the files, and the patch.

    Records that were cut off are left out.
    """
    records = _Records(data)
    changes: dict[bytes, tuple[str, bytes | None]] = {}
    counts: dict[bytes, tuple[int | None, int | None]] = {}
    for record in records:
        if record.startswith(b":"):
            status = record.rpartition(b" ")[2][:1].decode(errors="replace")
            old = next(records, b"") if status in "RC" else None
            if path := next(records, b""):
                changes[path] = (_STATUS.get(status, "modified"), old)
        elif not record:
            break
        else:
            added, removed, path = [*record.split(b"\t", 2), b"", b""][:3]
            if not path:
                next(records, None)
                path = next(records, b"")
            counts[path] = (_count(added), _count(removed))
    files = []
    for path, (status, old) in changes.items():
        added_lines, removed_lines = counts.get(path, (None, None))
        files.append(
            DiffFileBody(
                path=_text(path),
                old_path=_text(old) if old else None,
                status=status,
                added=added_lines,
                removed=removed_lines,
            )
        )
    return tuple(files), records.rest


class _Records:
    """Walks through NUL-terminated records; `rest` is what has not been walked through."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            self._at = len(self._data)
            raise StopIteration
        record, self._at = self._data[self._at : end], end + 1
        return record

    @property
    def rest(self) -> bytes:
        return self._data[self._at :]


def _count(digits: bytes) -> int | None:
    return int(digits) if re.fullmatch(rb"\d{1,9}", digits) else None


def _text(data: bytes) -> str:
    """Return text that any store and any JSON reader takes."""
    return data.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _pattern(path: str) -> str:
    """Return a line of an exclude file that stands for exactly one path."""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", path)
    # A line break cannot be written there; `?` stands for any one character.
    return "/" + re.sub(r"[\n\r]", "?", re.sub(r" +$", lambda blanks: "\\ " * len(blanks[0]), escaped))


def _config_value(value: str) -> str:
    kept = "".join(character for character in value if character.isprintable())
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _require_commit(commit: str) -> None:
    if not _COMMIT.fullmatch(commit):
        raise GitError(f"{commit[:80]!r} is no commit")


def _check(done: CommandResult, what: str) -> None:
    if done.exit_code != 0:
        raise GitError(f"{what}: {_words(done)}")


def _words(done: CommandResult) -> str:
    """Return what git said, in one line."""
    lines = (line.strip() for line in _text(done.stderr[-8192:]).splitlines())
    said = "; ".join(line for line in lines if line and not line.startswith(("hint:", "warning:")))
    return said[:2000] or f"git ended with exit code {done.exit_code}"


def _unreachable(branch: str, done: CommandResult) -> Exception:
    words = _words(done)
    if "couldn't find remote ref" in words or f"Remote branch {branch} not found" in words:
        return RepositoryError(f"the repository has no branch {branch} any more; choose another branch for the project")
    return GitError(f"the newest code could not be fetched: {words}")


def _load(*names: str) -> str:
    folder = resources.files("lot.runner").joinpath("git_scripts")
    return "".join(folder.joinpath(f"{name}.sh").read_text() for name in names)


_SCRIPTS = {
    "sync": _load("remote", "sync"),
    "diff": _load("remote", "content", "diff"),
    "publish": _load("remote", "content", "publish"),
}
