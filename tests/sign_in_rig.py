"""Lot's application over a pretended world, and browsers that sign in to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from lot.api.app import build_app
from lot.api.tickets import Tickets
from tests.unit.engine.conftest import Rig

TOKEN = "token-of-this-test"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
ORIGIN = "http://localhost:7070"
FROM_PAGE = {"Origin": ORIGIN, "X-Lot-Client": "web"}
"""What our own page's requests carry that change something."""
PASSWORD = "correct horse"


@dataclass
class Door:
    """The application, and ways to come to it."""

    app: FastAPI
    lot: Rig

    @asynccontextmanager
    async def browser(self, base_url: str = ORIGIN, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """Return a browser that nobody is signed in with; it keeps cookies."""
        transport = httpx.ASGITransport(self.app, client=("192.0.2.7", 1234))
        async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as http:
            yield http

    async def link(self, **wanted: Any) -> str:
        """Return the secret of a new one-time link."""
        async with self.browser(**OPERATOR) as operator:
            made = await operator.post("/api/sign-in-links", json=wanted)
        assert made.status_code == 201, made.text
        return httpx.URL(made.json()["url"]).params["link"]

    async def become(self, http: httpx.AsyncClient, name: str = "ada") -> None:
        """Make a user and sign them in with a browser."""
        link = await self.link(is_new=True)
        entered = await http.post("/api/sign-in/link", json={"link": link, "name": name, "password": PASSWORD})
        assert entered.status_code == 200, entered.text


def door_to(lot: Rig) -> Door:
    """Return the application of an engine."""
    return Door(build_app(lot.engine, lot.parts.settings, token=TOKEN, tickets=Tickets(bytes(32))), lot)


async def try_socket(app: FastAPI, path: str, extensions: tuple[str, ...] = (), **headers: str) -> dict[str, Any]:
    """Ask for a socket and return the first thing that comes: accepted, refused with an answer, or closed."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect"} if sent else {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    names = {"host": "localhost:7070"} | {name.lower().replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "ws",
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
        "client": ("192.0.2.7", 1234),
        "subprotocols": [],
        "extensions": {name: {} for name in extensions},
    }
    await app(scope, receive, send)
    return sent[0]
