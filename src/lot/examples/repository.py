"""Makes a Git repository of a folder of files."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lot.core.errors import GitError

_AUTHOR = ("-c", "user.name=Lot", "-c", "user.email=lot@localhost", "-c", "commit.gpgsign=false")
_LEFT_OUT = shutil.ignore_patterns(".git", "node_modules", "__pycache__")
"""What running a project in its folder leaves there, and no fresh clone has."""


def commit_folder(files: Path, target: Path, message: str) -> Path:
    """Make a Git repository of a folder's files with one commit on `main`; one that is there already is left alone.

    A file `gitignore` becomes `.gitignore`: under its own name it would be obeyed where it comes from, too.

    Raises:
        GitError: git refused, with what it said.
    """
    if (target / ".git").exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        unfinished = Path(folder) / "repository"
        shutil.copytree(files, unfinished, ignore=_LEFT_OUT, symlinks=True)
        if (unfinished / "gitignore").exists():
            (unfinished / "gitignore").rename(unfinished / ".gitignore")
        _git(unfinished, "init", "--quiet", "--initial-branch=main")
        _git(unfinished, "add", "--all")
        _git(unfinished, *_AUTHOR, "commit", "--quiet", "--message", message)
        unfinished.rename(target)
    return target


def _git(folder: Path, *arguments: str) -> None:
    # What the caller has set for a repository of their own must not lead us into that one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    if done.returncode != 0:
        raise GitError(f"The repository cannot be made: {done.stderr.strip()}. Next step: run `lot doctor`")
