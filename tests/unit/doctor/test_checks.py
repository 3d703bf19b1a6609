"""Each check says what is wrong with a machine and how to mend it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lot.doctor import isolation, machine, parts, surroundings
from lot.doctor.check import Status
from lot.doctor.isolation import CgroupFacts
from lot.sandbox.base_image import BaseImage
from lot.sandbox.runtime import Proof, Rejected, Runtime

RUNTIME = Runtime(
    path=Path("/r/runsc"),
    version="1.0",
    source="debian-trixie",
    sha256="00",
    platform="systrap",
    needs_sysctl_mask=True,
    features=frozenset(),
    global_flags=(),
    kernel="6.1",
    proved_at=datetime(2026, 1, 1, tzinfo=UTC),
    rejected=(Rejected(source="upstream", reason="no network"),),
)
PROOF = Proof(platform="systrap", needs_sysctl_mask=True, boot_s=0.3, checkpoint_s=0.1, restore_s=0.2, total_s=0.7)
ALL_WRITABLE = {"memory": True, "cpu": True, "pids": True}


@pytest.mark.parametrize(
    ("euid", "sudo", "status"),
    [(0, None, Status.OK), (1000, "/usr/bin/sudo", Status.WARN), (1000, None, Status.FAIL)],
)
def test_without_root_and_sudo_nothing_works(euid: int, sudo: str | None, status: Status) -> None:
    assert machine.check_privileges(euid, sudo).status is status


@pytest.mark.parametrize(
    ("system", "release", "status"),
    [
        ("Linux", "6.1.0-35-amd64", Status.OK),
        ("Linux", "4.14.77", Status.OK),
        ("Linux", "4.14.76", Status.FAIL),
        ("Linux", "3.10.0-1160.el7", Status.FAIL),
        ("Darwin", "24.1.0", Status.FAIL),
    ],
)
def test_old_kernel_fails(system: str, release: str, status: Status) -> None:
    assert machine.check_kernel(system, release).status is status


def test_unknown_processor_fails() -> None:
    assert machine.check_processor("riscv64").status is Status.FAIL
    assert machine.check_processor("aarch64").status is Status.OK


def test_kvm_is_never_needed() -> None:
    checks = [
        machine.check_kvm(False, None),
        machine.check_kvm(True, "it hangs\nfor ever"),
        machine.check_kvm(True, None),
    ]
    assert [check.status for check in checks] == [Status.OK] * 3
    assert "it hangs" in checks[1].seen


@pytest.mark.parametrize(("free", "status"), [(1 << 30, Status.FAIL), (5 << 30, Status.WARN), (99 << 30, Status.OK)])
def test_no_disk_space_fails_and_little_warns(free: int, status: Status) -> None:
    assert machine.check_disk(Path("/data"), free).status is status


@pytest.mark.parametrize(("free", "status"), [(1 << 30, Status.FAIL), (3 << 30, Status.WARN), (9 << 30, Status.OK)])
def test_no_memory_fails_and_little_warns(free: int, status: Status) -> None:
    assert machine.check_memory(free).status is status


@pytest.mark.parametrize(
    ("facts", "layout", "status"),
    [
        (CgroupFacts(v1=ALL_WRITABLE, v2={}, has_v2=False), "v1", Status.OK),
        (CgroupFacts(v1=ALL_WRITABLE, v2={}, has_v2=True), "hybrid", Status.OK),
        (CgroupFacts(v1={}, v2=ALL_WRITABLE, has_v2=True), "v2", Status.OK),
        (CgroupFacts(v1={}, v2=ALL_WRITABLE | {"pids": False}, has_v2=True), "v2", Status.FAIL),
        (CgroupFacts(v1={}, v2={}, has_v2=False), "none", Status.FAIL),
    ],
)
def test_cgroups_of_every_layout_are_judged(facts: CgroupFacts, layout: str, status: Status) -> None:
    check = isolation.check_cgroups(facts)
    assert check.status is status
    assert check.seen.startswith(layout)


def test_what_isolation_needs_of_the_kernel_fails_with_what_was_said() -> None:
    checks = [
        isolation.check_overlay("unknown filesystem type"),
        isolation.check_network_namespaces("Operation not permitted"),
        isolation.check_user_namespaces("unshare failed"),
        isolation.check_nftables("No such file: nft"),
    ]
    assert [check.status for check in checks] == [Status.FAIL] * 4
    assert [check.seen for check in checks] == [
        "unknown filesystem type",
        "Operation not permitted",
        "unshare failed",
        "No such file: nft",
    ]


def test_forwarding_fails_only_where_it_is_off_and_cannot_be_turned_on() -> None:
    assert isolation.check_forwarding("0\n", False).status is Status.FAIL
    assert isolation.check_forwarding("0\n", True).status is Status.OK
    assert isolation.check_forwarding("1\n", False).status is Status.OK


def test_no_runsc_fails_and_a_chosen_one_tells_what_was_passed_over() -> None:
    assert parts.check_runtime("no proven runtime").status is Status.FAIL
    assert "upstream (no network)" in parts.check_runtime(RUNTIME).seen
    assert "/proc/sys/net/core" not in parts.check_runtime(replace(RUNTIME, needs_sysctl_mask=False)).seen


def test_self_test_tells_its_seconds_or_its_failure() -> None:
    assert "restore 0.20 s" in parts.check_self_test(PROOF).seen
    assert parts.check_self_test("memory differs").status is Status.FAIL


def test_missing_or_emptied_base_image_fails(tmp_path: Path) -> None:
    image = BaseImage(
        image_id="debian-x", folder=tmp_path, total_bytes=1, files=1, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert parts.check_base_image(None, tmp_path).status is Status.FAIL
    assert parts.check_base_image(image, tmp_path).status is Status.FAIL
    image.rootfs.mkdir()
    assert parts.check_base_image(image, tmp_path).status is Status.OK


def test_missing_image_tools_are_named_and_no_failure() -> None:
    found = parts.check_image_tools(["umoci"])
    assert (found.status, found.mend) == (Status.WARN, "`apt-get install umoci`")
    assert parts.check_image_tools([]).status is Status.OK


def test_agent_that_does_not_run_fails() -> None:
    assert parts.check_agent(Path("/claude"), None).status is Status.FAIL
    assert parts.check_agent(Path("/claude"), "2.1").status is Status.OK


@pytest.mark.parametrize(
    ("version", "status"),
    [(None, Status.FAIL), ("git version 2.30.2", Status.FAIL), ("git version 2.39.5", Status.OK)],
)
def test_missing_or_old_git_fails(version: str | None, status: Status) -> None:
    assert parts.check_git(version).status is status


def test_resolver_that_does_not_answer_warns() -> None:
    assert surroundings.check_resolver((), 0.0).status is Status.WARN
    assert surroundings.check_resolver(("192.0.2.1",), None).status is Status.WARN
    assert surroundings.check_resolver(("192.0.2.1",), 0.01).status is Status.OK


def test_missing_certificates_fail() -> None:
    assert surroundings.check_certificates(Path("/bundle"), 0).status is Status.FAIL


def test_port_in_use_warns() -> None:
    assert surroundings.check_port("127.0.0.1", 7070, "in use").status is Status.WARN


def test_missing_key_warns_unless_the_provider_needs_none() -> None:
    assert surroundings.check_provider("anthropic", False, False).status is Status.WARN
    assert surroundings.check_provider("anthropic", False, True).status is Status.OK
    assert surroundings.check_provider("rehearsal", False, False).status is Status.OK
