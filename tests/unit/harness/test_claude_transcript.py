"""Which lines of the mirror are kept, and which files they become again."""

import json
from pathlib import PurePosixPath
from typing import Any, cast
from uuid import uuid4

import pytest

from lot.core.records import FileLines
from lot.harness import claude_transcript
from lot.harness.claude_transcript import mirrored, newest_entry, put_back, transcript_files
from lot.sandbox.link import GuestLink

FOLDER = "/home/lot/.claude/projects"
MAIN = "-workspace/17eacb06-dec8-461d-8c58-6c0e4b46c5c3.jsonl"
SUB = "-workspace/17eacb06-dec8-461d-8c58-6c0e4b46c5c3/subagents/agent-a1.jsonl"

pytestmark = pytest.mark.anyio


def frame(path: object, *entries: object, **changes: object) -> dict[str, object]:
    return {"type": "transcript_mirror", "filePath": path, "entries": list(entries), **changes}


def test_line_of_the_mirror_is_kept_as_the_lines_of_its_file() -> None:
    kept = mirrored(frame(f"{FOLDER}/{MAIN}", {"type": "user", "text": "grün\u2028\0\ud800"}, {"type": "x"}))
    assert kept is not None
    assert kept.path == MAIN
    assert kept.lines.isascii()
    assert [json.loads(line) for line in kept.lines.splitlines()] == [
        {"type": "user", "text": "grün\u2028\0\ud800"},
        {"type": "x"},
    ]


@pytest.mark.parametrize(
    "path",
    [
        None,
        7,
        "",
        MAIN,
        f"/etc/{MAIN}",
        f"{FOLDER}/../../.bashrc.jsonl",
        f"{FOLDER}/a/../../../x.jsonl",
        f"{FOLDER}//etc/x.jsonl",
        f"{FOLDER}/{MAIN}\n",
        f"{FOLDER}/-workspace/x.json",
        f"{FOLDER}/x.jsonl",
        f"{FOLDER}/a/b/c/d/e/f/g.jsonl",
        f"{FOLDER}/{'x' * 300}/a.jsonl",
    ],
)
def test_path_that_is_no_transcripts_is_refused(path: object) -> None:
    assert mirrored(frame(path, {"type": "user"})) is None


def test_what_is_no_mirror_is_nothing() -> None:
    path = f"{FOLDER}/{MAIN}"
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert mirrored(frame(path)) is None
    assert mirrored(frame(path, "text", 3, None)) is None
    assert mirrored(frame(path, {"deep": nested})) is None
    assert mirrored(frame(path, {}, type="assistant")) is None
    assert mirrored({"type": "transcript_mirror", "filePath": path, "entries": {"a": 1}}) is None


def test_entry_that_is_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_transcript, "MAX_ENTRIES_CHARS", 100)
    assert mirrored(frame(f"{FOLDER}/{MAIN}", {"text": "x" * 100})) is None


def test_stored_lines_become_files_and_metadata_a_file_of_its_own() -> None:
    files = transcript_files(
        (
            FileLines(path=MAIN, lines='{"n":1}\n'),
            FileLines(path=SUB, lines='{"type":"agent_metadata","agentType":"general"}\n{"n":2}\n'),
            FileLines(path=MAIN, lines='{"n":3}\n{"say":"agent_metadata"}\n'),
            FileLines(path=SUB, lines='{"type":"agent_metadata","agentType":"general","finished":true}\n'),
            FileLines(path="../../.bashrc", lines="rm -rf /\n"),
            FileLines(path="a/../../x.jsonl", lines="{}\n"),
        )
    )
    assert files == {
        MAIN: b'{"n":1}\n{"n":3}\n{"say":"agent_metadata"}\n',
        SUB: b'{"n":2}\n',
        SUB.replace(".jsonl", ".meta.json"): b'{"agentType": "general", "finished": true}',
    }


def test_newest_entry_is_the_last_with_an_id_of_its_conversation() -> None:
    conversation, first, second = MAIN.split("/")[1].removesuffix(".jsonl"), str(uuid4()), str(uuid4())
    lines = f'{{"uuid":"{first}"}}\n{{"uuid":"{second}"}}\n{{"uuid":"-rf /"}}\n{{"n":1}}\n[]\nno JSON\n'
    stored = (FileLines(path=MAIN, lines=lines), FileLines(path=SUB, lines=f'{{"uuid":"{uuid4()}"}}\n'))
    assert newest_entry(stored, conversation) == second
    assert newest_entry(stored, str(uuid4())) is None
    assert newest_entry((FileLines(path=MAIN, lines='{"n":1}\n'),), conversation) is None


class KeepsFiles:
    """A guest that takes files."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, int, str]] = {}

    async def write_file(self, path: PurePosixPath, data: bytes, *, mode: int, user: str) -> None:
        self.files[str(path)] = (data, mode, user)


async def test_transcript_is_put_where_the_program_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    guest, home = KeepsFiles(), PurePosixPath("/home/lot")
    assert not await put_back(cast(GuestLink, guest), home, "lot", ())
    assert await put_back(cast(GuestLink, guest), home, "lot", (FileLines(path=MAIN, lines="{}\n"),))
    assert guest.files == {f"{FOLDER}/{MAIN}": (b"{}\n", 0o600, "lot")}
    monkeypatch.setattr(claude_transcript, "MAX_FILE_BYTES", 2)
    assert not await put_back(cast(GuestLink, guest), home, "lot", (FileLines(path=MAIN, lines="{}\n"),))
