"""How a folder of files becomes a repository."""

import subprocess
from pathlib import Path

from lot.examples.repository import commit_folder


def test_a_folder_becomes_a_repository_without_what_running_it_left_there(tmp_path: Path):
    files = tmp_path / "files"
    (files / "node_modules").mkdir(parents=True)
    (files / "node_modules" / "big.js").touch()
    (files / "gitignore").write_text("*.log\n")
    (files / "index.html").write_text("hello\n")
    made = commit_folder(files, tmp_path / "repository", "A page")
    listed = subprocess.run(["git", "-C", str(made), "ls-files"], check=True, capture_output=True, text=True).stdout
    assert listed.split() == [".gitignore", "index.html"]
