"""Shapes a session's diff: one patch for programs, or a patch for each file for whoever shows them one by one."""

from collections.abc import Sequence

from lot.api.schemas.sessions import DiffBody, DiffFileBody
from lot.core.patches import patches_of
from lot.core.records import DiffFile, StoredDiff

MAX_FILE_CHARS = 200_000
"""A longer patch of one file is left out until it is asked for."""
MAX_TOGETHER_CHARS = 2_000_000
"""So much of a diff by file is in one answer."""


def diff_body(diff: StoredDiff, *, is_live: bool, by_file: bool) -> DiffBody:
    """Return a diff and whether it is of this moment; `by_file`: with a patch for each file instead of one for all."""
    return DiffBody(
        base_commit=diff.base_commit,
        patch="" if by_file else diff.patch,
        is_truncated=diff.is_truncated,
        is_live=is_live,
        files=_by_file(diff) if by_file else [_file(file) for file in diff.files],
        taken_at=diff.taken_at,
    )


def _by_file(diff: StoredDiff) -> Sequence[DiffFileBody]:
    files, room = [], MAX_TOGETHER_CHARS
    for file, patch in zip(diff.files, patches_of(diff.files, diff.patch), strict=True):
        if _is_binary(file):
            patch, is_too_large = None, False
        elif patch is None or len(patch) > min(MAX_FILE_CHARS, room):
            patch, is_too_large = None, True
        else:
            room, is_too_large = room - len(patch), False
        files.append(_file(file).model_copy(update={"patch": patch, "is_too_large": is_too_large}))
    return files


def _file(file: DiffFile) -> DiffFileBody:
    return DiffFileBody(
        path=file.path,
        old_path=file.old_path,
        status=file.status,
        added=file.added,
        removed=file.removed,
        is_binary=_is_binary(file),
    )


def _is_binary(file: DiffFile) -> bool:
    return file.added is None
