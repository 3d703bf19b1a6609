"""Real git clients against the git broker over real HTTP."""

import gzip
import os
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from lot.broker.git import GitGrant, create_git_app
from lot.broker.mirror import Mirrors
from lot.core.errors import StaleEpochError, UnauthenticatedError
from lot.core.ids import ProjectId, SessionId

PROJECT = ProjectId("p1")
GRANTS = {
    "one": GitGrant(PROJECT, SessionId("s1"), "lot/fix-s1"),
    "two": GitGrant(PROJECT, SessionId("s2"), "lot/fix-s2"),
    "reader": GitGrant(PROJECT, None, None),
}


@dataclass
class Git:
    """A git client as one of the sandboxes."""

    folder: Path
    who: str = "one"
    settings: list[str] = field(default_factory=list)

    async def __call__(self, *arguments: str, at: Path | None = None) -> str:
        done = await self.run(*arguments, at=at)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    async def run(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        settings = [
            f"http.extraHeader=X-Who: {self.who}",
            "user.name=Ada",
            "user.email=ada@example.org",
            *self.settings,
        ]
        flags = [word for setting in settings for word in ("-c", setting)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        return await anyio.to_thread.run_sync(
            lambda: subprocess.run(
                ["git", *flags, "-C", str(at or self.folder), *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=50,
            )
        )

    async def commit(self, name: str, content: str | bytes) -> str:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        await self("add", "--all")
        await self("commit", "--quiet", "--message", name)
        return await self("rev-parse", "HEAD")


@pytest.fixture
async def mirrors(tmp_path: Path) -> Mirrors:
    source = Git(tmp_path / "source")
    source.folder.mkdir()
    await source("init", "--quiet", "--initial-branch=main")
    await source.commit("a.txt", "one\n")
    mirrors = Mirrors(tmp_path / "mirrors")
    await mirrors.create(PROJECT, str(source.folder), None)
    return mirrors


async def authorize(request: Request) -> GitGrant:
    who = request.headers.get("x-who", "")
    if who == "stale":
        raise StaleEpochError("epoch 3 is over")
    if who not in GRANTS:
        raise UnauthenticatedError("no pass came with the request")
    return GRANTS[who]


@pytest.fixture
async def address(mirrors: Mirrors) -> AsyncIterator[str]:
    """Serve the broker on loopback, mounted as in the control plane."""
    app = Starlette(routes=[Mount("/broker/git", create_git_app(mirrors, authorize, time_limit_s=20.0))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110  (uvicorn gives no event)
            await anyio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/broker/git/repo.git"
        server.should_exit = True


@pytest.fixture
async def clone(address: str, tmp_path: Path) -> Git:
    """A clone as session s1, on its branch."""
    await Git(tmp_path)("clone", "--quiet", address, "one")
    made = Git(tmp_path / "one")
    await made("switch", "--quiet", "--create", "lot/fix-s1")
    return made


@pytest.mark.parametrize("protocol", ["0", "1", "2"])
async def test_clone_fetch_and_push(address: str, mirrors: Mirrors, tmp_path: Path, protocol: str) -> None:
    git = Git(tmp_path, settings=[f"protocol.version={protocol}"])
    await git("clone", "--quiet", address, "one")
    one = Git(tmp_path / "one", settings=git.settings)
    pushed = await one.commit("b.txt", "two\n")
    await one("push", "--quiet", "origin", "HEAD:refs/heads/lot/fix-s1")
    assert await mirrors.head(PROJECT, "lot/fix-s1") == pushed
    newest = await Git(tmp_path / "source").commit("c.txt", "three\n")
    await mirrors.fetch(PROJECT)
    await one("fetch", "--quiet")
    assert await one("rev-parse", "origin/main") == newest


async def test_large_push_comes_chunked_and_large_clone_streams(address: str, clone: Git, tmp_path: Path) -> None:
    content = os.urandom(6 << 20)
    await clone.commit("large.bin", content)
    await clone("push", "--quiet", "origin", "HEAD")
    await Git(tmp_path)("clone", "--quiet", "--branch", "lot/fix-s1", address, "again")
    assert (tmp_path / "again" / "large.bin").read_bytes() == content


async def test_own_saved_refs_may_be_forced_and_removed(clone: Git, mirrors: Mirrors) -> None:
    await clone.commit("b.txt", "two\n")
    await clone("push", "--quiet", "origin", "HEAD:refs/lot/s1/turn-1")
    await clone("commit", "--quiet", "--amend", "--message", "again")
    await clone("push", "--quiet", "--force", "origin", "HEAD:refs/lot/s1/turn-1")
    await clone("push", "--quiet", "origin", ":refs/lot/s1/turn-1")


@pytest.mark.parametrize(
    ("refspec", "words"),
    [
        ("HEAD:refs/heads/main", "may push only to branch lot/fix-s1"),
        ("HEAD:refs/heads/lot/fix-s2", "may push only to branch lot/fix-s1"),
        ("HEAD:refs/heads/lot/fix-s1/more", "may push only to branch lot/fix-s1"),
        ("HEAD:refs/tags/v1", "may push only to branch lot/fix-s1"),
        ("HEAD:refs/lot/s2/turn-1", "hidden ref"),
        ("HEAD:refs/lot/s10/turn-1", "hidden ref"),
        (":refs/heads/main", "deletion of the current branch prohibited"),
        ("HEAD:refs/notes/x", "may push only to branch lot/fix-s1"),
    ],
)
async def test_session_pushes_nothing_but_its_own(clone: Git, mirrors: Mirrors, refspec: str, words: str) -> None:
    before = await mirrors.head(PROJECT, "main")
    await clone.commit("b.txt", "two\n")
    refused = await clone.run("push", "--force", "origin", refspec)
    assert refused.returncode != 0
    assert words in refused.stderr
    assert await mirrors.head(PROJECT, "main") == before


async def test_own_branch_is_neither_forced_nor_deleted(clone: Git, mirrors: Mirrors) -> None:
    pushed = await clone.commit("b.txt", "two\n")
    await clone("push", "--quiet", "origin", "HEAD")
    await clone("commit", "--quiet", "--amend", "--message", "rewritten")
    assert "only moves forwards" in (await clone.run("push", "--force", "origin", "HEAD")).stderr
    assert "cannot be deleted" in (await clone.run("push", "origin", ":lot/fix-s1")).stderr
    assert await mirrors.head(PROJECT, "lot/fix-s1") == pushed


async def test_refusal_of_one_ref_lets_no_other_rule_slip(clone: Git, mirrors: Mirrors) -> None:
    await clone.commit("b.txt", "two\n")
    await clone.run("push", "origin", "HEAD:refs/heads/lot/fix-s1", "HEAD:refs/heads/main")
    assert await mirrors.head(PROJECT, "main") != await mirrors.head(PROJECT, "lot/fix-s1")


async def test_removed_hook_is_put_back_before_a_push(clone: Git, mirrors: Mirrors, tmp_path: Path) -> None:
    hook = tmp_path / "mirrors" / "p1.git" / "hooks" / "update"
    hook.unlink()
    await clone.commit("b.txt", "two\n")
    assert (await clone.run("push", "origin", "HEAD:refs/heads/main")).returncode != 0
    hook.chmod(0o644)
    assert (await clone.run("push", "origin", "HEAD:refs/heads/main")).returncode != 0


async def test_sessions_do_not_see_each_others_saved_refs(address: str, clone: Git, tmp_path: Path) -> None:
    await clone.commit("b.txt", "two\n")
    await clone("push", "--quiet", "origin", "HEAD:refs/lot/s1/turn-1", "HEAD:refs/heads/lot/fix-s1")
    assert "refs/lot/s1/turn-1" in await clone("ls-remote", "origin")
    two = Git(tmp_path, who="two")
    for protocol in ("0", "2"):
        seen = await two("-c", f"protocol.version={protocol}", "ls-remote", address)
        assert "refs/lot" not in seen
        assert "refs/heads/lot/fix-s1" in seen


async def test_snapshot_builds_may_only_read(address: str, clone: Git, tmp_path: Path) -> None:
    reader = Git(clone.folder, who="reader")
    await reader("fetch", "--quiet", "origin")
    await reader.commit("b.txt", "two\n")
    refused = await reader.run("push", "origin", "HEAD:refs/heads/lot/fix-s1")
    assert refused.returncode != 0
    assert "may not push" in refused.stderr


@pytest.mark.parametrize(
    ("who", "status", "words"), [("stale", 403, "epoch 3 is over"), ("nobody", 403, "no pass came with the request")]
)
async def test_refused_requests_show_their_reason(
    address: str, tmp_path: Path, who: str, status: int, words: str
) -> None:
    assert words in (await Git(tmp_path, who=who).run("ls-remote", address)).stderr
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{address}/info/refs?service=git-upload-pack", headers={"X-Who": who})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/HEAD", "/info/refs", "/objects/info/packs", "/config", "/info/refs?service=git-upload-archive", "/lot-source",
        "/../p1.git/info/refs?service=git-upload-pack", "/git-upload-pack",
    ],
)  # fmt: skip
async def test_nothing_but_the_smart_protocol_is_served(address: str, path: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{address}{path}", headers={"X-Who": "one"})
    assert answer.status_code == 404


async def test_compressed_request_bodies_are_understood(address: str, mirrors: Mirrors) -> None:
    want = await mirrors.head(PROJECT, "main")
    body = f"0032want {want}\n00000009done\n".encode()
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{address}/git-upload-pack",
            content=gzip.compress(body),
            headers={
                "X-Who": "one", "Content-Encoding": "gzip", "Content-Type": "application/x-git-upload-pack-request",
            },
        )  # fmt: skip
    assert answer.status_code == 200
    assert b"PACK" in answer.content


@pytest.mark.parametrize("body", [b"", b"\0" * 1000, b"ffff", b"0032want " + b"0" * 40 + b"\n0000"])
async def test_nonsense_harms_nothing(address: str, mirrors: Mirrors, body: bytes) -> None:
    async with httpx.AsyncClient() as http:
        for service in ("git-upload-pack", "git-receive-pack"):
            headers = {"X-Who": "one", "Content-Type": f"application/x-{service}-request", "Git-Protocol": "a\tb" * 100}
            await http.post(f"{address}/{service}", content=body, headers=headers)
    assert await mirrors.fetch(PROJECT)


async def test_git_ends_when_the_client_goes_away(address: str, tmp_path: Path) -> None:
    host, port = re.findall(r"//([^:]+):(\d+)", address)[0]
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(
            b"POST /broker/git/repo.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nX-Who: one\r\n"
            b"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000\r\n\r\n0000"
        )
        with anyio.fail_after(10):
            while not _serving(tmp_path):  # noqa: ASYNC110  (the kernel gives no event)
                await anyio.sleep(0.02)
    with anyio.fail_after(10):
        while _serving(tmp_path):  # noqa: ASYNC110
            await anyio.sleep(0.02)


def _serving(folder: Path) -> list[str]:
    """Return the git processes that work for a mirror in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"GIT_PROJECT_ROOT={folder}".encode() in environment and state != "Z":
            found.append(process.name)
    return found


async def test_one_session_cannot_take_all_git_processes(address: str) -> None:
    request = (
        b"POST /broker/git/repo.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nX-Who: one\r\n"
        b"Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000\r\n\r\n0000"
    )
    host, port = re.findall(r"//([^:]+):(\d+)", address)[0]
    streams = [await anyio.connect_tcp(host, int(port)) for _ in range(8)]
    try:
        for stream in streams:
            await stream.send(request)
        async with httpx.AsyncClient() as http:
            refs = f"{address}/info/refs?service=git-upload-pack"
            with anyio.fail_after(10):
                while (await http.get(refs, headers={"X-Who": "one"})).status_code != 503:  # noqa: ASYNC110
                    await anyio.sleep(0.02)
            assert (await http.get(refs, headers={"X-Who": "two"})).status_code == 200
    finally:
        for stream in streams:
            await stream.aclose()
