"""A small Vite + React application with a counter in its dev server's memory, so that hibernation can be seen."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lot.core.errors import GitError

NAME = "vite-react"
SETUP_COMMAND = "npm ci"
DEV_COMMAND = "npm run dev"
PORT = 5173
COUNTER_PATH = "/api/counter"
"""GET tells count, pid and startedAt of the dev server; POST counts on first."""
GREETING_FILE = "src/App.jsx"
GREETING = 'const GREETING = "Hello from a Lot session";'
"""The line that the demo has changed."""

_TEMPLATE = Path(__file__).parent / "template"
_AUTHOR = ("-c", "user.name=Lot", "-c", "user.email=lot@localhost", "-c", "commit.gpgsign=false")


def make_repository(target: Path) -> Path:
    """Make a Git repository of the example with one commit on `main`; one that is there already is left alone.

    Raises:
        GitError: git refused, with what it said.
    """
    if (target / ".git").exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        unfinished = Path(folder) / "repository"
        shutil.copytree(_TEMPLATE, unfinished, ignore=shutil.ignore_patterns("node_modules"))
        # Under its own name it would be obeyed in the folder of the package, too.
        (unfinished / "gitignore").rename(unfinished / ".gitignore")
        _git(unfinished, "init", "--quiet", "--initial-branch=main")
        _git(unfinished, "add", "--all")
        _git(unfinished, *_AUTHOR, "commit", "--quiet", "--message", "A page and a counter")
        unfinished.rename(target)
    return target


def _git(folder: Path, *arguments: str) -> None:
    # What the caller has set for a repository of their own must not lead us into that one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    if done.returncode != 0:
        raise GitError(f"The example repository cannot be made: {done.stderr.strip()}. Next step: run `lot doctor`")
