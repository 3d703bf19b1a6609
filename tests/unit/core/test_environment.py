"""What a pasted `.env` means, and which environments are refused."""

import pytest

from lot.core.environment import (
    MAX_TOTAL_BYTES,
    MAX_VALUE_BYTES,
    MAX_VARIABLES,
    RESERVED,
    check_environment,
    parse_dotenv,
)
from lot.core.errors import InvalidInputError, TooLargeError
from lot.guest.tree import ENVIRON_BYTES, MARKER
from lot.guest.wire import MAX_HEAD_BYTES, encode

PASTED = """\ufeff# a comment

export A=1
B = 'single # quotes'   # and a comment
C="double \\"quotes\\", a\\nline break"
URL=postgres://u:p@h/db?sslmode=off&x==
EMPTY=
BARE=two words # not of it
HASH=a#b
KEY="-----BEGIN-----
line 2

-----END-----"
DOLLAR=$A and ${B}
A=2
JSON='{"a": "b"}'
"""
READ = {
    "A": "2",
    "B": "single # quotes",
    "C": 'double "quotes", a\nline break',
    "URL": "postgres://u:p@h/db?sslmode=off&x==",
    "EMPTY": "",
    "BARE": "two words",
    "HASH": "a#b",
    "KEY": "-----BEGIN-----\nline 2\n\n-----END-----",
    "DOLLAR": "$A and ${B}",
    "JSON": '{"a": "b"}',
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_pasted_file_is_read_whatever_its_line_ends(line_end: str) -> None:
    assert parse_dotenv(PASTED.replace("\n", line_end)) == READ


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "\ufeff"])
def test_text_that_sets_nothing_is_empty(text: str) -> None:
    assert parse_dotenv(text) == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nsecret words\n", 2),
        ("A=1\n\n\n# c\n\nsecret\n", 6),
        ("A='one\n\ntwo'\n\nsecret", 5),
        ('A="secret\nB=2\n', 1),
        ("=secret\n", 1),
        ("A=1\r\n\r\n1secret=x\r\n", 3),
        ("A=1\nse cret=x\n", 2),
        ("A=1\nA$secret=x\n", 2),
        ("A='secret' more\n", 1),
    ],
)
def test_bad_line_is_named_by_its_number_and_not_by_its_content(text: str, line: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"line {line}:") as caught:
        parse_dotenv(text)
    assert "cret" not in str(caught.value)


def test_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="NUL"):
        parse_dotenv("A=1\0")


def test_environment_may_be_as_large_as_it_may() -> None:
    check_environment({})
    check_environment({f"N{number}": "" for number in range(MAX_VARIABLES)})
    check_environment({"A": "x" * MAX_VALUE_BYTES, "a.b-c_1": "ü"})


@pytest.mark.parametrize(
    "values",
    [
        {f"N{number}": "" for number in range(MAX_VARIABLES + 1)},
        {"A": "x" * (MAX_VALUE_BYTES + 1)},
        {"A": "ü" * (MAX_VALUE_BYTES // 2 + 1)},
        {f"N{number}": "x" * MAX_VALUE_BYTES for number in range(MAX_TOTAL_BYTES // MAX_VALUE_BYTES)},
    ],
)
def test_too_much_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(TooLargeError) as caught:
        check_environment(values)
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "ä", "A\n", "A" * 201, *RESERVED])
def test_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        check_environment({name: "value"})


@pytest.mark.parametrize("value", ["secret\0", "secret\ud800"])
def test_value_that_is_no_text_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(InvalidInputError, match="NAME") as caught:
        check_environment({"NAME": value})
    assert "secret" not in str(caught.value)


def test_guest_can_be_told_of_the_largest_environment_and_finds_its_mark_in_it() -> None:
    names = [f"N{number:03}" for number in range(MAX_VARIABLES)]
    values = dict.fromkeys(names, "\x01" * (MAX_TOTAL_BYTES // MAX_VARIABLES - len("N000")))
    check_environment(values)
    assert len(encode({"call": "start", "environment": values})) > MAX_HEAD_BYTES // 2
    environ = "".join(f"{name}={value}\0" for name, value in values.items())
    assert len(environ) < ENVIRON_BYTES // 2 + MAX_VARIABLES * 2


def test_what_the_guest_marks_processes_with_is_reserved() -> None:
    assert MARKER in RESERVED
