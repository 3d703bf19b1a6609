"""What is added to an image, and what is taken out of it."""

import os
import stat
from pathlib import Path

import pytest

from lot.core.errors import ImageUnfitError
from lot.sandbox.image_fitting import UID, fit, sandbox_environment, tidy
from lot.sandbox.image_inspection import STANDARD_PATH

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files of other users need root")

ROOT_ENTRY = "root:x:0:0:root:/root:/bin/bash\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a root user and no other."""
    root = tmp_path / "rootfs"
    (root / "etc").mkdir(parents=True)
    (root / "home").mkdir()
    (root / "etc/passwd").write_text(ROOT_ENTRY)
    (root / "etc/group").write_text("root:x:0:")
    return root


def fitted(root: Path, *variables: str) -> Path:
    fit(root, sandbox_environment(list(variables)))
    return root


def test_user_lot_is_added_with_home_and_workspace_of_its_own(root: Path) -> None:
    fitted(root)
    assert (root / "etc/passwd").read_text() == f"lot:x:1000:1000::/home/lot:/bin/bash\n{ROOT_ENTRY}"
    assert (root / "etc/group").read_text() == "root:x:0:\nlot:x:1000:\n"
    assert [(root / name).stat().st_uid for name in ("home/lot", "workspace", "home")] == [UID, UID, 0]


def test_user_1000_of_another_name_keeps_its_name_group_and_files(root: Path) -> None:
    (root / "etc/passwd").write_text(f"{ROOT_ENTRY}node:x:1000:50::/home/node:/bin/sh\n")
    (root / "home/node").mkdir()
    (root / "home/node/.npmrc").write_text("x")
    fitted(root)
    lot, _, node = (root / "etc/passwd").read_text().splitlines()
    assert (lot, node) == ("lot:x:1000:50::/home/lot:/bin/bash", "node:x:1000:50::/home/node:/bin/sh")
    assert (root / "home/lot/.npmrc").read_text() == (root / "home/node/.npmrc").read_text() == "x"
    assert (root / "home/lot").stat().st_gid == 50
    assert not (root / "home/lot").is_symlink()


@pytest.mark.parametrize("home", ["/", "/home/..", "/home/a/b", "/srv/app", "/home/lot", ""])
def test_strange_homes_are_left_where_they_are(root: Path, home: str) -> None:
    (root / "etc/passwd").write_text(f"app:x:1000:1000::{home}:/bin/sh\n")
    fitted(root)
    assert (root / "home/lot").is_dir()
    assert (root / "etc").is_dir()


def test_user_lot_of_the_image_is_taken_as_it_is(root: Path) -> None:
    (root / "etc/passwd").write_text("lot:x:1234:1234::/home/lot:/bin/zsh\n")
    fitted(root)
    assert (root / "etc/passwd").read_text() == "lot:x:1234:1234::/home/lot:/bin/zsh\n"
    assert (root / "workspace").stat().st_uid == 1234


def test_what_the_driver_covers_are_plain_files_and_no_link_is_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "of the host"
    outside.write_text("kept")
    for name in ("etc/resolv.conf", "etc/hosts"):
        (root / name).symlink_to(outside)
    (root / "etc/shadow").write_text("root:*:::::::\n")
    (root / "etc/shadow").chmod(0o640)
    fitted(root)
    assert outside.read_text() == "kept"
    assert (root / "etc/resolv.conf").read_text() == ""
    assert stat.S_IMODE((root / "etc/shadow").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777


@pytest.mark.parametrize("name", ["etc/profile.d", "var/log", "run/lot"])
def test_link_where_a_folder_must_be_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).symlink_to(tmp_path)
    with pytest.raises(ImageUnfitError, match=name):
        fitted(root)


def test_login_shells_keep_the_images_path_whatever_is_in_it(root: Path) -> None:
    fitted(root, "PATH=/opt/it's $(here)/bin")
    script = (root / "etc/profile.d/lot-image.sh").read_text()
    assert script == f"export PATH='/opt/lot/bin:/opt/it'\"'\"'s $(here)/bin:{STANDARD_PATH}'\n"


def test_environment_is_the_images_without_what_lot_decides() -> None:
    given = [
        "A=1",
        "B=x=y",
        "HOME=/x",
        "SSL_CERT_FILE=/y",
        "nonsense",
        "=z",
        "N=\0",
        "S=\ud800",
        "PATH=/usr/bin:/opt/bin",
    ]
    environment = sandbox_environment(given)
    assert {name: environment[name] for name in environment if name != "PATH"} == {"A": "1", "B": "x=y"}
    assert environment["PATH"].startswith("/usr/bin:/opt/bin:/usr/local/sbin")
    with pytest.raises(ImageUnfitError, match="64 KiB"):
        sandbox_environment([f"A={'x' * (64 << 10)}"])


def test_devices_and_attributes_for_the_hosts_kernel_are_taken_out(root: Path) -> None:
    os.mknod(root / "disk", stat.S_IFBLK | 0o666, os.makedev(8, 0))
    os.mknod(root / "whiteout", stat.S_IFCHR, 0)
    os.setxattr(root / "etc", "trusted.overlay.opaque", b"y")
    (root / "link").symlink_to("etc")
    os.link(root / "etc/group", root / "etc/group2")
    files, total_bytes = tidy(root)
    assert not (root / "disk").exists()
    assert not (root / "whiteout").exists()
    assert os.listxattr(root / "etc") == []
    assert files == 3  # passwd, group under two names, the link
    assert total_bytes > 0
