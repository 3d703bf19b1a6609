"""Every change of a layer changes its hash, and nothing else does."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lot.sandbox.layer_measure import measure_layer


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    folder = tmp_path / "layer"
    (folder / "usr" / "bin").mkdir(parents=True)
    (folder / "usr" / "bin" / "tool").write_bytes(b"tool" * 1000)
    (folder / "empty").touch()
    (folder / "link").symlink_to("/nowhere")
    return folder


def test_layer_is_counted_and_its_hash_is_the_same_again(layer: Path) -> None:
    measured = measure_layer(layer)
    assert (measured.files, measured.total_bytes) == (2, 4000)
    os.utime(layer / "empty", (0, 0))
    assert measure_layer(layer) == measured


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda layer: (layer / "usr/bin/tool").write_bytes(b"tOol" * 1000),
    "mode": lambda layer: (layer / "usr/bin/tool").chmod(0o777),
    "name": lambda layer: (layer / "empty").rename(layer / "full"),
    "folder": lambda layer: (layer / "usr" / "lib").mkdir(),
    "removed": lambda layer: (layer / "empty").unlink(),
    "target": lambda layer: (layer / "link").unlink() or (layer / "link").symlink_to("/somewhere"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(layer: Path, change: str) -> None:
    before = measure_layer(layer).xxh3_128
    CHANGES[change](layer)
    assert measure_layer(layer).xxh3_128 != before
