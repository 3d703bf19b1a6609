"""The examination goes on to its end on a machine where nothing is right."""

from pathlib import Path

from lot.config import Settings
from lot.doctor.check import Status
from lot.doctor.examination import examine
from lot.doctor.isolation import CgroupFacts
from lot.doctor.probes import Probes

BARE_MACHINE = Probes(
    euid=lambda: 1000,
    sudo=lambda: None,
    system=lambda: "Linux",
    release=lambda: "3.10.0",
    processor=lambda: "riscv64",
    has_kvm=lambda: False,
    available_memory=lambda: 0,
    free_disk=lambda folder: 0,
    cgroups=lambda: CgroupFacts(v1={}, v2={}, has_v2=False),
    overlay=lambda folder: "no",
    network_namespace=lambda: "no",
    user_namespace=lambda: "no",
    nftables=lambda: "no",
    ip_forward=lambda: "",
    can_set_ip_forward=lambda: False,
    runtime=lambda folder: "none",
    missing_image_tools=lambda: ("skopeo",),
    agent_version=lambda: None,
    git_version=lambda: None,
    nameservers=lambda: (),
    refused_lookup=lambda: None,
    certificates=lambda: 0,
    port=lambda host, port: "in use",
)


def test_everything_wrong_is_told_at_once_each_with_its_mending(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, runtime_dir=tmp_path, images_dir=tmp_path)
    checks = list(examine(settings, BARE_MACHINE))
    wrong = [check for check in checks if check.status is not Status.OK]
    assert [check.name for check in checks if check.status is Status.OK] == ["kvm"]
    assert all(check.mend for check in wrong)
    assert len({check.name for check in checks}) == len(checks)
