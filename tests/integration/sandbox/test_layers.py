"""Overlays on a real kernel: many layers, folders renamed across them, an upper that becomes a layer."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lot.config import Settings
from lot.sandbox import layers

pytestmark = [pytest.mark.sandbox]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a real disk: an overlay's upper must not lie on another overlay."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    made = Settings().images_dir.parent / f"test-{secrets.token_hex(4)}, with: odd\\characters"
    made.mkdir(parents=True)
    yield made
    layers.unmount(made / "root")
    shutil.rmtree(made)


def _layer(folder: Path, name: str, **files: str) -> Path:
    layer = folder / name
    layer.mkdir()
    for file, content in files.items():
        (layer / file).write_text(content)
    return layer


def test_a_hundred_layers_are_joined_and_the_highest_wins(folder: Path) -> None:
    stack = [_layer(folder, f"layer-{n:03}", every=str(n), **{f"only{n}": str(n)}) for n in range(100)]
    layers.mount_overlay(stack, folder / "upper", folder / "root")
    assert (folder / "root/every").read_text() == "99"
    assert (folder / "root/only0").read_text() == "0"
    assert len(list((folder / "root").iterdir())) == 101


def test_folder_of_a_layer_can_be_renamed_and_stays_so_in_the_layer_made_of_the_upper(folder: Path) -> None:
    base = _layer(folder, "base")
    (base / "modules").mkdir()
    (base / "modules/file").write_text("content")
    (base / "gone").write_text("")
    layers.mount_overlay([base], folder / "upper", folder / "root")
    os.rename(folder / "root/modules", folder / "root/renamed")
    (folder / "root/gone").unlink()
    layers.unmount(folder / "root")
    layers.mount_overlay([base, folder / "upper"], folder / "upper2", folder / "root")
    assert sorted(path.name for path in (folder / "root").iterdir()) == ["renamed"]
    assert (folder / "root/renamed/file").read_text() == "content"


def test_new_disk_is_open_to_every_user_inside_whatever_our_umask(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        layers.mount_overlay([_layer(folder, "base")], folder / "upper", folder / "root")
    finally:
        os.umask(before)
    assert (folder / "root").stat().st_mode & 0o777 == 0o755


def test_on_the_host_no_program_of_a_sandbox_gains_privileges(folder: Path) -> None:
    layers.mount_overlay([_layer(folder, "base")], folder / "upper", folder / "root")
    assert os.statvfs(folder / "root").f_flag & os.ST_NOSUID
    assert os.statvfs(folder / "root").f_flag & os.ST_NODEV


def test_unmounting_repeats_and_works_while_a_file_is_open(folder: Path) -> None:
    layers.mount_overlay([_layer(folder, "base", file="x")], folder / "upper", folder / "root")
    layers.mount_overlay([folder / "base"], folder / "upper2", folder / "root")
    with (folder / "root/file").open():
        layers.unmount(folder / "root")
    assert not (folder / "root").is_mount()
    layers.unmount(folder / "root")


def test_missing_layer_is_an_error_and_leaves_no_mount(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        layers.mount_overlay([folder / "missing"], folder / "upper", folder / "root")
    assert not (folder / "root").is_mount()


def test_disk_remembers_which_image_fits_it_and_a_copy_with_attributes_does_too(folder: Path) -> None:
    upper = _layer(folder, "upper")
    assert layers.image_that_fits(upper) is None
    layers.say_disk_fits(upper, "image1")
    shutil.copytree(upper, folder / "copy")
    assert layers.image_that_fits(upper) == layers.image_that_fits(folder / "copy") == "image1"
    layers.say_disk_moves_on(upper)
    assert layers.image_that_fits(upper) == "running"
