"""Exit codes, help, and how fast the command is there."""

import subprocess
import sys

import pytest
from mock_lot import MockLot
from typer.testing import CliRunner

from lot.cli.main import COMMANDS, app


def test_unreachable_server_ends_with_3_and_names_lot_up():
    result = CliRunner().invoke(app, ["--url", "http://127.0.0.1:9", "session", "list"])
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "lot up" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["session", "show"], ["session", "new", "x", "--mode", "huge"], ["pr", "show", "p", "0"]],
)
def test_wrong_usage_ends_with_2(lot, arguments: list[str]):
    assert lot(*arguments).exit_code == 2


def test_a_value_the_api_would_refuse_is_a_usage_error(lot):
    result = lot("project", "create", "https://git.test/a.git", "--name", "-bad name-")
    assert result.exit_code == 2
    assert "name" in result.stderr


def test_unknown_session_ends_with_1(lot):
    result = lot("session", "show", "nosuchone")
    assert result.exit_code == 1
    assert "lot session list" in result.stderr


def test_a_wrong_token_is_explained(lot, mock: MockLot):
    result = lot("--token", "wrong", "session", "list")
    assert result.exit_code == 1
    assert "LOT_API_TOKEN" in result.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(lot, command: str):
    result = lot(command, "--help")
    assert result.exit_code == 0, result.output
    assert "Usage" in result.stdout


@pytest.mark.parametrize("heavy", ["fastapi", "sqlalchemy", "uvicorn", "claude_agent_sdk", "cryptography"])
def test_help_and_session_commands_leave_the_servers_libraries_alone(heavy: str):
    script = (
        "import sys; from typer.testing import CliRunner; from lot.cli.main import app;"
        "CliRunner().invoke(app, ['session', 'list', '--help']); CliRunner().invoke(app, ['--help']);"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
