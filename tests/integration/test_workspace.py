"""The workspace through a real guest, real git and a real git broker on loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio
import anyio.to_thread
import pytest
import uvicorn
from dotenv import dotenv_values
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from lot.broker.git import GitGrant, create_git_app
from lot.broker.mirror import Mirrors
from lot.core.errors import GitError, NothingToDoError, RepositoryError
from lot.core.ids import ProjectId, SessionId
from lot.core.patches import patches_of
from lot.core.records import DiffFile
from lot.runner.protocol import DiffResult, PublishOrder, PublishResult, SyncOrder, SyncResult
from lot.runner.workspace import Workspace
from lot.sandbox.tcp_link import TcpLink

PROJECT, BRANCH = ProjectId("p1"), "lot/fix-s1"
USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="module")
def guest_port() -> Iterator[int]:
    """Run a real guest as a plain process on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-m", "lot.guest", "--listen", f"127.0.0.1:{port}", "--peer", "127.0.0.1"]
        guest = subprocess.Popen([*command, "--state", state], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield port
        finally:
            guest.terminate()
            guest.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("the guest did not come up")


@dataclass
class Repository:
    """A folder in which the tests run git and other commands, as the sandbox's user or as the tests' own."""

    folder: Path
    user: str | None = None

    async def git(self, *arguments: str) -> str:
        return await self.run("git", "-c", "safe.directory=*", *arguments)

    async def run(self, *command: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            **({} if self.user else {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name"}),
            "GIT_CONFIG_VALUE_0": "Ada",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "ada@example.org",
        }
        entry = pwd.getpwnam(self.user) if self.user and os.geteuid() == 0 else None
        done = await anyio.to_thread.run_sync(
            lambda: subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                user=entry.pw_uid if entry else None,
                group=entry.pw_gid if entry else None,
                extra_groups=[] if entry else None,
                timeout=50,
            )
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    async def sh(self, script: str) -> str:
        return await self.run("bash", "-ec", script)

    async def commit(self, **files: str) -> str:
        for name, content in files.items():
            (self.folder / name.replace("__", ".")).write_text(content)
        await self.git("add", "--all", "--force")
        await self.git("commit", "--quiet", "--message", "changes")
        return await self.git("rev-parse", "HEAD")


@dataclass
class Scene:
    """A source, its mirror, and a workspace that clones from it."""

    source: Repository
    mirrors: Mirrors
    checkout: Repository
    workspace: Workspace
    environment: dict[str, str]
    base: str = ""

    async def sync(self, branch: str | None = BRANCH) -> SyncResult:
        await self.mirrors.fetch(PROJECT)
        done = await self.workspace.sync(
            SyncOrder(base_branch="main", session_branch=branch, environment=self.environment)
        )
        self.base = done.commit
        return done

    async def diff(self) -> DiffResult:
        return await self.workspace.diff(self.base)

    async def publish(self, branch: str = BRANCH) -> PublishResult:
        return await self.workspace.publish(
            PublishOrder(
                base_commit=self.base, branch=branch, title="Fix it", author_name="Grace", author_email="g@example.org"
            )
        )

    async def published(self, *arguments: str) -> str:
        return await Repository(self.mirrors.repository(PROJECT)).git(*arguments)


@pytest.fixture
async def scene(tmp_path: Path, guest_port: int) -> AsyncIterator[Scene]:
    """A workspace whose snapshot has been built: cloned, but no session started."""
    source = Repository(tmp_path / "source")
    source.folder.mkdir()
    await source.git("init", "--quiet", "--initial-branch=main")
    await source.commit(a="one\n", b="two\n", __gitignore="node_modules\n*.log\n")
    mirrors = Mirrors(tmp_path / "mirrors")
    await mirrors.create(PROJECT, str(source.folder), None)

    async def authorize(_: Request) -> GitGrant:
        return GitGrant(PROJECT, SessionId("s1"), BRANCH)

    app = Starlette(routes=[Mount("/git", create_git_app(mirrors, authorize))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    folder = Path(tempfile.mkdtemp(prefix="lot-workspace-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)

    async def open_socket() -> socket.socket:
        made = await anyio.to_thread.run_sync(lambda: socket.create_connection(("127.0.0.1", guest_port)))
        made.setblocking(False)
        return made

    link = TcpLink(open_socket)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110  (uvicorn gives no event)
            await anyio.sleep(0.01)
        remote = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/git/repo.git"
        workspace = Workspace(link, folder=PurePosixPath(folder), user=USER, remote=remote)
        made = Scene(source, mirrors, Repository(folder, USER), workspace, {})
        await made.sync(None)
        yield made
        await link.close()
        server.should_exit = True
    shutil.rmtree(folder)


def paths(diff: DiffResult) -> dict[str, str]:
    return {file.path: file.status for file in diff.files}


# Sync


async def test_sync_moves_to_the_newest_commit_on_the_sessions_branch(scene: Scene) -> None:
    newest = await scene.source.commit(a="newer\n", c="new\n")
    done = await scene.sync()
    assert (done.commit, done.is_changed) == (newest, True)
    assert await scene.checkout.git("symbolic-ref", "--short", "HEAD") == BRANCH
    assert await scene.checkout.git("rev-parse", "HEAD") == newest
    assert await scene.checkout.git("status", "--porcelain") == ""
    assert [step.step for step in done.steps] == ["fetch code", "check out"]


async def test_sync_without_news_only_makes_the_branch(scene: Scene) -> None:
    done = await scene.sync()
    assert not done.is_changed
    assert await scene.checkout.git("symbolic-ref", "--short", "HEAD") == BRANCH


async def test_sync_follows_a_rewritten_base(scene: Scene) -> None:
    await scene.source.git("commit", "--quiet", "--amend", "--message", "rewritten")
    assert (await scene.sync()).commit == await scene.source.git("rev-parse", "HEAD")


async def test_what_the_setup_left_does_not_block_and_is_not_in_the_diff(scene: Scene) -> None:
    await scene.checkout.sh(
        "echo changed >b; echo staged >a; git add a; mkdir node_modules build 'odd *[name' in-the-way;"
        "echo x | tee node_modules/x build/x 'odd *[name/x' in-the-way/x made.txt $'new\\nline' >trailing\\ "
    )
    newest = await scene.source.commit(a="newer\n", **{"made__txt": "theirs\n", "in-the-way": "a file now\n"})
    done = await scene.sync()
    assert done.commit == newest
    assert "reset what the setup had changed: a, b" in (done.steps[1].detail or "")
    assert (scene.checkout.folder / "made.txt").read_text() == "theirs\n"
    assert (scene.checkout.folder / "in-the-way").read_text() == "a file now\n"
    assert (scene.checkout.folder / "node_modules/x").exists()
    assert (scene.checkout.folder / "build/x").exists()
    assert (await scene.diff()).files == ()
    await scene.checkout.sh("echo y >mine.txt")
    assert paths(await scene.diff()) == {"mine.txt": "added"}


async def test_stale_locks_do_not_block(scene: Scene) -> None:
    await scene.checkout.sh("touch .git/index.lock .git/HEAD.lock .git/config.lock .git/refs/remotes/origin/main.lock")
    await scene.source.commit(a="newer\n")
    done = await scene.sync()
    assert done.is_changed
    assert "stale lock" in (done.steps[1].detail or "")


async def test_damaged_index_does_not_block(scene: Scene) -> None:
    await scene.checkout.sh("echo nonsense >.git/index")
    await scene.source.commit(a="newer\n")
    await scene.sync()
    assert await scene.checkout.git("status", "--porcelain") == ""


async def test_repeated_sync_keeps_the_sessions_work(scene: Scene) -> None:
    first = await scene.sync()
    await scene.checkout.sh("echo work >a; git commit -qam work; echo more >b")
    await scene.source.commit(a="newer\n")
    again = await scene.sync()
    assert (again.commit, again.is_changed) == (first.commit, False)
    assert paths(await scene.diff()) == {"a": "modified", "b": "modified"}


async def test_missing_branch_is_named(scene: Scene) -> None:
    with pytest.raises(RepositoryError, match="no branch gone any more"):
        await scene.workspace.sync(SyncOrder(base_branch="gone", session_branch=BRANCH))


async def test_unreachable_remote_leaves_the_workspace_as_it_was(scene: Scene) -> None:
    before = await scene.checkout.git("rev-parse", "HEAD")
    await scene.mirrors.delete(PROJECT)
    with pytest.raises(GitError, match="could not be fetched"):
        await scene.workspace.sync(SyncOrder(base_branch="main", session_branch=BRANCH))
    assert await scene.checkout.git("rev-parse", "HEAD") == before


async def test_hooks_of_the_repository_do_not_run(scene: Scene) -> None:
    await scene.checkout.sh(
        "for hook in post-checkout pre-push pre-commit reference-transaction; do"
        " printf '#!/bin/sh\nexit 1\n' >.git/hooks/$hook; chmod +x .git/hooks/$hook; done"
    )
    await scene.source.commit(a="newer\n")
    await scene.sync()
    await scene.checkout.sh("echo work >a")
    await scene.publish()


async def test_commits_are_the_users_with_the_agent_as_co_author(scene: Scene) -> None:
    await scene.mirrors.fetch(PROJECT)
    done = await scene.workspace.sync(
        SyncOrder(base_branch="main", session_branch=BRANCH, author_name='Ada "A" Lovelace', author_email="ada@x.org")
    )
    await scene.checkout.commit(hand__txt="by the agent\n")
    assert await scene.checkout.git("log", "-1", "--format=%an <%ae>") == 'Ada "A" Lovelace <ada@x.org>'
    await scene.checkout.sh("echo more >> a.txt")
    order = PublishOrder(
        base_commit=done.commit, branch=BRANCH, title="Fix it", author_name="Ada", author_email="ada@x.org",
        co_author="opencode <lot@localhost>",
    )  # fmt: skip
    pushed = await scene.workspace.publish(order)
    mirror = Repository(scene.mirrors.repository(PROJECT))
    assert await mirror.git("log", "-1", "--format=%an %ae|%s|%(trailers:only)", pushed.commit) == (
        "Ada ada@x.org|Fix it|Co-authored-by: opencode <lot@localhost>"
    )


async def test_commits_by_hand_have_an_author(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a; git commit -qam work")
    assert await scene.checkout.git("log", "-1", "--format=%an <%ae>") == "Lot <lot@localhost>"


# The environment


async def test_environment_is_written_and_taken_away(scene: Scene) -> None:
    scene.environment = {"KEY": "it's a $value #1\nwith lines"}
    await scene.sync()
    written = scene.checkout.folder / ".env"
    assert written.stat().st_mode & 0o777 == 0o600
    assert dotenv_values(written) == scene.environment
    assert (await scene.diff()).files == ()
    before = written.stat().st_ino
    await scene.sync()
    assert written.stat().st_ino == before, "dev servers restart when the file is written again"
    scene.environment = {}
    await scene.sync()
    assert not written.exists()
    await scene.checkout.sh("echo MINE=1 >.env")
    assert paths(await scene.diff()) == {".env": "added"}


async def test_environment_that_lot_did_not_write_is_left_alone(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo MINE=1 >.env")
    await scene.sync()
    assert (scene.checkout.folder / ".env").read_text() == "MINE=1\n"


@pytest.fixture
async def tracked(scene: Scene) -> Scene:
    """A repository that tracks `.env` itself, with other values injected."""
    await scene.source.commit(__env="THEIRS=1\n")
    scene.environment = {"SECRET": "geheim"}
    await scene.sync()
    return scene


async def test_injected_values_over_a_tracked_env_stay_out(tracked: Scene) -> None:
    assert (tracked.checkout.folder / ".env").read_text() == "SECRET=geheim\n"
    assert await tracked.checkout.git("status", "--porcelain") == ""
    assert (await tracked.diff()).files == ()
    await tracked.checkout.sh("echo work >a; echo MORE=1 >>.env; git commit -qam work; echo more >b")
    done = await tracked.publish()
    assert paths(await tracked.diff()) == {"a": "modified", "b": "modified"}
    assert await tracked.published("show", f"{done.commit}:.env") == "THEIRS=1"
    assert "geheim" not in await tracked.published("log", "-p", done.commit)


async def test_injected_values_that_were_committed_are_not_published(tracked: Scene) -> None:
    await tracked.checkout.sh(
        "git update-index --no-skip-worktree .env; echo work >a; git commit -qam leak;"
        "echo more >b; git commit -qam later"
    )
    assert paths(await tracked.diff()) == {"a": "modified", "b": "modified"}
    done = await tracked.publish()
    assert "geheim" not in await tracked.published("log", "-p", done.commit)
    assert await tracked.published("show", f"{done.commit}:b") == "more"
    await tracked.checkout.sh("echo even more >b")
    again = await tracked.publish()
    assert "geheim" not in await tracked.published("log", "-p", again.commit)


async def test_injected_untracked_env_that_was_forced_in_is_not_published(scene: Scene) -> None:
    scene.environment = {"SECRET": "geheim"}
    await scene.sync()
    await scene.checkout.sh("echo work >a; git add --force .env; git commit -qam leak")
    assert paths(await scene.diff()) == {"a": "modified"}
    done = await scene.publish()
    assert "geheim" not in await scene.published("log", "-p", done.commit)


async def test_tracked_env_comes_back_when_the_environment_is_emptied(tracked: Scene) -> None:
    tracked.environment = {}
    await tracked.sync()
    assert (tracked.checkout.folder / ".env").read_text() == "THEIRS=1\n"
    await tracked.checkout.sh("echo MINE=1 >.env")
    assert paths(await tracked.diff()) == {".env": "modified"}


async def test_news_of_a_tracked_env_do_not_stop_a_sync(scene: Scene) -> None:
    await scene.source.commit(__env="THEIRS=1\n")
    scene.environment = {"SECRET": "geheim"}
    await scene.sync(None)
    await scene.source.commit(__env="THEIRS=2\n")
    await scene.sync()
    assert (scene.checkout.folder / ".env").read_text() == "SECRET=geheim\n"
    assert (await scene.diff()).files == ()


# Diff


async def test_diff_has_every_kind_of_change(scene: Scene) -> None:
    await scene.source.commit(
        gone="gone\n", mode="mode\n", old="".join(f"line {n}\n" for n in range(20)), link="x\n", kept="kept\n"
    )
    await scene.sync()
    await scene.checkout.sh(
        "echo committed >>a; git commit -qam c; echo staged >>b; git add b; rm gone; chmod +x mode; mv old moved;"
        "rm link; ln -s a link; printf 'a\\0b' >binary; echo x >'sp ace \"q\" ü'; echo y >$'new\\nline';"
        "mkdir deep; echo z >deep/file; touch ignored.log empty"
    )
    diff = await scene.diff()
    assert paths(diff) == {
        "a": "modified", "b": "modified", "gone": "deleted", "mode": "modified", "moved": "renamed",
        "link": "type_changed", "binary": "added", 'sp ace "q" ü': "added", "new\nline": "added",
        "deep/file": "added", "empty": "added",
    }  # fmt: skip
    by_path = {file.path: file for file in diff.files}
    assert by_path["moved"].old_path == "old"
    assert (by_path["a"].added, by_path["a"].removed) == (1, 0)
    assert (by_path["binary"].added, by_path["binary"].removed) == (None, None)
    assert not diff.is_truncated
    assert diff.head_commit == await scene.checkout.git("rev-parse", "HEAD")
    # Taken apart, each file's part is what git says of that file alone.
    parts = dict(zip(by_path, patches_of(_records(diff), diff.patch), strict=True))
    for path, file in by_path.items():
        alone = await scene.workspace.diff(scene.base, [path, *([file.old_path] if file.old_path else [])])
        assert parts[path] == alone.patch != "", path
        assert [one.path for one in alone.files] == [path]
    # The patch is complete: applied to the base it gives the same tree.
    await scene.source.git("checkout", "--quiet", "--detach", scene.base)
    (scene.source.folder.parent / "patch").write_text(diff.patch)
    await scene.source.git("apply", "--index", "../patch")
    for name in ("moved", "binary", 'sp ace "q" ü', "new\nline", "deep/file", "b"):
        assert (scene.source.folder / name).read_bytes() == (scene.checkout.folder / name).read_bytes()
    assert os.readlink(scene.source.folder / "link") == "a"


def _records(diff: DiffResult) -> list[DiffFile]:
    return [DiffFile(**file.model_dump()) for file in diff.files]


async def test_folders_that_git_ignores_are_told_without_what_is_in_them(scene: Scene) -> None:
    await scene.checkout.sh("mkdir left-by-setup; touch left-by-setup/x")
    await scene.sync()
    await scene.checkout.sh("mkdir -p node_modules/x/y src/node_modules 'new'; touch {node_modules/x,src,new}/f a.log")
    ignored = await scene.workspace.ignored_folders()
    assert ignored == {"node_modules", "src/node_modules", "left-by-setup"}
    await scene.checkout.sh("rm -rf .git")
    with pytest.raises(GitError, match="could not be listed"):
        await scene.workspace.ignored_folders()


async def test_diff_is_stable_under_commits_and_leaves_the_users_index_alone(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a; echo new >c")
    before = await scene.diff()
    assert await scene.checkout.git("status", "--porcelain") == "M a\n?? c"
    await scene.checkout.sh("git add --all; git commit -qm work")
    after = await scene.diff()
    assert (after.patch, after.files) == (before.patch, before.files)


async def test_large_diff_is_cut_between_files_with_all_names(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("for n in 1 2 3; do seq 1 700000 >large-$n; done; echo small >zz")
    diff = await scene.diff()
    assert diff.is_truncated
    assert set(paths(diff)) == {"large-1", "large-2", "large-3", "zz"}
    assert len(diff.patch.encode()) <= 8 << 20
    assert diff.patch.count("diff --git") == 1
    assert diff.patch.endswith("+700000\n")
    assert [part is None for part in patches_of(_records(diff), diff.patch)] == [False, True, True, True]


async def test_file_that_is_larger_than_any_patch_is_shown_to_its_cut(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("seq 1 2000000 >huge; echo small >b")
    diff = await scene.workspace.diff(scene.base, ["huge"])
    assert (diff.is_truncated, [file.path for file in diff.files]) == (True, ["huge"])
    assert (8 << 20) - 100 < len(diff.patch.encode()) <= 8 << 20
    assert diff.patch.startswith("diff --git a/huge b/huge\n")
    assert diff.patch.endswith("\n")


async def test_repositories_inside_the_workspace_crash_nothing(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh(
        "git init -q empty; git init -q inner; cd inner; echo x >x; git add x;"
        "git -c user.name=x -c user.email=x commit -qm x; cd ..; echo work >a;"
        "git -c protocol.file.allow=always submodule --quiet add $PWD/inner sub"
    )
    assert paths(await scene.diff()) == {"a": "modified", ".gitmodules": "added", "sub": "added"}
    await scene.publish()


async def test_unreadable_file_crashes_nothing(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo secret >closed; chmod 0 closed; echo work >a; mkfifo pipe")
    assert paths(await scene.diff()) == {"a": "modified"}


async def test_removed_repository_is_an_error_with_gits_words(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("rm -rf .git")
    with pytest.raises(GitError, match="could not be listed"):
        await scene.diff()


# Publish


async def test_publish_commits_everything_and_pushes_it(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a; git commit -qam 'by the agent'; echo more >b; echo new >c; rm .gitignore")
    diff = await scene.diff()
    done = await scene.publish()
    assert done.is_changed
    assert await scene.mirrors.head(PROJECT, BRANCH) == done.commit
    assert await scene.published("log", "--format=%s|%an|%ae", f"{scene.base}..{done.commit}") == (
        "Fix it|Grace|g@example.org\nby the agent|Lot|lot@localhost"
    )
    assert "Co-authored-by: Claude <noreply@anthropic.com>" in await scene.published("log", "-1", "--format=%b", BRANCH)
    arguments = ("diff", "--binary", "--full-index", "-M", "--no-indent-heuristic")
    assert await scene.published(*arguments, scene.base, done.commit) == diff.patch.strip()
    assert await scene.checkout.git("status", "--porcelain") == ""
    assert (await scene.diff()).patch == diff.patch


async def test_publish_without_changes_has_nothing_to_do(scene: Scene) -> None:
    await scene.sync()
    with pytest.raises(NothingToDoError):
        await scene.publish()
    await scene.checkout.sh("git commit -q --allow-empty -m empty")
    with pytest.raises(NothingToDoError):
        await scene.publish()


async def test_publish_again_adds_to_the_branch(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a")
    first = await scene.publish()
    assert await scene.publish() == PublishResult(commit=first.commit, is_changed=False)
    await scene.checkout.sh("echo more >b")
    second = await scene.publish()
    assert await scene.published("rev-parse", f"{second.commit}^") == first.commit
    await scene.checkout.git("checkout", "--quiet", scene.base, "--", "a", "b")
    third = await scene.publish()
    assert await scene.published("diff", scene.base, third.commit) == ""


@pytest.mark.parametrize(
    "elsewhere",
    [
        "git commit --quiet --all --amend --message rewritten",
        "git reset --quiet --hard HEAD~1; echo other >a; git commit --quiet --all --message other",
        "git switch --quiet --create mine; echo mine >b; git commit --quiet --all --message mine",
        "git checkout --quiet --detach; echo mine >b; git commit --quiet --all --message detached",
        "git checkout --quiet --detach HEAD~1",
        "git checkout --quiet --force main",
        "git checkout --quiet --orphan fresh; git commit --quiet --all --message orphan",
        "git checkout --quiet --orphan unborn",
    ],
)
@pytest.mark.parametrize("is_published", [True, False])
async def test_content_counts_wherever_head_is(scene: Scene, elsewhere: str, is_published: bool) -> None:
    await scene.sync()
    await scene.checkout.sh("echo first >a; git commit --quiet --all --message first")
    if is_published:
        await scene.publish()
    await scene.checkout.sh(f"{elsewhere}; echo last >b")
    diff = await scene.diff()
    done = await scene.publish()
    arguments = ("diff", "--binary", "--full-index", "-M", "--no-indent-heuristic")
    assert await scene.published(*arguments, scene.base, done.commit) == diff.patch.strip()
    assert await scene.published("merge-base", scene.base, done.commit) == scene.base
    assert await scene.checkout.git("status", "--porcelain") == ""
    await scene.checkout.sh("echo again >b")
    assert (await scene.publish()).is_changed


async def test_merged_base_is_kept_as_such(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a")
    await scene.publish()
    newer = await scene.source.commit(b="upstream\n")
    await scene.mirrors.fetch(PROJECT)
    await scene.checkout.sh("git fetch -q origin; git merge -q -m merged origin/main; echo more >c")
    done = await scene.publish()
    assert await scene.published("diff", "--name-only", f"main...{done.commit}") == "a\nc"
    assert await scene.published("merge-base", "main", done.commit) == newer


async def test_refused_push_keeps_the_work_and_gits_words(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a; echo new >c")
    before = await scene.checkout.git("rev-parse", "HEAD")
    with pytest.raises(GitError, match=f"may push only to branch {BRANCH}"):
        await scene.publish("lot/other-s2")
    assert await scene.checkout.git("rev-parse", "HEAD") == before
    assert await scene.checkout.git("status", "--porcelain") == "M a\n?? c"
    assert (await scene.publish()).is_changed


async def test_odd_titles_are_only_text(scene: Scene) -> None:
    await scene.sync()
    await scene.checkout.sh("echo work >a")
    title = "--amend $(touch /tmp/lot-title) `id` \"quoted\" 'and' \\ \N{SNOWMAN}"
    await scene.workspace.publish(
        PublishOrder(base_commit=scene.base, branch=BRANCH, title=title, author_name="G", author_email="g@x")
    )
    assert await scene.published("log", "-1", "--format=%s", BRANCH) == title
