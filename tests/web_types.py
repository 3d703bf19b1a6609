"""Writes the API's description to where the web application's types are generated from: `make web-types`."""

import json
import tempfile
from pathlib import Path

import anyio

from lot.api.app import build_app
from lot.api.tickets import Tickets
from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World

OPENAPI = Path(__file__).parents[1] / "web" / "src" / "api" / "openapi.json"


async def described(folder: Path) -> str:
    """Return the description as text."""
    async with rig(folder, World()) as lot:
        app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
        return json.dumps(app.openapi(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        OPENAPI.write_text(anyio.run(described, Path(folder)))
