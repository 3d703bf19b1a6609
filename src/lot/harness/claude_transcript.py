"""Claude's own transcript: what it writes, as it says so on its output, and how it is put back into a sandbox.

With `--session-mirror` the program repeats each entry that it appends to a file of its transcript. Kept in the store,
the entries make up for a sandbox that is lost: written back, `--resume` knows the conversation.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from lot.core.ids import MessageId
from lot.core.records import FileLines
from lot.harness.claude_fields import mapping, mappings, message_ids
from lot.sandbox.link import MAX_FILE_BYTES, GuestLink

MIRROR_TYPE = "transcript_mirror"
MAX_ENTRIES_CHARS = 16 << 20
"""Of one line of the mirror; longer ones are not kept."""
_FOLDER = ".claude/projects"
_METADATA = "agent_metadata"
"""An entry of this type is not in the transcript of a sub-agent but in a file beside it, whole; the newest counts."""
_PATH = re.compile(r"[\w.-]{1,255}(?:/[\w.-]{1,255}){1,5}\.jsonl", re.ASCII)
_MODE = 0o600

logger = logging.getLogger(__name__)


def transcript_folder(home: PurePosixPath) -> PurePosixPath:
    """Return where the program keeps its transcripts."""
    return home / _FOLDER


def mirrored(line: Mapping[str, Any]) -> FileLines | None:
    """Return what a line of the mirror says was written; None for what is no such line, or is not to be kept."""
    entries = line.get("entries")
    path = _relative(line.get("filePath"))
    if line.get("type") != MIRROR_TYPE or path is None or not isinstance(entries, list):
        return None
    try:
        # ASCII, so that what no database takes (NUL, lone surrogates) stays escaped.
        lines = "".join(f"{json.dumps(entry, separators=(',', ':'))}\n" for entry in entries if isinstance(entry, dict))
    except RecursionError:
        return None
    if len(lines) > MAX_ENTRIES_CHARS:
        logger.warning("entry of an agent's transcript is too long to be kept", extra={"size": len(lines)})
        return None
    return FileLines(path=path, lines=lines) if lines else None


def written_entries(line: Mapping[str, Any]) -> tuple[MessageId, ...]:
    """Return the ids of what a line of the mirror says was written as the user's: messages, and results of tools."""
    return message_ids(entry.get("uuid") for entry in mappings(line.get("entries")) if entry.get("type") == "user")


def newest_entry(transcript: Iterable[FileLines], conversation: str) -> str | None:
    """Return the id of the last stored entry of a conversation that has one; None where nothing is stored of it."""
    newest: str | None = None
    for path, data in transcript_files(transcript).items():
        if path.endswith(f"/{conversation}.jsonl"):
            ids = (entry for line in data.splitlines() for entry in _ids(line))
            newest = next(reversed(list(ids)), newest)
    return newest


async def put_back(link: GuestLink, home: PurePosixPath, user: str, transcript: Sequence[FileLines]) -> bool:
    """Write stored transcripts into a sandbox that has none; return whether there is something to continue from."""
    files = transcript_files(transcript)
    too_large = [path for path, data in files.items() if len(data) > MAX_FILE_BYTES]
    if too_large:
        logger.warning("agent's transcript is too large to be put back", extra={"files": too_large})
        return False
    for path, data in files.items():
        await link.write_file(transcript_folder(home) / path, data, mode=_MODE, user=user)
    return bool(files)


def transcript_files(transcript: Iterable[FileLines]) -> dict[str, bytes]:
    """Return the files, by their paths below the folder of transcripts, that stored lines stand for."""
    files: dict[str, bytearray] = {}
    for part in transcript:
        if _PATH.fullmatch(part.path) is None or ".." in part.path.split("/"):
            continue
        for line in part.lines.splitlines(keepends=True):
            metadata = _metadata(line)
            if metadata is not None:
                files[f"{part.path.removesuffix('.jsonl')}.meta.json"] = bytearray(metadata)
            else:
                files.setdefault(part.path, bytearray()).extend(line.encode())
    return {path: bytes(data) for path, data in files.items()}


def _ids(line: bytes) -> tuple[str, ...]:
    try:
        return message_ids([mapping(json.loads(line)).get("uuid")])
    except (ValueError, RecursionError):
        return ()


def _metadata(line: str) -> bytes | None:
    """Return the content of a sub-agent's file of metadata, when a line stands for that."""
    if f'"{_METADATA}"' not in line:
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("type") != _METADATA:
        return None
    return json.dumps({key: value for key, value in entry.items() if key != "type"}).encode()


def _relative(path: object) -> str | None:
    """Return the path below the folder of transcripts; None for any other, and for one that could lead out of it."""
    if not isinstance(path, str):
        return None
    _, is_there, rest = path.partition(f"/{_FOLDER}/")
    is_safe = is_there and _PATH.fullmatch(rest) and ".." not in rest.split("/")
    return rest if is_safe else None
