"""Control groups on folders that look like the kernel's: each version gets the right values in the right files."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lot.core.errors import UnavailableError
from lot.sandbox.cgroups import CgroupsV1, CgroupsV2, detect_cgroups
from lot.sandbox.driver import Resources

RESOURCES = Resources(cpus=2, memory_bytes=1 << 30, max_processes=100)
NAME = "lot-1a2b3c/box"
V1_FILES = {
    "cpu": ("cpu.cfs_period_us", "cpu.cfs_quota_us"),
    "cpuacct": ("cpuacct.usage",),
    "cpuset": ("cpuset.cpus", "cpuset.mems"),
    "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.stat", "memory.oom_control"),
    "pids": ("pids.max",),
    "freezer": ("freezer.state",),
    "systemd": (),
}
V2_FILES = (
    *("cgroup.controllers", "cgroup.subtree_control", "cgroup.freeze", "cgroup.events", "cgroup.kill", "cpu.max"),
    *("cpu.stat", "memory.max", "memory.oom.group", "memory.swap.max", "memory.stat", "memory.events", "pids.max"),
)


@pytest.fixture
def version_1(tmp_path: Path) -> CgroupsV1:
    """A hybrid host's groups: everything in version 1, an empty unified tree beside it."""
    for controller, files in V1_FILES.items():
        for folder in (tmp_path / controller, tmp_path / controller / "lot-1a2b3c", tmp_path / controller / NAME):
            _fill(folder, files)
    for folder in (tmp_path / "cpuset", tmp_path / "cpuset/lot-1a2b3c", tmp_path / "cpuset" / NAME):
        (folder / "cpuset.cpus").write_text("")
    (tmp_path / "cpuset/cpuset.cpus").write_text("0-3\n")
    (tmp_path / "cpuset/cpuset.mems").write_text("0\n")
    mounts = [f"cgroup {tmp_path}/{controller} cgroup rw,relatime,{controller} 0 0" for controller in V1_FILES]
    mounts = [line.replace(",systemd ", ",name=systemd ") for line in mounts]
    mounts.append(f"cgroup2 {tmp_path}/unified cgroup2 rw 0 0")
    found = detect_cgroups("\n".join(mounts))
    assert isinstance(found, CgroupsV1)
    return found


