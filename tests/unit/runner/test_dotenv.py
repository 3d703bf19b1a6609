"""What is written to `.env` is what its readers read."""

import io
import subprocess

import pytest
from dotenv import dotenv_values
from hypothesis import example, given
from hypothesis import strategies as st

from lot.core.errors import InvalidInputError
from lot.runner.dotenv import dotenv_text

VALUES = {
    "PLAIN": "abc",
    "EMPTY": "",
    "URL": "postgres://u:p@localhost:5432/db?sslmode=off",
    "SPACES": "  two words ",
    "HASH": "a #b",
    "EQUALS": "a=b==",
    "DOLLAR": "pa$$word $HOME `id` $(id)",
    "QUOTES": 'say "hi"',
    "APOSTROPHE": "it's",
    "LINES": "one\ntwo\n",
    "BACKSLASH": "C:\\new\\temp",
    "UNICODE": "\N{SNOWMAN} ü",
}
MIXED = {
    "BOTH": '{"a": "it\'s"}',
    "KEY": '-----BEGIN-----\nit\'s "it"\n-----END-----',
    "CARRIAGE": "a\r\nb",
    "TRAILING": "dir\\",
    "DOUBLED": "\\\\host\\share",
}


@pytest.mark.parametrize(("name", "value"), [*VALUES.items(), *MIXED.items()])
def test_python_dotenv_reads_what_was_written(name: str, value: str) -> None:
    assert dotenv_values(stream=io.StringIO(dotenv_text({name: value, "NEXT": "1"}))) == {name: value, "NEXT": "1"}


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_a_shell_reads_what_was_written(name: str, value: str) -> None:
    script = f'{dotenv_text({name: value})}printf %s "${name}"'
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout == value


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc"], include_characters="\n\t")))
@example("\\'")
@example("'\\")
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    read = dotenv_values(stream=io.StringIO(dotenv_text({"A": value, "B": "1"})), interpolate=False)
    assert read == {"A": value, "B": "1"}


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\nB", "\u00e4"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        dotenv_text({name: "x"})


def test_nul_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        dotenv_text({"A": "a\0b"})
