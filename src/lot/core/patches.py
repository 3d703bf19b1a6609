"""A patch of many files taken apart, so that each file can be shown by itself."""

import re
from collections.abc import Sequence

from lot.core.records import DiffFile

_BEGINNING = re.compile(r"^(?=diff --git )", re.MULTILINE)
"""No line of a file's content begins so: each has a blank, `+` or `-` before it."""


def patches_of(files: Sequence[DiffFile], patch: str) -> list[str | None]:
    """Return each file's own part of `git diff` output, in the order of its files; None where it is not there.

    A patch that was cut off has no parts of the last files.
    """
    sections = [section for section in _BEGINNING.split(patch) if section]
    parts: list[str | None] = []
    for file in files:
        # What becomes a link, or a file again, is deleted and made.
        count = 2 if file.status == "type_changed" else 1
        own = sections[:count]
        is_whole = len(own) == count and all(_is_of(section, file.path) for section in own)
        parts.append("".join(own) if is_whole else None)
        sections = sections[count:] if is_whole else sections
    return parts


def _is_of(section: str, path: str) -> bool:
    """Return whether a part's first line names a file; a name that git has quoted is taken for the right one."""
    head = section.partition("\n")[0]
    return head.endswith((f" b/{path}", '"'))
