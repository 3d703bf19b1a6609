"""An edit that an ACP agent reports, texts before and after, as hunks in the shape of `ToolFinished.patch`."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

_CONTEXT = 3
_MAX_COMPARED_LINES = 2_000
"""Beyond which texts are not compared line by line: that takes time that grows with the square."""


def hunks(old: str, new: str) -> list[dict[str, Any]]:
    """Return what changed between two texts; line numbers count from 1 within the texts that are given."""
    before, after = old.splitlines(), new.splitlines()
    start = _same(before, after)
    end = _same(before[start:][::-1], after[start:][::-1])
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    if not left and not right:
        return []
    if max(len(left), len(right)) > _MAX_COMPARED_LINES:
        return [_hunk(start, start, [*(f"-{line}" for line in left), *(f"+{line}" for line in right)])]
    return list(_compared(before, after))


def _compared(before: list[str], after: list[str]) -> Iterator[dict[str, Any]]:
    for group in SequenceMatcher(None, before, after, autojunk=True).get_grouped_opcodes(_CONTEXT):
        lines: list[str] = []
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                lines += [f" {line}" for line in before[old_from:old_to]]
                continue
            lines += [f"-{line}" for line in before[old_from:old_to]]
            lines += [f"+{line}" for line in after[new_from:new_to]]
        yield _hunk(group[0][1], group[0][3], lines)


def _hunk(old_from: int, new_from: int, lines: list[str]) -> dict[str, Any]:
    return {
        "oldStart": old_from + 1,
        "oldLines": sum(line[0] in " -" for line in lines),
        "newStart": new_from + 1,
        "newLines": sum(line[0] in " +" for line in lines),
        "lines": lines,
    }


def _same(first: list[str], second: list[str]) -> int:
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return number
    return min(len(first), len(second))
