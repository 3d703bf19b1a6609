"""Probes read a machine's files and never raise for what is missing."""

import socket
from pathlib import Path

from lot.doctor import probes

HYBRID = """\
25 1 0:22 / {root}/memory rw,relatime - cgroup cgroup rw,memory
26 1 0:23 / {root}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
27 1 0:24 / {root}/systemd rw,relatime - cgroup cgroup rw,name=systemd
28 1 0:25 / {root}/unified rw,relatime - cgroup2 cgroup2 rw
"""


def test_controllers_are_read_from_both_cgroup_versions(tmp_path: Path) -> None:
    for name in ("memory", "cpu", "systemd", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified/cgroup.controllers").write_text("pids\n")
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(HYBRID.format(root=tmp_path))
    facts = probes.cgroup_facts(mountinfo)
    assert facts.layout == "hybrid"
    assert facts.v1 == {"memory": True, "cpu": True, "cpuacct": True}
    assert facts.v2 == {"pids": True}


def test_missing_files_give_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert probes.cgroup_facts(gone).layout == "none"
    assert probes.available_memory(gone) == 0
    assert probes.nameservers(gone) == ()
    assert probes.version_line([str(gone), "--version"]) is None


def test_available_memory_is_in_bytes(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:       2 kB\n")
    assert probes.available_memory(meminfo) == 2048


def test_disk_is_asked_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert probes.nearest_existing(tmp_path / "not/yet/made") == tmp_path


def test_port_in_use_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert probes.try_port("127.0.0.1", port) == "in use"


def test_command_that_fails_says_why() -> None:
    assert probes.version_line(["false"]) is None
