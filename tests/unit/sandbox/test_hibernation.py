"""Images on disk: nothing bears an image's name before it is whole, and nothing altered passes."""

import json
import os
from pathlib import Path

import pytest

from lot.core.errors import ImageDamagedError
from lot.sandbox import hibernation
from lot.sandbox.driver import HibernationImage


def _write(into: Path, memory: bytes = b"m" * 9_000_000, image: str = "one") -> HibernationImage:
    partial = into.with_name(f"{into.name}.partial")
    for name, content in (("memory/pages.img", memory), ("memory/checkpoint.img", b"state"), ("files/hosts", b"h")):
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_bytes(content)
    content = hibernation.describe_content(partial)
    assert not into.exists() or hibernation.read_image(into).manifest["image"] != image
    return hibernation.finish_image(partial, into, content, {"image": image, "sandbox": "box"})


def test_finished_image_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = _write(tmp_path / "image")
    assert hibernation.read_image(tmp_path / "image") == written
    assert written.total_bytes == 9_000_006
    hibernation.verify_content(written)
    hibernation.require_this_processor(written)
    assert os.listdir(tmp_path) == ["image"]


def test_new_image_replaces_an_old_one_of_the_same_name(tmp_path: Path) -> None:
    _write(tmp_path / "image")
    _write(tmp_path / "image", b"other", "two")
    replaced = hibernation.read_image(tmp_path / "image")
    assert replaced.manifest["image"] == "two"
    hibernation.verify_content(replaced)
    assert os.listdir(tmp_path) == ["image"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("memory/pages.img", b"n" + b"m" * 8_999_999, "content of pages.img has changed"),
        ("memory/pages.img", b"m" * 8_999_999, "8999999 bytes instead of 9000000"),
        ("memory/more.img", b"", "does not hold the files.*more.img"),
        ("files/hosts", None, "does not hold the files.*hosts"),
    ],
)
def test_altered_image_is_refused(tmp_path: Path, name: str, content: bytes | None, complaint: str) -> None:
    image = _write(tmp_path / "image")
    if content is None:
        (image.folder / name).unlink()
    else:
        (image.folder / name).write_bytes(content)
    with pytest.raises(ImageDamagedError, match=complaint):
        hibernation.verify_content(image)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "files": 3}', "\0" * 100])
def test_manifest_that_is_no_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    image = _write(tmp_path / "image")
    (image.folder / hibernation.MANIFEST).write_text(manifest)
    with pytest.raises(ImageDamagedError):
        hibernation.read_image(image.folder)


def test_file_replaced_by_a_link_is_refused(tmp_path: Path) -> None:
    image = _write(tmp_path / "image")
    os.rename(image.folder / "memory/pages.img", tmp_path / "elsewhere")
    (image.folder / "memory/pages.img").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImageDamagedError, match=r"pages\.img cannot be read"):
        hibernation.verify_content(image)


@pytest.mark.parametrize(
    ("cpu", "complaint"),
    [
        ({"architecture": "m68k", "features": []}, "is for m68k"),
        ({"architecture": os.uname().machine, "features": ["timetravel"]}, "lacks: timetravel"),
    ],
)
def test_image_of_another_processor_is_refused(tmp_path: Path, cpu: dict[str, object], complaint: str) -> None:
    image = _write(tmp_path / "image")
    manifest = json.loads((image.folder / hibernation.MANIFEST).read_text()) | {"cpu": cpu}
    (image.folder / hibernation.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ImageDamagedError, match=complaint):
        hibernation.require_this_processor(hibernation.read_image(image.folder))
