"""What the guest tells of files that grow."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from lot.guest import growth
from lot.guest.growth import GrowingFiles


def files_in(folder: Path, *, newer_than: float = 0.0, max_bytes: int = 100) -> GrowingFiles:
    return GrowingFiles(f"{folder}/*/tasks/*.output", newer_than, max_bytes)


def told(files: GrowingFiles) -> list[tuple[str, int, bytes]]:
    return [(one.name, one.offset, one.data) for one in files.news()]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    tasks = tmp_path / "session/tasks"
    tasks.mkdir(parents=True)
    return tasks


def test_only_what_is_new_is_told_and_no_more_than_the_limit(tmp_path: Path, tasks: Path) -> None:
    files = files_in(tmp_path, max_bytes=10)
    assert told(files) == []
    (tasks / "a.output").write_bytes(b"one ")
    (tasks / "other").write_bytes(b"not asked for")
    assert told(files) == [("a.output", 0, b"one ")]
    assert told(files) == []
    with (tasks / "a.output").open("ab") as file:
        file.write(b"two three four")
    assert told(files) == [("a.output", 4, b"two th")]
    assert told(files) == []


def test_folder_may_come_later_and_go(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    assert told(files) == []
    (tmp_path / "late/tasks").mkdir(parents=True)
    (tmp_path / "late/tasks/a.output").write_bytes(b"x")
    assert told(files) == [("a.output", 0, b"x")]
    (tmp_path / "late/tasks/a.output").unlink()
    (tmp_path / "late/tasks").rmdir()
    assert told(files) == []


def test_file_that_was_written_before_is_told_of_when_it_is_written_again(tmp_path: Path, tasks: Path) -> None:
    old = tasks / "old.output"
    old.write_bytes(b"old ")
    os.utime(old, (1, 1))
    files = files_in(tmp_path, newer_than=growth.newer_than(60.0))
    assert told(files) == []
    with old.open("ab") as file:
        file.write(b"new")
    assert told(files) == [("old.output", 0, b"old new")]


def test_links_pipes_and_folders_are_no_files(tmp_path: Path, tasks: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tasks / "link.output").symlink_to(tmp_path / "secret")
    (tasks / "folder.output").mkdir()
    os.mkfifo(tasks / "pipe.output")
    assert told(files_in(tmp_path)) == []


def test_only_the_newest_files_are_looked_at(tmp_path: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "MAX_FILES", 2)
    for age, name in enumerate("abcd"):
        (tasks / f"{name}.output").write_bytes(b"x")
        os.utime(tasks / f"{name}.output", (1000 - age, 1000 - age))
    assert {name for name, _, _ in told(files_in(tmp_path))} == {"a.output", "b.output"}


def test_shell_that_writes_a_file_is_named_with_its_first_bytes(tmp_path: Path, tasks: Path) -> None:
    files = files_in(tmp_path)
    with (tasks / "a.output").open("wb") as output:
        process = subprocess.Popen(["sh", "-c", "echo hello; sleep 60; :"], stdout=output, start_new_session=True)
    try:
        found = []
        while not found:
            found = list(files.news())
            time.sleep(0.005)
        assert "echo hello; sleep 60" in found[0].writer
        with (tasks / "a.output").open("ab") as output:
            output.write(b"more")
        assert [one.writer for one in files.news()] == [""]
    finally:
        os.killpg(process.pid, 9)
        process.wait()
