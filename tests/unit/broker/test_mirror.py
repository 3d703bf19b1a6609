"""Mirrors against real repositories on disk."""

import os
from pathlib import Path

import anyio
import pytest
from git_repository import commit, git

from lot.broker.mirror import Mirrors
from lot.core.errors import GitError, NotFoundError, RepositoryError, TooLargeError
from lot.core.ids import ProjectId, SessionId

PROJECT = ProjectId("p1")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with a checkout of `main`, and a branch `release`."""
    folder = tmp_path / "source"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "a.txt", "one\n")
    git(folder, "branch", "release")
    return folder


@pytest.fixture
def mirrors(tmp_path: Path) -> Mirrors:
    return Mirrors(tmp_path / "mirrors")


def put_branch(mirrors: Mirrors, name: str, content: str, *, branch: str, file: str = "a.txt") -> str:
    """Put a commit on a branch of the mirror, as a session's push would."""
    work = mirrors.repository(PROJECT).parent / f"work-{name}"
    git(work.parent, "clone", "--quiet", str(mirrors.repository(PROJECT)), str(work))
    made = commit(work, file, content)
    git(mirrors.repository(PROJECT), "fetch", "--quiet", str(work), f"HEAD:{branch}")
    return made


async def test_create_finds_the_default_branch(mirrors: Mirrors, source: Path) -> None:
    git(source, "switch", "--quiet", "release")
    head = await mirrors.create(PROJECT, str(source), None)
    assert (head.branch, head.commit) == ("release", git(source, "rev-parse", "HEAD"))


async def test_branches_are_listed_without_a_copy_and_without_those_of_sessions(
    mirrors: Mirrors, source: Path, tmp_path: Path
) -> None:
    git(source, "branch", "lot/fix-abc")
    git(source, "switch", "--quiet", "release")
    found = await mirrors.list_branches(str(source))
    assert (found.default, found.names) == ("release", ("main", "release"))
    assert not (tmp_path / "mirrors").exists()
    with pytest.raises(RepositoryError, match="does not exist"):
        await mirrors.list_branches(str(tmp_path / "nowhere"))
    git(tmp_path, "init", "--quiet", "--bare", "empty")
    with pytest.raises(RepositoryError, match="is empty"):
        await mirrors.list_branches(str(tmp_path / "empty"))


async def test_create_takes_the_branch_that_is_named(mirrors: Mirrors, source: Path) -> None:
    told: list[tuple[str, float]] = []
    head = await mirrors.create(
        PROJECT, f"file://{source}", "release", progress=lambda what, part: told.append((what, part))
    )
    assert head.branch == "release"
    assert told


async def test_create_copies_a_checkout_with_a_detached_head(mirrors: Mirrors, source: Path) -> None:
    git(source, "switch", "--quiet", "--detach")
    assert (await mirrors.create(PROJECT, str(source), None)).branch == "main"


async def test_missing_branch_names_the_nearest(mirrors: Mirrors, source: Path) -> None:
    with pytest.raises(RepositoryError, match="has no branch relase; it has release"):
        await mirrors.create(PROJECT, str(source), "relase")


