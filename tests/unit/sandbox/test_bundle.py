"""What the runtime is told of a sandbox, and the files that a sandbox sees."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from lot.core.errors import ImageDamagedError
from lot.core.ids import SandboxId
from lot.guest.spawn import SUDO_FOLDER
from lot.sandbox import bundle
from lot.sandbox.driver import ReadOnlyMount, Resources, SandboxSpec
from lot.sandbox.home import Installation, SandboxHome


@pytest.fixture
def home(tmp_path: Path) -> SandboxHome:
    made = Installation(tmp_path).home(SandboxId("box"))
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def spec(tmp_path: Path) -> SandboxSpec:
    (tmp_path / "program").write_text("one")
    (tmp_path / "program").chmod(0o755)
    (tmp_path / "tools").mkdir()
    mounts = (
        ReadOnlyMount(source=tmp_path / "tools", target=PurePosixPath("/opt/tools")),
        ReadOnlyMount(source=tmp_path / "program", target=PurePosixPath("/opt/program")),
    )
    return SandboxSpec(
        sandbox=SandboxId("box"),
        layers=(),
        upper=tmp_path / "upper",
        resources=Resources(cpus=2, memory_bytes=1 << 30),
        mounts=mounts,
        hostname="work",
        environment={"PATH": "/mine", "COLOUR": "red"},
    )


def test_sandbox_sees_copies_that_do_not_change_with_their_originals(home: SandboxHome, spec: SandboxSpec) -> None:
    bundle.place_files(home, spec)
    spec.mounts[1].source.write_text("two")
    assert (home.files / "mount-0").read_text() == "one"
    assert (home.files / "mount-0").stat().st_mode & 0o777 == 0o755
    assert "127.0.1.1 work\n" in (home.files / "hosts").read_text()
    assert (home.files / "hostname").read_text() == "work\n"
    assert (home.files / "resolv.conf").read_text().startswith("nameserver 10.200.0.1\n")


def test_sudo_is_ours_in_both_places_from_which_shells_take_it(home: SandboxHome, spec: SandboxSpec) -> None:
    bundle.place_files(home, spec)
    assert (home.files / "sudo").stat().st_mode & 0o777 == 0o755
    assert b"/opt/lot/guest.pyz" in (home.files / "sudo").read_bytes()
    targets = [str(file.target) for file in bundle.placed_files(spec) if file.name == "sudo"]
    assert targets == [f"{SUDO_FOLDER}/sudo", "/usr/local/bin/sudo"]


def test_saved_files_come_back_with_the_same_content_and_times(home: SandboxHome, spec: SandboxSpec) -> None:
    def state() -> dict[str, Any]:
        return {
            file.name: (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_mode)
            for file in home.files.iterdir()
        }

    bundle.place_files(home, spec)
    before = state()
    bundle.save_files(home, home.folder / "saved")
    spec.mounts[1].source.write_text("two")
    bundle.restore_files(home, spec, home.folder / "saved")
    assert state() == before


def test_image_without_a_file_that_is_mounted_is_refused(home: SandboxHome, spec: SandboxSpec) -> None:
    bundle.place_files(home, spec)
    bundle.save_files(home, home.folder / "saved")
    (home.folder / "saved/ca.crt").unlink()
    with pytest.raises(ImageDamagedError, match=r"ca\.crt"):
        bundle.restore_files(home, spec, home.folder / "saved")


def test_configuration_mounts_files_and_folders_read_only(home: SandboxHome, spec: SandboxSpec) -> None:
    bundle.write_bundle(home, spec, ("init", "--flag"))
    config = json.loads((home.folder / "config.json").read_text())
    binds = {mount["destination"]: mount for mount in config["mounts"] if mount["type"] == "bind"}
    assert binds["/opt/program"]["source"] == str(home.files / "mount-0")
    assert binds["/opt/tools"]["source"] == str(spec.mounts[0].source)
    assert all("ro" in mount["options"] for mount in binds.values())
    assert config["process"]["args"][-2:] == ["init", "--flag"]
    assert config["linux"]["cgroupsPath"] == f"/{home.cgroup}"


def test_environment_points_at_the_certificates_and_has_no_proxy(
    home: SandboxHome, spec: SandboxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secret@proxy")
    bundle.write_bundle(home, spec, ("init",))
    environment = json.loads((home.folder / "config.json").read_text())["process"]["env"]
    assert {"SSL_CERT_FILE=/opt/lot/ca.crt", "npm_config_cafile=/opt/lot/ca.crt"} <= set(environment)
    assert {"PATH=/mine", "COLOUR=red"} <= set(environment)
    assert not [value for value in environment if "proxy" in value.lower()]


def test_skeleton_is_made_by_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: bundle.ensure_skeleton(tmp_path / "skeleton"), range(32)))
    assert made == {tmp_path / "skeleton/2"}
    assert [entry.name for entry in (tmp_path / "skeleton").iterdir()] == ["2"]


def test_skeleton_is_made_once(tmp_path: Path) -> None:
    layer = bundle.ensure_skeleton(tmp_path / "skeleton")
    (layer / "mark").touch()
    assert bundle.ensure_skeleton(tmp_path / "skeleton") == layer
    assert (layer / "mark").exists()
    assert (layer / "tmp").stat().st_mode & 0o7777 == 0o1777
