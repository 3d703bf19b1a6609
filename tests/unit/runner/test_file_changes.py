"""Following the workspace's files: when it tells, and what it looks at."""

import os
from pathlib import Path

import anyio
import pytest

from lot.core.errors import GitError, SandboxUnavailableError
from lot.runner import file_changes as module
from lot.runner.file_changes import file_changes


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as often as can be."""
    monkeypatch.setattr(module, "PERIOD_S", 0.0)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = tmp_path / "workspace"
    made.mkdir()
    return made


class Ignored:
    """What git ignores, as a test says."""

    def __init__(self) -> None:
        self.folders: frozenset[str] = frozenset()
        self.asked = 0
        self.error: Exception | None = None

    async def find(self) -> frozenset[str]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.folders


async def test_tells_at_the_beginning_and_after_each_change(workspace: Path) -> None:
    with anyio.fail_after(10):
        changes = file_changes(workspace.parent, Ignored().find)
        await anext(changes)
        for name in ("a", "b"):
            (workspace / name).touch()
            await anext(changes)


async def test_folders_that_come_to_be_ignored_are_left_alone_from_then_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELEARN_S", 0.0)
    ignored = Ignored()
    with anyio.fail_after(10):
        changes = file_changes(workspace.parent, ignored.find)
        await anext(changes)
        ignored.folders = frozenset({"dist"})
        (workspace / "dist").mkdir()
        await anext(changes)
        (workspace / "dist/app.js").touch()
        (workspace / "a").touch()
        await anext(changes)
        assert ignored.asked == 3, "one for the beginning and one for each change: `dist/app.js` was none by itself"


async def test_git_that_does_not_answer_ignores_nothing_and_a_sandbox_that_is_off_ends_it(workspace: Path) -> None:
    ignored = Ignored()
    ignored.error = GitError("no repository")
    with anyio.fail_after(10):
        changes = file_changes(workspace.parent, ignored.find)
        await anext(changes)
        (workspace / "a").touch()
        os.utime(workspace / "a", (1, 1))
        await anext(changes)
        ignored.error = SandboxUnavailableError("off")
        with pytest.raises(SandboxUnavailableError):
            await anext(file_changes(workspace.parent, ignored.find))
