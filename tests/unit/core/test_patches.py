"""Patches taken apart; `tests/integration/test_workspace.py` does it with what git really prints."""

from lot.core.patches import patches_of
from lot.core.records import DiffFile


def file(path: str, status: str = "modified") -> DiffFile:
    return DiffFile(path=path, old_path=None, status=status, added=1, removed=1)


def section(path: str, body: str = "@@ -1 +1 @@\n-a\n+b\n") -> str:
    return f"diff --git a/{path} b/{path}\n{body}"


def test_part_of_a_file_ends_where_the_next_begins_whatever_it_says() -> None:
    quoting = section("a", "@@ -1 +1 @@\n-diff --git a/b b/b\n+x\rdiff --git a/b b/b\n")
    assert patches_of([file("a"), file("b")], quoting + section("b")) == [quoting, section("b")]


def test_file_that_becomes_a_link_has_both_halves() -> None:
    halves = section("l", "deleted file mode 100644\n") + section("l", "new file mode 120000\n")
    assert patches_of([file("l", "type_changed"), file("z")], halves + section("z")) == [halves, section("z")]
    assert patches_of([file("l", "type_changed")], section("l")) == [None]


def test_part_of_another_file_is_never_shown() -> None:
    assert patches_of([file("a"), file("b"), file("c")], section("b")) == [None, section("b"), None]
    assert patches_of([file("a")], "") == [None]
