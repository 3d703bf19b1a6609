"""The guest's archive, and what its modules may use: they run on whatever Python an image has, from 3.9 on."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import lot.guest
from lot.guest.build import build_guest

FOLDER = Path(lot.guest.__file__).parent
MODULES = sorted(path for path in FOLDER.glob("*.py") if path.name != "build.py")


def test_same_sources_give_the_same_file_which_is_written_once(tmp_path: Path) -> None:
    first = build_guest(tmp_path / "one")
    second = build_guest(tmp_path / "two")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    written_at = first.stat().st_mtime_ns
    assert build_guest(tmp_path / "one") == first
    assert first.stat().st_mtime_ns == written_at
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_archive_holds_every_module_but_the_builder(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_guest(tmp_path)).namelist()
    assert sorted(names) == sorted(
        ["__main__.py", "lot/__init__.py", *(f"lot/guest/{module.name}" for module in MODULES)]
    )


def test_archive_starts_without_site_packages_and_says_how_it_is_called(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", build_guest(tmp_path)], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"usage: guest.pyz --listen" in done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_is_python_3_9_and_imports_only_the_standard_library_and_the_guest(module: Path) -> None:
    tree = ast.parse(module.read_text(), feature_version=(3, 9))
    imported = [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    foreign = [name for name in imported if name.split(".")[0] not in sys.stdlib_module_names and name != "lot.guest"]
    assert [name for name in foreign if not name.startswith("lot.guest.")] == []
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
