"""A session's diff as clients read it: whole, by file, one large file alone, and while the sandbox is off."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lot.api.app import build_app
from lot.api.diff_view import MAX_FILE_CHARS, MAX_TOGETHER_CHARS
from lot.api.tickets import Tickets
from lot.core.records import Session
from lot.core.session import SandboxState
from lot.runner.protocol import DiffFileBody, DiffResult
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
async def http(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:7070", headers={"Authorization": "Bearer t"}
    ) as client:
        yield client


def section(path: str, chars: int = 0) -> str:
    """Return the part of a patch that adds a file."""
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1 @@\n+{'x' * chars}\n"


def added(path: str, lines: int | None = 1, old_path: str | None = None) -> DiffFileBody:
    return DiffFileBody(path=path, old_path=old_path, status="added", added=lines, removed=None if lines is None else 0)


def result(*files: DiffFileBody, patch: str, is_truncated: bool = False) -> DiffResult:
    return DiffResult(base_commit="c0ffee", head_commit="c0ffee", patch=patch, is_truncated=is_truncated, files=files)


async def with_diff(lot: Rig, *files: DiffFileBody, patch: str) -> Session:
    lot.world.diffs[()] = result(*files, patch=patch)
    return await lot.session()


async def test_diff_by_file_gives_each_file_its_part_and_leaves_out_what_is_too_large(
    http: httpx.AsyncClient, lot: Rig
) -> None:
    large, image = section("large.txt", MAX_FILE_CHARS), "diff --git a/i.png b/i.png\nGIT binary patch\nliteral 0\n\n"
    patch = section("a.txt") + image + large + section("z.txt")
    session = await with_diff(
        lot, added("a.txt"), added("i.png", None), added("large.txt"), added("z.txt"), patch=patch
    )
    whole = (await http.get(f"/api/sessions/{session.id}/diff")).json()
    assert (whole["patch"], [file["patch"] for file in whole["files"]]) == (patch, [None] * 4)
    by_file = (await http.get(f"/api/sessions/{session.id}/diff", params={"by_file": True})).json()
    assert by_file["patch"] == ""
    assert [(file["patch"], file["is_binary"], file["is_too_large"]) for file in by_file["files"]] == [
        (section("a.txt"), False, False),
        (None, True, False),
        (None, False, True),
        (section("z.txt"), False, False),
    ]


async def test_answer_by_file_is_bounded_as_a_whole(http: httpx.AsyncClient, lot: Rig) -> None:
    names = [f"{number}.txt" for number in range(15)]
    patch = "".join(section(name, MAX_FILE_CHARS - 200) for name in names)
    session = await with_diff(lot, *map(added, names), patch=patch)
    answer = (await http.get(f"/api/sessions/{session.id}/diff", params={"by_file": True})).json()
    sent = [len(file["patch"] or "") for file in answer["files"]]
    assert 0 < sum(sent) <= MAX_TOGETHER_CHARS
    assert [file["is_too_large"] for file in answer["files"]] == [size == 0 for size in sent]
    assert any(file["is_too_large"] for file in answer["files"])


async def test_one_file_is_read_alone_with_the_name_it_had_before(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await with_diff(lot, added("new.txt", old_path="old.txt"), patch="")
    await http.get(f"/api/sessions/{session.id}/diff")
    lot.world.diffs["new.txt", "old.txt"] = result(added("new.txt"), patch=section("new.txt", 5), is_truncated=True)
    answer = await http.get(f"/api/sessions/{session.id}/diff/file", params={"path": "new.txt"})
    assert answer.json() == {"path": "new.txt", "patch": section("new.txt", 5), "is_truncated": True, "is_live": True}
    other = await http.get(f"/api/sessions/{session.id}/diff/file", params={"path": "../etc/passwd"})
    assert (other.status_code, other.json()["code"]) == (404, "not_found")


async def test_while_the_sandbox_is_off_a_file_is_read_as_it_was_kept(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await with_diff(lot, added("a.txt"), added("cut-off.txt"), patch=section("a.txt"))
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.diffs_asked.clear()
    path = f"/api/sessions/{session.id}/diff/file"
    kept = await http.get(path, params={"path": "a.txt"})
    assert kept.json() == {"path": "a.txt", "patch": section("a.txt"), "is_truncated": False, "is_live": False}
    missing = await http.get(path, params={"path": "cut-off.txt"})
    assert (missing.status_code, "resume it" in missing.text) == (404, True)
    assert lot.world.diffs_asked == []
