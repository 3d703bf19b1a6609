"""Where a mirror's code comes from: its address, how git is started there, and the reading and writing of it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lot.broker.git_command import Progress, credential_environment, run_git
from lot.core.credentials import GitCredential
from lot.core.errors import GitError, RepositoryError

SOURCE_FILE = "lot-source"
"""In a mirror's folder: the address."""
_TRANSFER_S = 1800.0
_REFSPECS = (
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    # A branch named `lot` at the source would stand in the way of the sessions' branches `lot/...`.
    "^refs/heads/lot",
    "^refs/heads/lot/*",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a mirror's code comes from, and how git is started there."""

    address: str
    prefix: str = ""
    """Words before the name of the program that serves a local source."""
    is_local: bool = False
    credential: GitCredential | None = None

    @classmethod
    def of(cls, source: str) -> "Origin":
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
    def of_mirror(cls, folder: Path) -> "Origin":
        """Read what `create` wrote down."""
        try:
            return cls.of((folder / SOURCE_FILE).read_text())
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


async def fetch_from(folder: Path, origin: Origin, progress: Progress | None) -> None:
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


async def push_to(folder: Path, origin: Origin, refspec: str) -> str:
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
