"""What is seen of an image without running anything of it."""

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from lot.core.errors import ImageUnfitError
from lot.sandbox.image_inspection import inspect_image
from lot.sandbox.rooted import read_text, resolve

MACHINE = platform.machine()
GLIBC = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}[MACHINE]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Debian-like tree with all that Lot needs."""
    root = tmp_path / "rootfs"
    for name in (GLIBC, "usr/lib/python3.13/asyncio/__init__.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in ("bash", "git", "apt-get", "python3.13"):
        add_program(root, f"usr/bin/{name}")
    (root / "usr/bin/python3").symlink_to("python3.13")
    (root / "bin").symlink_to("usr/bin")
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
    return root


def add_program(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch(mode=0o755)


def test_debian_with_all_that_is_needed_lacks_nothing(root: Path) -> None:
    seen = inspect_image(root)
    assert (seen.system, seen.missing, seen.can_be_completed) == ("Debian GNU/Linux 13 (trixie)", (), True)


def test_missing_programs_are_named_and_whether_apt_can_add_them(root: Path) -> None:
    for name in ("git", "python3", "apt-get"):
        (root / "usr/bin" / name).unlink()
    seen = inspect_image(root)
    assert (seen.missing, seen.can_be_completed) == (("git", "python3"), False)


def test_python_with_half_its_library_counts_as_missing(root: Path) -> None:
    (root / "usr/lib/python3.13/asyncio/__init__.py").unlink()
    assert inspect_image(root).missing == ("python3",)


def test_python_of_its_own_in_usr_local_is_taken(root: Path) -> None:
    (root / "usr/bin/python3").unlink()
    add_program(root, "usr/local/bin/python3.12")
    (root / "usr/local/bin/python3").symlink_to("/usr/local/bin/python3.12")
    (root / "usr/local/lib/python3.12/asyncio").mkdir(parents=True)
    (root / "usr/local/lib/python3.12/asyncio/__init__.py").touch()
    assert inspect_image(root).missing == ()


def python_3_8(root: Path) -> None:
    (root / "usr/bin/python3").unlink()
    add_program(root, "usr/bin/python3.8")
    (root / "usr/bin/python3").symlink_to("python3.8")
    (root / "usr/lib/python3.8/asyncio").mkdir(parents=True)
    (root / "usr/lib/python3.8/asyncio/__init__.py").touch()


def musl(root: Path) -> None:
    (root / GLIBC).unlink()
    (root / "lib").mkdir(exist_ok=True)
    (root / f"lib/ld-musl-{MACHINE}.so.1").touch()


def no_library_at_all(root: Path) -> None:
    (root / GLIBC).unlink()


def etc_elsewhere(root: Path) -> None:
    (root / "etc").rename(root / "elsewhere")
    (root / "etc").symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (python_3_8, "has Python 3.8"),
        (musl, "built on musl"),
        (no_library_at_all, f"no GNU C library for {MACHINE}"),
        (etc_elsewhere, "/etc is no folder"),
    ],
)
def test_image_that_nothing_can_make_fit_is_refused_with_the_next_step(
    root: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(root)
    with pytest.raises(ImageUnfitError, match=words):
        inspect_image(root)


def test_words_of_a_stranger_are_shown_printable_and_short(root: Path) -> None:
    (root / "etc/os-release").write_text(f"PRETTY_NAME='\x1b[2J{'x' * 500}'\n")
    system = inspect_image(root).system
    assert len(system) == 80
    assert system.isprintable()
    (root / "etc/os-release").write_text("PRETTY_NAME='unclosed\n")
    assert inspect_image(root).system == "it does not say of which system"


def test_links_are_followed_as_the_images_own_programs_would(tmp_path: Path) -> None:
    root = tmp_path / "rootfs"
    (root / "a").mkdir(parents=True)
    (root / "a/file").write_text("inside")
    (tmp_path / "secret").write_text("of the host")
    (root / "up").symlink_to("../../../../secret")
    (root / "absolute").symlink_to("/a")
    (root / "loop").symlink_to("loop")
    assert read_text(root, "absolute/file") == "inside"
    assert read_text(root, "../../secret") == ""
    assert (resolve(root, "up"), resolve(root, "loop"), resolve(root, "a/none")) == (None, None, None)
    (root / "a/socket").symlink_to("/")
    assert resolve(root, "a/socket/a/socket") == root
