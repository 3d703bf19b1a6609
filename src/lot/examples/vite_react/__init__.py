"""A small Vite + React application with a counter in its dev server's memory, so that hibernation can be seen."""

from pathlib import Path

from lot.examples.repository import commit_folder

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


def make_repository(target: Path) -> Path:
    """Make a Git repository of the example with one commit on `main`; one that is there already is left alone.

    Raises:
        GitError: git refused, with what it said.
    """
    return commit_folder(_TEMPLATE, target, "A page and a counter")
