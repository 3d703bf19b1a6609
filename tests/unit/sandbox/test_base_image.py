"""The base image is named by its recipe and appears only when it is whole."""

import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from lot.core.errors import SetupError
from lot.sandbox import base_image
from lot.sandbox.base_image import Recipe, ensure_base_image, find_base_image
from lot.sandbox.debian_mirror import AptSource
from lot.sandbox.progress import silent

SOURCES = [AptSource(uri="http://mirror.example/debian", suite="trixie", components=("main",))]
RECIPE = Recipe(mirrors=("http://mirror.example/debian trixie",))
DiskUsage = namedtuple("DiskUsage", "total used free")


def finished_image(images_dir: Path, image_id: str) -> Path:
    folder = images_dir / image_id
    (folder / "rootfs").mkdir(parents=True)
    manifest = {"id": image_id, "total_bytes": 5, "files": 1, "created_at": "2026-01-01T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def as_root_with_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(base_image, "KEYRING", Path("/"))


def test_the_name_changes_with_the_recipe() -> None:
    assert Recipe().image_id == Recipe().image_id
    assert Recipe().image_id != Recipe(packages=("git",)).image_id
    assert Recipe().image_id != RECIPE.image_id


def test_image_of_the_recipe_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = finished_image(tmp_path, RECIPE.image_id)
    image = ensure_base_image(tmp_path, silent, SOURCES)
    assert image.folder == folder
    assert find_base_image(tmp_path) == image
    assert os.readlink(tmp_path / "base") == RECIPE.image_id


def test_older_image_stays_when_another_becomes_the_current_one(tmp_path: Path) -> None:
    older = finished_image(tmp_path, "debian-older")
    (tmp_path / "base").symlink_to("debian-older")
    finished_image(tmp_path, RECIPE.image_id)
    ensure_base_image(tmp_path, silent, SOURCES)
    assert older.is_dir()
    assert (tmp_path / "base").resolve().name == RECIPE.image_id


def test_there_is_no_image_before_set_up(tmp_path: Path) -> None:
    assert find_base_image(tmp_path) is None


@pytest.mark.usefixtures("as_root_with_tools")
def test_too_little_disk_is_refused_before_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: DiskUsage(1 << 40, 1 << 40, 1 << 20))
    with pytest.raises(SetupError, match="free some"):
        ensure_base_image(tmp_path, silent, SOURCES)


def test_without_root_the_next_step_is_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="sudo"):
        ensure_base_image(tmp_path, silent, SOURCES)


def test_without_mmdebstrap_the_next_step_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SetupError, match="apt-get install mmdebstrap"):
        ensure_base_image(tmp_path, silent, SOURCES)


@pytest.mark.usefixtures("as_root_with_tools")
def test_failed_build_tells_what_was_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mmdebstrap").write_text('#!/bin/sh\ncat >/dev/null\nmkdir -p "$PWD"\necho E: no such release\nexit 3\n')
    (tools / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    images = tmp_path / "images"
    stale = images / ".building-killed"
    stale.mkdir(parents=True)
    with pytest.raises(SetupError, match="no such release"):
        ensure_base_image(images, silent, SOURCES)
    assert [path.name for path in images.iterdir()] == [".lock"]
