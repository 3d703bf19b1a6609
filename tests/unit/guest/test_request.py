"""Arguments of a call: what is not as it must be is refused in words that name it."""

import pytest

from lot.guest.refusal import Refused
from lot.guest.request import Arguments

PROGRAM = {"argv": ["true"], "environment": {}, "cwd": None, "user": "lot"}


@pytest.mark.parametrize("name", ["", "UPPER", "a/b", "..", "a.b", "x" * 41, "a\n", None, 3])
def test_name_that_could_be_a_path_is_refused(name: object) -> None:
    with pytest.raises(Refused):
        Arguments({"name": name}).name()


@pytest.mark.parametrize("path", ["", "relative", "/folder/", "/a\0b", "/\ud800", None])
def test_path_that_names_no_file_is_refused(path: object) -> None:
    with pytest.raises(Refused):
        Arguments({"path": path}).path()


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": []},
        {"argv": "true"},
        {"argv": ["a", 1]},
        {"argv": ["a\0"]},
        {"environment": None},
        {"environment": {"A": 1}},
        {"environment": {"": "x"}},
        {"environment": {"A": "\0"}},
        {"cwd": 1},
        {"user": None},
    ],
)
def test_program_that_the_system_could_not_be_given_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refused):
        Arguments({**PROGRAM, **changes}).program()


@pytest.mark.parametrize("value", [-1, 11, 1.0, True, "1", None])
def test_integer_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="from 0 to 10"):
        Arguments({"n": value}).integer("n", 0, 10)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), 1e9, True, "1"])
def test_duration_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="seconds"):
        Arguments({"s": value}).seconds("s")
