"""What `lot up` and `lot demo` refuse before anything is started."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lot.cli.main import app

NO_KEY = {"ANTHROPIC_API_KEY": None, "LOT_ANTHROPIC_API_KEY": None, "LOT_ANTHROPIC_AUTH_TOKEN": None, "LOT_URL": None}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port of this machine that something listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={**NO_KEY, **environment})


def test_a_port_in_use_is_named_with_the_next_step(taken_port: int, tmp_path: Path):
    result = run("up", "--port", str(taken_port), "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert f"Port {taken_port}" in result.stderr
    assert "--port" in result.stderr


def test_an_unknown_provider_is_a_usage_error(tmp_path: Path):
    assert run("up", "--provider", "nosuch", "--data-dir", str(tmp_path)).exit_code == 2


def test_the_demo_never_chooses_the_rehearsal_by_itself():
    result = run("demo", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "ANTHROPIC_API_KEY" in result.stderr
    assert "--provider rehearsal" in result.stderr


def test_a_repository_needs_a_dev_command_and_a_port():
    result = run("demo", "https://git.test/a.git", "--provider", "rehearsal")
    assert result.exit_code == 2
    assert "--dev" in result.stderr
