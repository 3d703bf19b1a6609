"""A look at a sandbox's layer: what it notices, what it leaves alone, and that nothing in there leads it astray."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lot.sandbox import layer_look
from lot.sandbox.layer_look import look_at

FOLDER = "workspace"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The workspace of a layer."""
    made = tmp_path / FOLDER
    (made / "src").mkdir(parents=True)
    (made / "src/a.txt").write_text("one")
    (made / ".git").mkdir()
    (made / "node_modules/x").mkdir(parents=True)
    return made


def _rewritten(file: Path) -> None:
    before = file.stat()
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda folder: _rewritten(folder / "src/a.txt"),
    "made": lambda folder: (folder / "b.txt").touch(),
    "removed": lambda folder: (folder / "src/a.txt").unlink(),
    "moved": lambda folder: (folder / "src/a.txt").rename(folder / "src/b.txt"),
    "made executable": lambda folder: (folder / "src/a.txt").chmod(0o755),
    "moved with its folder": lambda folder: (folder / "src").rename(folder / "other"),
    "ignored by git, further down": lambda folder: (folder / "src/node_modules").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_file_is_noticed(workspace: Path, change: str) -> None:
    before = look_at(workspace.parent, FOLDER, {"node_modules"})
    CHANGES[change](workspace)
    assert look_at(workspace.parent, FOLDER, {"node_modules"}) != before


def test_what_is_skipped_and_what_came_and_went_changes_nothing(workspace: Path) -> None:
    before = look_at(workspace.parent, FOLDER, {"node_modules"})
    (workspace / ".git/index").write_text("new")
    (workspace / "node_modules/x/y").write_text("new")
    (workspace / "src/swap").touch()
    (workspace / "src/swap").unlink()
    assert look_at(workspace.parent, FOLDER, {"node_modules"}) == before


def test_links_lead_nowhere(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (workspace / "link").symlink_to(outside)
    before = look_at(workspace.parent, FOLDER)
    (outside / "secret").touch()
    assert look_at(workspace.parent, FOLDER) == before
    workspace.rename(workspace.with_name("gone"))
    nothing = look_at(workspace.parent, FOLDER)
    workspace.symlink_to(outside)
    assert look_at(workspace.parent, FOLDER) == nothing
    workspace.unlink()
    os.mkfifo(workspace)
    assert look_at(workspace.parent, FOLDER) == nothing


def test_look_is_bounded_in_breadth_and_depth(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_look, "MAX_ENTRIES", 2)
    (workspace / "a").touch()
    (workspace / "b").touch()
    before = look_at(workspace.parent, FOLDER)
    (workspace / "z").touch()
    assert look_at(workspace.parent, FOLDER) == before
    monkeypatch.undo()
    deep = workspace
    for _ in range(200):
        deep = deep / "d"
        deep.mkdir()
    look_at(workspace.parent, FOLDER)
