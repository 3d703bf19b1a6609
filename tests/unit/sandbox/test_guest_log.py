"""The guest's log is on a disk that belongs to a stranger."""

import os
from pathlib import Path, PurePosixPath

import pytest

from lot.sandbox.guest_log import end_of_guest_log

LOG = PurePosixPath("/var/log/guest.log")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root/var/log").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    return tmp_path


def test_end_of_a_long_log_is_returned(folder: Path) -> None:
    (folder / "root/var/log/guest.log").write_text("x" * 100_000 + "\nlast words\n")
    said = end_of_guest_log(folder / "root", LOG)
    assert said.endswith("x\nlast words")
    assert len(said) <= 2000


def test_missing_log_says_nothing(folder: Path) -> None:
    assert end_of_guest_log(folder / "root", LOG) == ""


def test_link_to_a_file_of_the_host_is_not_followed(folder: Path) -> None:
    (folder / "root/var/log/guest.log").symlink_to(folder / "secret")
    assert end_of_guest_log(folder / "root", LOG) == ""


def test_link_instead_of_a_folder_is_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/guest.log").write_text("secret")
    (folder / "root/var/log").rmdir()
    (folder / "root/var/log").symlink_to(folder / "elsewhere")
    assert end_of_guest_log(folder / "root", LOG) == ""


def test_pipe_instead_of_a_file_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "root/var/log/guest.log")
    assert end_of_guest_log(folder / "root", LOG) == ""
