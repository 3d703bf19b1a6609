"""What tests of images share: a small Debian tree taken from the default image, and OCI layouts made of trees."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("base-files", "bash", "coreutils", "dash", "git", "grep", "python3", "sed")
"""What the small tree has, with all that they need: 150 MB instead of 600."""


def small_tree(base: Path, target: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Copy some packages of a Debian tree, which is only read, into a tree of its own: without user 1000."""
    installed = _closure(base, packages)
    for package in sorted(installed):
        for listed in (base / "var/lib/dpkg/info").glob(f"{package}*.list"):
            if listed.name.split(":")[0].removesuffix(".list") == package:
                for line in listed.read_text().splitlines():
                    _copy(base / line[1:], target / line[1:])
                _copy(listed, target / listed.relative_to(base))
    for name in ("bin", "lib", "lib64", "sbin", "usr/bin/sh"):
        _copy(base / name, target / name)
    for name in ("etc", "home", "root", "tmp", "var/lib/dpkg/updates", "var/log"):
        (target / name).mkdir(parents=True, exist_ok=True)
    (target / "tmp").chmod(0o1777)
    (target / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    shutil.copytree(base / "etc/apt", target / "etc/apt", dirs_exist_ok=True)
    entries = [entry for entry in _status(base) if re.match(r"Package: (.*)", entry)[1] in installed]
    (target / "var/lib/dpkg/status").write_text("\n\n".join(entries) + "\n\n")
    (target / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    return target


def essential_packages(base: Path) -> list[str]:
    """Return what no Debian is without."""
    return [entry.split("\n")[0].split(" ")[1] for entry in _status(base) if "\nEssential: yes\n" in entry]


def make_layout(tree: Path, layout: Path, *options: str, tag: str = "latest") -> Path:
    """Make an OCI layout whose one layer is `tree`; `options` as `umoci config` takes them."""
    image = ("--image", f"{layout}:{tag}")
    _umoci("init", "--layout", str(layout))
    _umoci("new", *image)
    _umoci("insert", *image, str(tree), "/")
    if options:
        _umoci("config", *image, *options)
    return layout


def pack(tree: Path, archive: Path) -> None:
    """Write a tree as a tar archive."""
    subprocess.run(["tar", "-C", tree, "-cf", archive, "."], check=True)


def _status(base: Path) -> list[str]:
    text = (base / "var/lib/dpkg/status").read_text()
    return [entry for entry in text.split("\n\n") if entry.strip()]


def _closure(base: Path, packages: Sequence[str]) -> set[str]:
    needs: dict[str, set[str]] = {}
    for entry in _status(base):
        fields = dict(re.findall(r"^(Package|Depends|Pre-Depends): (.*)$", entry, re.MULTILINE))
        wanted = f"{fields.get('Depends', '')},{fields.get('Pre-Depends', '')}"
        needs[fields.get("Package", "")] = {re.sub(r"[ :(|].*", "", word.strip()) for word in wanted.split(",")}
    found: set[str] = set()
    pending = set(packages)
    while pending:
        package = pending.pop()
        if package not in found and package in needs:
            found.add(package)
            pending |= needs[package]
    return found


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        if not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _umoci(*arguments: str) -> None:
    done = subprocess.run(["umoci", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
