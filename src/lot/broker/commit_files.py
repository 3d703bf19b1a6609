"""Reads files of one commit out of a bare repository, without a checkout: bounded in number and size.

What is read is a stranger's data. Links and submodules are passed over, and nothing of it reaches the host's disk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lot.broker.git_command import run_git

MAX_LISTING_BYTES = 16 << 20
MAX_BLOB_BYTES = 4 << 20
"""A larger file is not read at all."""
MAX_TEXT = 1 << 18
"""Characters of a file that are kept, its first ones."""
MAX_TOTAL_BYTES = 32 << 20
"""Of all files together; what comes after is not read."""
_READ_S = 60.0


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """What one commit holds."""

    paths: frozenset[str]
    texts: Mapping[str, str]
    is_complete: bool
    """Whether `paths` has all of them: beyond 16 MiB of names it has not."""
    too_large: tuple[str, ...]
    """What was chosen, and is larger than a text that a person writes."""


@dataclass(frozen=True, slots=True)
class _Entry:
    object_id: str
    size: int


async def read_commit(folder: Path, commit: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> CommitFiles:
    """Return a commit's files as `Mirrors.read_commit` does.

    Args:
        folder: The bare repository.
        choose: Gets the names of all files; returns those whose text is wanted, the most wanted first.
    """
    entries, is_complete = await _list(folder, commit)
    chosen = [path for path in choose(list(entries)) if path in entries]
    too_large = tuple(path for path in chosen if entries[path].size > MAX_BLOB_BYTES)
    wanted, total = [], 0
    for path in chosen:
        size = entries[path].size
        if size <= MAX_BLOB_BYTES and total + size <= MAX_TOTAL_BYTES:
            wanted.append(path)
            total += size
    return CommitFiles(frozenset(entries), await _read(folder, wanted, entries, total), is_complete, too_large)


async def _list(folder: Path, commit: str) -> tuple[dict[str, _Entry], bool]:
    listed = await run_git(
        *("ls-tree", "-r", "-z", "--long", "--end-of-options", commit),
        folder=folder,
        timeout_s=_READ_S,
        max_output_bytes=MAX_LISTING_BYTES,
    )
    # The last piece is empty, or cut off.
    records = listed.stdout.split(b"\0")[:-1]
    entries = {}
    for record in records:
        facts, _, path = record.partition(b"\t")
        mode, _, object_id, size = facts.decode().split()
        if mode.startswith("100"):  # a file, rather than a link or a submodule
            entries[path.decode(errors="replace")] = _Entry(object_id, int(size))
    return entries, not listed.is_truncated


async def _read(folder: Path, paths: Sequence[str], entries: Mapping[str, _Entry], total: int) -> dict[str, str]:
    """Return the texts of files, without those that are none."""
    if not paths:
        return {}
    asked = "".join(f"{entries[path].object_id}\n" for path in paths).encode()
    # Each answer is a line of about 60 bytes, the content, and a line break.
    room = total + 200 * len(paths)
    answered = await run_git(
        *("cat-file", "--batch"), folder=folder, stdin=asked, timeout_s=_READ_S, max_output_bytes=room
    )
    texts, at = {}, 0
    for path in paths:
        head, _, _ = answered.stdout[at : at + 200].partition(b"\n")
        at += len(head) + 1
        if head.endswith(b" missing"):
            continue
        content = answered.stdout[at : at + entries[path].size]
        at += len(content) + 1
        if b"\0" not in content:
            texts[path] = content.decode("utf-8-sig", errors="replace")[:MAX_TEXT]
    return texts
