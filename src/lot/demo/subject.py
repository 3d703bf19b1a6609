"""What a demo is played on: a repository, how its app is started, and a line in it that can be changed."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lot.core.errors import RepositoryError
from lot.examples import vite_react

_MAX_FILE_BYTES = 200_000
_GIT_TIMEOUT_S = 120
_PREFERRED = ("readme.md", "readme", "readme.rst", "readme.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of one file, and what the agent is to make of it. `old` stands in the file exactly once."""

    file: str
    old: str
    new: str

    def next(self) -> "Change":
        """Return a further change of the same line."""
        return Change(file=self.file, old=self.new, new=self.new.replace(_MARK, _NEXT_MARK))


_MARK = "changed by the Lot demo"
_NEXT_MARK = "changed again by the Lot demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A repository to play on."""

    name: str
    source: str
    setup_command: str | None
    dev_command: str | None
    port: int | None
    change: Change
    counter_path: str | None = None
    """Where its dev server counts in memory; None: that the dev server goes on is seen by its process id alone."""


def example(folder: Path) -> Subject:
    """Return the example that comes with Lot, made into a repository in `folder`."""
    return Subject(
        name="demo-vite-react",
        source=str(vite_react.make_repository(folder / "vite-react")),
        setup_command=vite_react.SETUP_COMMAND,
        dev_command=vite_react.DEV_COMMAND,
        port=vite_react.PORT,
        change=Change(
            file=vite_react.GREETING_FILE,
            old=vite_react.GREETING,
            new=vite_react.GREETING.replace("Hello from a Lot session", f"This page was {_MARK}"),
        ),
        counter_path=vite_react.COUNTER_PATH,
    )


def repository(source: str, *, setup: str | None, dev: str | None, port: int | None) -> Subject:
    """Return a repository of the user's.

    Raises:
        RepositoryError: it cannot be cloned, or holds no text file that could be changed.
    """
    with tempfile.TemporaryDirectory(prefix="lot-demo-") as folder:
        clone = Path(folder) / "clone"
        _git("clone", "--quiet", "--depth", "1", "--", source, str(clone))
        change = _find_change(clone, _git("-C", str(clone), "ls-files", "-z").split("\0"))
    if change is None:
        raise RepositoryError(f"{source} holds no text file that a demo could change. Next step: name another")
    # A name of its own: the user may have a project of the same repository on the server.
    name = "demo-" + "".join(c if c.isalnum() else "-" for c in source.rstrip("/").rsplit("/", 1)[-1])[:60]
    return Subject(name=name, source=source, setup_command=setup, dev_command=dev, port=port, change=change)


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(f"git took longer than {_GIT_TIMEOUT_S} s. Next step: try `git clone` by hand") from error
    if done.returncode != 0:
        raise RepositoryError(f"{done.stderr.strip()}. Next step: try `git clone` of it by hand")
    return done.stdout


def _find_change(clone: Path, files: list[str]) -> Change | None:
    in_order = sorted(filter(None, files), key=lambda file: (file.lower() not in _PREFERRED, file.count("/"), file))
    return next((change for file in in_order for change in _changes(clone / file, file)), None)


def _changes(path: Path, file: str) -> Iterator[Change]:
    """Yield a change of a file's first long line that stands in it once; nothing where there is none."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_FILE_BYTES:
        return
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    for line in text.split("\n"):
        if len(line.strip()) > 3 and "\r" not in line and text.count(line) == 1:
            yield Change(file=file, old=line, new=f"{line} ({_MARK})")
            return
