"""Files of a commit read out of a real mirror."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from git_repository import commit, git

from lot.broker import commit_files
from lot.broker.commit_files import MAX_TEXT, CommitFiles
from lot.broker.mirror import Mirrors
from lot.core.errors import GitError
from lot.core.ids import ProjectId

PROJECT = ProjectId("p1")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with files of all kinds."""
    folder = tmp_path / "source"
    (folder / "deep" / "er").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "deep" / "er" / "ü\nx.txt").write_text("deep\n")
    (folder / "marked.json").write_bytes(b"\xef\xbb\xbf{}")
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    (folder / "picture").write_bytes(b"\x89PNG\0\0")
    (folder / "empty").write_bytes(b"")
    (folder / "long.txt").write_text("x" * (MAX_TEXT + 10))
    (folder / "huge.bin").write_bytes(b"x" * (commit_files.MAX_BLOB_BYTES + 1))
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "secret").symlink_to("/etc/passwd")
    commit(folder, "a.txt", "one\n")
    return folder


async def read(
    tmp_path: Path, source: Path, *wanted: str, at: str = "main", seen: list[str] | None = None
) -> CommitFiles:
    def choose(paths: Sequence[str]) -> list[str]:
        if seen is not None:
            seen.extend(paths)
        return list(wanted)

    mirrors = Mirrors(tmp_path / "mirrors")
    await mirrors.create(PROJECT, str(source), None)
    return await mirrors.read_commit(PROJECT, at, choose)


async def test_files_that_are_wanted_are_read_whole(tmp_path: Path, source: Path) -> None:
    deep = "deep/er/ü\nx.txt"
    got = await read(tmp_path, source, deep, "a.txt", "empty", "run.sh", "marked.json", "latin.txt")
    assert got.texts == {
        deep: "deep\n",
        "a.txt": "one\n",
        "empty": "",
        "run.sh": "#!/bin/sh\n",
        "marked.json": "{}",
        "latin.txt": "caf\ufffd\n",
    }
    assert (got.is_complete, got.too_large) == (True, ())


async def test_links_and_submodules_are_not_files(tmp_path: Path, source: Path) -> None:
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{git(source, 'rev-parse', 'HEAD')},module")
    git(source, "commit", "--quiet", "--message", "a submodule")
    seen: list[str] = []
    got = await read(tmp_path, source, "secret", "module", seen=seen)
    assert got.texts == {}
    assert got.paths == set(seen)
    assert not {"secret", "module"} & got.paths
    assert "deep/er/ü\nx.txt" in got.paths


async def test_what_is_no_text_or_too_large_is_left_out(tmp_path: Path, source: Path) -> None:
    got = await read(tmp_path, source, "huge.bin", "picture", "long.txt", "a.txt", "not there")
    assert got.too_large == ("huge.bin",)
    assert {path: len(text) for path, text in got.texts.items()} == {"long.txt": MAX_TEXT, "a.txt": 4}


async def test_no_more_is_read_than_allowed(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_files, "MAX_TOTAL_BYTES", 6)
    assert (await read(tmp_path, source, "a.txt", "latin.txt", "marked.json")).texts == {"a.txt": "one\n"}


async def test_a_listing_without_end_is_cut(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_files, "MAX_LISTING_BYTES", 150)
    got = await read(tmp_path, source, "a.txt")
    assert not got.is_complete
    assert got.texts == {"a.txt": "one\n"}


async def test_a_commit_of_before_is_read_as_it_was(tmp_path: Path, source: Path) -> None:
    before = git(source, "rev-parse", "HEAD")
    commit(source, "a.txt", "two\n")
    assert (await read(tmp_path, source, "a.txt", at=before)).texts == {"a.txt": "one\n"}


@pytest.mark.parametrize("commit_id", ["0" * 40, "--help", "nowhere"])
async def test_a_commit_that_is_not_there_is_an_error(tmp_path: Path, source: Path, commit_id: str) -> None:
    with pytest.raises(GitError):
        await read(tmp_path, source, at=commit_id)
