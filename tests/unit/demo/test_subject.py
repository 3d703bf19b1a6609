"""The example repository, and how a line to change is found in any other."""

import json
import subprocess
from pathlib import Path

import pytest

from lot.core.errors import RepositoryError
from lot.demo.prompts import change_prompt
from lot.demo.subject import Change, example, repository
from lot.examples import vite_react


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=T", "-c", "user.email=t@test")
    return subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Return an empty repository."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def commit(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


def test_the_example_is_a_clean_repository_and_is_made_once(tmp_path: Path):
    made = vite_react.make_repository(tmp_path / "a" / "repository")
    assert git(made, "status", "--porcelain") == ""
    assert "package-lock.json" in git(made, "ls-files")
    head = git(made, "rev-parse", "HEAD")
    assert git(vite_react.make_repository(made), "rev-parse", "HEAD") == head
    assert [entry.name for entry in made.parent.iterdir()] == ["repository"]


def test_the_examples_change_fits_the_example(tmp_path: Path):
    subject = example(tmp_path)
    text = Path(subject.source, subject.change.file).read_text()
    assert text.count(subject.change.old) == 1
    assert subject.change.new not in text
    assert len({subject.change.old, subject.change.new, subject.change.next().new}) == 3
    assert subject.change.next().old == subject.change.new


def test_the_examples_packages_are_pinned_and_name_no_registry(tmp_path: Path):
    folder = Path(vite_react.make_repository(tmp_path / "r"))
    package = json.loads((folder / "package.json").read_text())
    lock = json.loads((folder / "package-lock.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(version[0].isdigit() for version in versions.values())
    assert all(lock["packages"][f"node_modules/{name}"]["version"] == version for name, version in versions.items())
    assert not any("resolved" in entry for entry in lock["packages"].values())
    linux = ("-linux-x64-gnu", "-linux-arm64-gnu", "linux-x64", "linux-arm64")
    for name, entry in lock["packages"].items():
        if name and (not entry.get("optional") or name.endswith(linux)):
            assert entry["integrity"], name


def test_a_line_that_stands_once_is_changed_in_the_readme_first(origin: Path):
    commit(origin, a_dot_txt=b"some words here\n", README_dot_md=b"twice\ntwice\n\n# Once only\n")
    subject = repository(str(origin), setup=None, dev="x", port=80)
    assert subject.change == Change(file="README.md", old="# Once only", new="# Once only (changed by the Lot demo)")


def test_binary_windows_and_linked_files_are_passed_over(origin: Path):
    (origin / "README").symlink_to("zzz")
    commit(origin, a=b"\xff\xfe\x00\n", b=b"windows line\r\n", zzz=b"a plain line\n")
    assert repository(str(origin), setup=None, dev="x", port=80).change.file == "zzz"


def test_a_repository_without_text_or_that_cannot_be_reached_is_refused(origin: Path, tmp_path: Path):
    commit(origin, a=b"\xff\xfe\x00")
    with pytest.raises(RepositoryError, match="no text file"):
        repository(str(origin), setup=None, dev="x", port=80)
    with pytest.raises(RepositoryError, match="git clone"):
        repository(str(tmp_path / "nowhere"), setup=None, dev="x", port=80)


def test_a_model_is_asked_in_words_and_the_rehearsal_by_its_scenario():
    change = Change(file="a.txt", old='say "x"', new='say "y"')
    assert change.new in change_prompt("anthropic", change)
    directive, _, arguments = change_prompt("rehearsal", change).partition(" ")
    assert directive == "@@demo_change"
    assert json.loads(arguments) == {"file": "a.txt", "old": 'say "x"', "new": 'say "y"'}
