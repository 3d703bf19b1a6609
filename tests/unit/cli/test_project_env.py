"""`lot project env` against a mock server."""

from pathlib import Path

import pytest
from mock_lot import MockLot


@pytest.fixture
def values(mock: MockLot) -> dict[str, str]:
    """What the server has of project `shop`."""
    return mock.environments.setdefault(mock.add_project().id, {"OLD": "secret"})


def test_values_are_printed_only_where_they_are_asked_for(lot, values: dict[str, str]) -> None:
    listed = lot("project", "env", "shop")
    assert "OLD" in listed.stdout
    assert "secret" not in listed.output
    assert "secret" in lot("project", "env", "shop", "--reveal").stdout
    assert lot.json("project", "env", "shop", "--json")["variables"][0]["value"] is None
    assert lot.json("project", "env", "shop", "--reveal", "--json")["variables"][0]["value"] == "secret"


def test_empty_one_names_the_next_step(lot, values: dict[str, str]) -> None:
    values.clear()
    assert "lot project env shop set NAME=VALUE" in lot("project", "env", "shop").stdout


def test_set_and_unset(lot, values: dict[str, str]) -> None:
    said = lot("project", "env", "shop", "set", "A=b=c", "EMPTY=")
    assert (said.exit_code, values) == (0, {"OLD": "secret", "A": "b=c", "EMPTY": ""})
    assert "3 variables" in said.stdout
    assert "b=c" not in said.output
    assert lot.json("project", "env", "shop", "unset", "OLD", "A", "--json")["variables"] == [
        {"name": "EMPTY", "value": None, "changed_at": "2026-01-02T03:04:05Z"}
    ]


def test_name_alone_takes_its_value_from_standard_input(lot, values: dict[str, str]) -> None:
    assert lot("project", "env", "shop", "set", "KEY", input="two\nlines\n").exit_code == 0
    assert values["KEY"] == "two\nlines"
    refused = lot("project", "env", "shop", "set", "ONE", "TWO", input="x")
    assert refused.exit_code == 2
    assert "one at a time" in refused.stderr


def test_file_is_merged_or_takes_the_place_of_everything(lot, values: dict[str, str], mock: MockLot, tmp_path: Path):
    file = tmp_path / "env"
    file.write_bytes("\ufeffexport A=1\r\nB='x y'\r\n".encode())
    assert lot("project", "env", "shop", "import", str(file)).exit_code == 0
    assert values == {"OLD": "secret", "A": "1", "B": "x y"}
    assert lot("project", "env", "shop", "import", "-", "--replace", input="C=3").exit_code == 0
    assert mock.environments["p1"] == {"C": "3"}


@pytest.mark.parametrize("content", [b"A=1\nsecret words\n", b"A=1\n\xff=secret\n"])
def test_bad_file_is_named_and_not_shown(lot, values: dict[str, str], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "env"
    file.write_bytes(content)
    refused = lot("project", "env", "shop", "import", str(file))
    assert refused.exit_code == 2
    assert str(file) in refused.stderr
    assert "secret" not in refused.output
    assert values == {"OLD": "secret"}


def test_export_is_a_file_that_can_be_imported(lot, values: dict[str, str]) -> None:
    values["B"] = "two\nlines"
    refused = lot("project", "env", "shop", "export")
    assert (refused.exit_code, "OLD" in refused.output) == (2, False)
    exported = lot("project", "env", "shop", "export", "--reveal").stdout
    assert exported == "B='two\nlines'\nOLD=secret\n"
    values.clear()
    assert lot("project", "env", "shop", "import", "-", input=exported).exit_code == 0
    assert values == {"OLD": "secret", "B": "two\nlines"}


def test_sessions_with_other_values_are_named_with_what_to_do(lot, values: dict[str, str], mock: MockLot) -> None:
    session = mock.add_session(restart_needed=True)
    assert f"lot session restart {session.id}" in lot("project", "env", "shop", "set", "A=1").stderr
    assert "restart needed" in lot("session", "list").stdout
    assert f"lot session restart {session.id}" in lot("session", "show", session.id).stdout
    assert lot("session", "restart", session.id).exit_code == 0
    assert "restart needed" not in lot("session", "list").stdout
    mock.add_session("off", restart_needed=True, sandbox="paused")
    assert "`lot session resume`, then" in lot("session", "show", "off").stdout
