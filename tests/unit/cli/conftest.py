"""A mock server and the `lot` command pointed at it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mock_lot import MockLot, served
from typer.testing import CliRunner, Result

from lot.cli.main import app
from lot.client.address import Address
from lot.client.client import LotClient


@dataclass
class Lot:
    """Runs `lot`."""

    address: Address

    def __call__(self, *arguments: str, input: str | bytes | None = None) -> Result:
        """Run it and return how it ended."""
        environment = {"LOT_URL": self.address.url, "LOT_API_TOKEN": self.address.token or "", "COLUMNS": "200"}
        return CliRunner().invoke(app, arguments, input=input, env=environment)

    def json(self, *arguments: str) -> Any:
        """Run it and return the one JSON value that is all it printed."""
        result = self(*arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def mock() -> MockLot:
    """Return the state of the mock server."""
    return MockLot()


@pytest.fixture
def address(mock: MockLot) -> Iterator[Address]:
    """Return where the mock is served."""
    with served(mock) as address:
        yield address


@pytest.fixture
def lot(address: Address) -> Lot:
    """Return the command, pointed at the mock."""
    return Lot(address)


@pytest.fixture
def client(address: Address) -> Iterator[LotClient]:
    """Return a client of the mock."""
    with LotClient(address) as client:
        yield client
