"""`lot project` against a mock server."""

from pathlib import Path

import pytest
from mock_lot import MockLot

from lot.cli.env_file import read_env_file
from lot.core.errors import InvalidInputError


def test_create_shows_the_builds_log_and_ends_ready(lot, mock: MockLot, tmp_path: Path):
    result = lot("project", "create", str(tmp_path), "--setup", "npm ci", "--name", "app")
    assert result.exit_code == 0
    assert "added 64 packages" in result.stderr
    assert "ready" in result.stdout
    assert "lot session new app" in result.stdout
    assert mock.projects["p1"].name == "app"


def test_create_makes_a_path_absolute_and_leaves_a_url_alone(lot, mock: MockLot, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lot.json("--json", "project", "create", ".")["source"] == str(tmp_path)
    assert lot.json("project", "create", "https://git.test/a.git", "--json")["source"] == "https://git.test/a.git"


def test_image_is_sent_shown_and_changed_with_the_next_step(lot, mock: MockLot, tmp_path: Path):
    made = lot.json("project", "create", str(tmp_path), "--image", "dockerfile:Dockerfile", "--json")
    assert made["image"] == "dockerfile:Dockerfile"
    assert "dockerfile:Dockerfile" in lot("project", "show", "shop").stdout
    assert "lot project retry shop" in lot("project", "image", "shop", "devcontainer").stdout
    assert lot.json("project", "image", "shop", "default", "--json")["image"] is None
    assert mock.changes == [{"image": "devcontainer"}, {"image": None}]


def test_failed_setup_ends_with_1_shows_the_log_and_names_retry(lot, mock: MockLot, tmp_path: Path):
    mock.setup_fails = True
    result = lot("project", "create", str(tmp_path))
    assert result.exit_code == 1
    assert "added 64 packages" in result.stderr
    assert "exit code 7" in result.stderr
    assert "lot project retry shop" in result.stderr
    assert lot("project", "retry", "shop").exit_code == 0


def test_env_file_reaches_the_server_and_its_values_are_not_printed(lot, mock: MockLot, tmp_path: Path):
    env = tmp_path / "env"
    env.write_bytes(b"# comment\r\n\r\nexport A=1\r\nB='x y'\r\nC=a=b=c\nD=\"two\nlines\"\nA=2\nE=$A\nF=\n")
    result = lot("project", "create", str(tmp_path), "--env-file", str(env))
    assert result.exit_code == 0
    assert mock.environments["p1"] == {"A": "2", "B": "x y", "C": "a=b=c", "D": "two\nlines", "E": "$A", "F": ""}
    assert "x y" not in result.output


@pytest.mark.parametrize("text", ["A=1\nnonsense\n", "A=1\n=2\n"])
def test_a_wrong_line_of_an_env_file_is_named(tmp_path: Path, text: str):
    path = tmp_path / "env"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match="line 2"):
        read_env_file(path)


def test_list_show_and_delete(lot, mock: MockLot):
    assert "lot project create" in lot("project", "list").stdout
    mock.add_project()
    assert "shop" in lot("project", "list").stdout
    assert "disk only" not in lot("project", "show", "shop").stdout
    assert lot.json("project", "list", "--json")[0]["name"] == "shop"
    assert lot.json("project", "delete", "shop", "--json") == {"deleted": "shop"}
    assert mock.projects == {}