@pytest.fixture
def version_2(tmp_path: Path) -> CgroupsV2:
    """A unified host's groups."""
    for folder in (tmp_path, tmp_path / "lot-1a2b3c", tmp_path / NAME):
        _fill(folder, V2_FILES)
        (folder / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    found = detect_cgroups(f"cgroup2 {tmp_path} cgroup2 rw,nsdelegate 0 0")
    assert isinstance(found, CgroupsV2)
    return found


def test_version_1_limits_processor_memory_and_processes(version_1: CgroupsV1, tmp_path: Path) -> None:
    version_1.create(NAME, RESOURCES)
    assert _values(tmp_path, "cpu", "cpu.cfs_period_us", "cpu.cfs_quota_us") == ["100000", "200000"]
    assert _values(tmp_path, "memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes") == [str(1 << 30)] * 2
    assert _values(tmp_path, "pids", "pids.max") == ["100"]
    assert _values(tmp_path, "cpuset", "cpuset.cpus", "cpuset.mems") == ["0-3", "0"]


def test_version_1_is_joined_in_every_hierarchy(version_1: CgroupsV1, tmp_path: Path) -> None:
    assert set(version_1.joins(NAME)) == {tmp_path / controller / NAME / "cgroup.procs" for controller in V1_FILES}


def test_version_1_tells_use_and_want_of_memory(version_1: CgroupsV1, tmp_path: Path) -> None:
    (tmp_path / "memory" / NAME / "memory.stat").write_text(
        "cache 900\ntotal_cache 900\ntotal_rss 100\ntotal_shmem 20\n"
    )
    (tmp_path / "cpuacct" / NAME / "cpuacct.usage").write_text("1500000000\n")
    oom = tmp_path / "memory" / NAME / "memory.oom_control"
    oom.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
    assert (version_1.memory_bytes(NAME), version_1.cpu_s(NAME)) == (120, 1.5)
    assert not version_1.has_run_out_of_memory(NAME)
    oom.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert version_1.has_run_out_of_memory(NAME)


def test_version_1_lifts_the_limit_and_thaws(version_1: CgroupsV1, tmp_path: Path) -> None:
    version_1.lift_memory_limit(NAME)
    version_1.thaw(NAME)
    assert _values(tmp_path, "memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes") == ["-1", "-1"]
    assert _values(tmp_path, "freezer", "freezer.state") == ["THAWED"]


def test_version_2_limits_processor_memory_and_processes(version_2: CgroupsV2, tmp_path: Path) -> None:
    version_2.create(NAME, RESOURCES)
    assert _values(tmp_path, "", "cpu.max", "memory.max", "pids.max") == ["200000 100000", str(1 << 30), "100"]
    assert _values(tmp_path, "", "memory.oom.group", "memory.swap.max") == ["1", "0"]
    for parent in (tmp_path, tmp_path / "lot-1a2b3c"):
        assert (parent / "cgroup.subtree_control").read_text() == "+cpuset +cpu +memory +pids"
    assert (tmp_path / NAME / "cgroup.subtree_control").read_text() == ""
    assert version_2.joins(NAME) == (tmp_path / NAME / "cgroup.procs",)


def test_version_2_leaves_controllers_alone_that_are_handed_down(version_2: CgroupsV2, tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("memory cpu cpuset io pids\n")
    version_2.create(NAME, RESOURCES)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "memory cpu cpuset io pids\n"


def test_version_2_names_the_controllers_that_it_lacks(version_2: CgroupsV2, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(UnavailableError, match="cpuset, memory"):
        version_2.create(NAME, RESOURCES)


def test_version_2_tells_use_and_want_of_memory(version_2: CgroupsV2, tmp_path: Path) -> None:
    (tmp_path / NAME / "memory.stat").write_text("anon 100\nfile 900\nshmem 20\n")
    (tmp_path / NAME / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
    (tmp_path / NAME / "memory.events").write_text("max 9\noom 1\noom_kill 1\n")
    assert (version_2.memory_bytes(NAME), version_2.cpu_s(NAME)) == (120, 1.5)
    assert version_2.has_run_out_of_memory(NAME)


def test_version_2_freeze_waits_until_all_stand_still(version_2: CgroupsV2, tmp_path: Path) -> None:
    events = tmp_path / NAME / "cgroup.events"
    events.write_text("populated 1\nfrozen 0\n")
    freezing = threading.Thread(target=version_2.freeze, args=(NAME,))
    freezing.start()
    _until(lambda: _values(tmp_path, "", "cgroup.freeze") == ["1"])
    assert freezing.is_alive()
    events.write_text("populated 1\nfrozen 1\n")
    freezing.join(10)
    assert not freezing.is_alive()


def test_version_2_kills_the_whole_group_at_once(version_2: CgroupsV2, tmp_path: Path) -> None:
    members = tmp_path / NAME / "cgroup.procs"
    members.write_text("4194300\n")  # beyond every real process: only the kernel's own way may be used
    killing = threading.Thread(target=version_2.kill, args=(NAME,))
    killing.start()
    _until(lambda: _values(tmp_path, "", "cgroup.kill") == ["1"])
    members.write_text("")
    killing.join(10)
    assert not killing.is_alive()


def test_groups_are_listed_and_a_missing_parent_has_none(version_1: CgroupsV1, version_2: CgroupsV2) -> None:
    for groups in (version_1, version_2):
        assert groups.names("lot-1a2b3c") >= {"box"}
        assert groups.names("lot-missing") == frozenset()


def test_host_without_groups_is_told_so() -> None:
    with pytest.raises(UnavailableError, match="cgroup2"):
        detect_cgroups("proc /proc proc rw 0 0")
    with pytest.raises(UnavailableError, match="freezer"):
        detect_cgroups("cgroup /sys/fs/cgroup/x cgroup rw,memory,cpu,cpuacct,cpuset,pids 0 0")


def _fill(folder: Path, files: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*files, "cgroup.procs"):
        (folder / file).write_text("")


def _values(root: Path, controller: str, *files: str) -> list[str]:
    return [(root / controller / NAME / file).read_text().strip() for file in files]


def _until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)