async def test_empty_repository_is_refused(mirrors: Mirrors, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(RepositoryError, match="is empty; push a first commit"):
        await mirrors.create(PROJECT, str(tmp_path / "empty"), None)


@pytest.mark.parametrize(
    "address", ["/nowhere", "", "--upload-pack=touch /tmp/x", "http://127.0.0.1:9/x.git", "ext::id"]
)
async def test_unreachable_repository_is_refused_and_leaves_nothing(
    mirrors: Mirrors, address: str, tmp_path: Path
) -> None:
    with pytest.raises(RepositoryError):
        await mirrors.create(PROJECT, address, None)
    assert not list((tmp_path / "mirrors").glob("*"))
    with pytest.raises(NotFoundError):
        mirrors.repository(PROJECT)


async def test_passwords_in_addresses_are_not_shown(mirrors: Mirrors) -> None:
    with pytest.raises(RepositoryError) as caught:
        await mirrors.create(PROJECT, "http://ada:geheim@127.0.0.1:9/x.git", None)
    assert "geheim" not in str(caught.value)


async def test_relative_path_is_remembered_as_absolute(
    mirrors: Mirrors, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    await mirrors.create(PROJECT, "source", None)
    monkeypatch.chdir("/")
    assert await mirrors.fetch(PROJECT) == git(source, "rev-parse", "HEAD")


async def test_fetch_follows_the_source_and_spares_what_sessions_pushed(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    pushed = put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    git(mirrors.repository(PROJECT), "update-ref", "refs/lot/s1/turn-1", pushed)
    git(source, "branch", "--delete", "release")
    newest = commit(source, "b.txt", "new\n")
    assert await mirrors.fetch(PROJECT) == newest
    refs = git(mirrors.repository(PROJECT), "for-each-ref", "--format=%(refname)").split()
    assert refs == ["refs/heads/lot/fix-s1", "refs/heads/main", "refs/lot/s1/turn-1"]


async def test_file_is_read_as_a_commit_has_it(mirrors: Mirrors, source: Path) -> None:
    first = commit(source, "Dockerfile", "FROM a\n")
    (source / "folder").mkdir()
    second = commit(source, "folder/Dockerfile", "FROM b\n")
    commit(source, "Dockerfile", "FROM c\n")
    await mirrors.create(PROJECT, str(source), None)
    assert await mirrors.read_file(PROJECT, first, "Dockerfile", 100) == b"FROM a\n"
    assert await mirrors.read_file(PROJECT, second, "folder/Dockerfile", 100) == b"FROM b\n"
    for path in ("folder", "missing", "../Dockerfile", "--help"):
        assert await mirrors.read_file(PROJECT, second, path, 100) is None
    with pytest.raises(TooLargeError):
        await mirrors.read_file(PROJECT, first, "Dockerfile", 3)


async def test_fetch_follows_a_rewritten_branch(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    git(source, "commit", "--quiet", "--amend", "--message", "rewritten")
    assert await mirrors.fetch(PROJECT) == git(source, "rev-parse", "HEAD")


async def test_fetch_says_that_the_branch_is_gone(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), "release")
    git(source, "branch", "--delete", "release")
    with pytest.raises(RepositoryError, match="has no branch release; it has main"):
        await mirrors.fetch(PROJECT)


async def test_fetch_says_that_the_source_is_gone(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    source.rename(source.with_name("elsewhere"))
    with pytest.raises(GitError, match="does not exist"):
        await mirrors.fetch(PROJECT)


async def test_concurrent_fetches_all_see_the_newest_commit(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    newest = commit(source, "b.txt", "new\n")
    seen: list[str] = []

    async def fetch() -> None:
        seen.append(await mirrors.fetch(PROJECT))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(fetch)
    assert seen == [newest] * 6


async def test_source_branch_named_lot_does_not_block_sessions(mirrors: Mirrors, source: Path) -> None:
    git(source, "branch", "lot")
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    await mirrors.fetch(PROJECT)
    with pytest.raises(RepositoryError, match="belong to sessions"):
        await mirrors.create(ProjectId("p2"), str(source), "lot")


async def test_delete_session_refs_keeps_its_branch(mirrors: Mirrors, source: Path) -> None:
    head = await mirrors.create(PROJECT, str(source), None)
    folder = mirrors.repository(PROJECT)
    for ref in ("refs/heads/lot/fix-s1", "refs/lot/s1/turn-1", "refs/lot/s1/turn-2", "refs/lot/s10/turn-1"):
        git(folder, "update-ref", ref, head.commit)
    await mirrors.delete_session_refs(PROJECT, SessionId("s1"))
    await mirrors.delete_session_refs(PROJECT, SessionId("s1"))
    left = git(folder, "for-each-ref", "--format=%(refname)", "refs/lot", "refs/heads/lot").split()
    assert left == ["refs/heads/lot/fix-s1", "refs/lot/s10/turn-1"]


async def test_delete_removes_the_mirror_and_may_be_repeated(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    await mirrors.delete(PROJECT)
    await mirrors.delete(PROJECT)
    await mirrors.delete_session_refs(PROJECT, SessionId("s1"))
    with pytest.raises(NotFoundError):
        await mirrors.head(PROJECT, "main")


@pytest.mark.parametrize("id", ["../p1", "", "a/b", ".", "p1.git"])
async def test_odd_ids_choose_no_folder(mirrors: Mirrors, id: str) -> None:
    with pytest.raises(NotFoundError):
        await mirrors.delete(ProjectId(id))


async def test_push_branch_brings_it_to_the_source(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    pushed = put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    assert (await mirrors.push_branch(PROJECT, "lot/fix-s1")).commit == pushed
    assert git(source, "rev-parse", "lot/fix-s1") == pushed


async def test_refused_push_reports_the_hosts_words(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    hook = source / ".git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'this branch is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="this branch is protected"):
        await mirrors.push_branch(PROJECT, "lot/fix-s1")


async def test_push_never_forces(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    git(source, "switch", "--quiet", "--create", "lot/fix-s1")
    theirs = commit(source, "b.txt", "by hand\n")
    with pytest.raises(GitError, match=r"fetch first|non-fast-forward"):
        await mirrors.push_branch(PROJECT, "lot/fix-s1")
    assert git(source, "rev-parse", "lot/fix-s1") == theirs


async def test_merge_updates_a_clean_checkout_of_the_source(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    elsewhere = commit(source, "b.txt", "meanwhile\n")
    merged = await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    assert git(source, "rev-parse", "HEAD", "HEAD^1").split() == [merged, elsewhere]
    assert (source / "a.txt").read_text() == "two\n"
    assert git(source, "status", "--porcelain") == ""
    assert await mirrors.head(PROJECT, "main") == merged
    assert await mirrors.merge(PROJECT, "lot/fix-s1", "main") == merged


async def test_merge_into_a_bare_source(mirrors: Mirrors, source: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(source), "bare.git")
    await mirrors.create(PROJECT, str(tmp_path / "bare.git"), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    merged = await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    assert git(tmp_path / "bare.git", "rev-parse", "main") == merged


async def test_conflicting_merge_names_the_files_and_changes_nothing(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    before = commit(source, "a.txt", "other\n")
    with pytest.raises(GitError, match=r"conflicts with main in a\.txt; nothing was merged"):
        await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    assert git(source, "rev-parse", "HEAD") == before


async def test_merge_into_a_dirty_checkout_is_refused_with_the_next_step(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    before = git(source, "rev-parse", "HEAD")
    (source / "a.txt").write_text("unsaved\n")
    with pytest.raises(GitError, match="commit or stash them, then merge again"):
        await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    assert (source / "a.txt").read_text() == "unsaved\n"
    assert [git(source, "rev-parse", "HEAD"), await mirrors.head(PROJECT, "main")] == [before, before]


async def test_patch_stays_the_same_after_the_merge(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    pushed = put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    before = await mirrors.patch(PROJECT, "main", pushed)
    assert "-one\n+two\n" in before
    await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    commit(source, "b.txt", "later\n")
    await mirrors.fetch(PROJECT)
    assert await mirrors.patch(PROJECT, "main", pushed) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
async def test_root_leaves_no_files_of_its_own_in_a_users_repository(mirrors: Mirrors, source: Path) -> None:
    nobody = 65534
    for path in [source, *source.rglob("*")]:
        os.chown(path, nobody, nobody, follow_symlinks=False)
    # pytest's folders are closed to others.
    for parent in list(source.parents)[:-2]:
        parent.chmod(0o755)
    await mirrors.create(PROJECT, str(source), None)
    put_branch(mirrors, "s1", "two\n", branch="refs/heads/lot/fix-s1")
    await mirrors.merge(PROJECT, "lot/fix-s1", "main")
    assert (source / "a.txt").read_text() == "two\n"
    assert {path.lstat().st_uid for path in source.rglob("*")} == {nobody}


async def test_changed_files_of_two_commits_are_listed_by_name(mirrors: Mirrors, source: Path) -> None:
    await mirrors.create(PROJECT, str(source), None)
    old = git(source, "rev-parse", "HEAD")
    (source / "a.txt").rename(source / "b.txt")
    new = commit(source, "grün\n.lock", "x")
    assert await mirrors.fetch(PROJECT) == new
    assert await mirrors.changed_files(PROJECT, old, new) == ("a.txt", "b.txt", "grün\n.lock")
    assert await mirrors.changed_files(PROJECT, new, new) == ()
    for unknown in ("0" * 40, "--output=/tmp/x"):
        with pytest.raises(GitError):
            await mirrors.changed_files(PROJECT, unknown, new)


async def test_another_branch_can_be_chosen_also_when_the_present_one_is_gone(source: Path, mirrors: Mirrors) -> None:
    await mirrors.create(PROJECT, str(source), "release")
    git(source, "branch", "--delete", "release")
    newest = commit(source, "a.txt", "two\n")
    with pytest.raises(RepositoryError, match="release"):
        await mirrors.fetch(PROJECT)
    await mirrors.choose_branch(PROJECT, "main")
    assert await mirrors.fetch(PROJECT) == newest
    for branch in ("nosuch", "lot/x"):
        with pytest.raises(RepositoryError, match=branch):
            await mirrors.choose_branch(PROJECT, branch)
    assert await mirrors.fetch(PROJECT) == newest


async def test_folder_that_is_no_repository_is_told_in_one_sentence(mirrors: Mirrors, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    with pytest.raises(RepositoryError) as caught:
        await mirrors.list_branches(str(folder))
    assert str(caught.value) == (
        f"{folder} cannot be read: '{folder}' does not appear to be a git repository. "
        "Check the address and that this machine may read it"
    )
