"""A start or a pause that the host has no room for is refused with the figures."""

from pathlib import Path

import pytest

from lot.core.errors import HostFullError
from lot.sandbox import host_room

_GIB = 1 << 30


def test_memory_is_refused_below_the_reserve(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  8388608 kB\nMemAvailable:  3145728 kB\n")
    host_room.require_memory(2 * _GIB, _GIB, meminfo)
    with pytest.raises(HostFullError, match=r"needs 2049 MiB.*3072 MiB available.*1024 MiB in reserve"):
        host_room.require_memory(2 * _GIB + (1 << 20), _GIB, meminfo)


def test_resume_asks_for_a_little_more_than_its_image_holds() -> None:
    assert 0 < host_room.memory_of_resume(0) < host_room.FIRST_BOOT_BYTES
    assert host_room.memory_of_resume(_GIB) > _GIB


def test_disk_is_refused_below_the_reserve_also_for_a_folder_that_is_not_there(tmp_path: Path) -> None:
    host_room.require_disk(tmp_path / "not/yet", 1, 1)
    with pytest.raises(HostFullError, match="disk are needed in"):
        host_room.require_disk(tmp_path / "not/yet", 1 << 60, 1)
    with pytest.raises(HostFullError, match="kept in reserve"):
        host_room.require_disk(tmp_path, 1, 1 << 60)
