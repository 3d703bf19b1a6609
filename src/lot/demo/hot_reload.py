"""Listens to a Vite dev server's hot-reload socket, as the page in a browser does."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from lot.client.preview import PreviewClient

_TOKEN = re.compile(r'wsToken = "([^"]+)"')
_CLIENT = "/@vite/client"


@dataclass
class HotReload:
    """The messages of one socket, each with when it came (monotonic seconds)."""

    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_update(self, path: str, timeout_s: float) -> tuple[float, str] | None:
        """Return when and how (`update`, `full-reload`) the page was told to renew `path`; None: not in time."""
        until = time.monotonic() + timeout_s
        with self._news:
            while True:
                for at, message in self.messages:
                    if _renews(message, path):
                        return at, str(message["type"])
                if not self._news.wait(until - time.monotonic()):
                    return None

    def forget(self) -> None:
        """Drop what came so far."""
        with self._news:
            self.messages.clear()

    def take(self, text: str | bytes) -> None:
        """Keep a message."""
        with self._news:
            self.messages.append((time.monotonic(), json.loads(text)))
            self._news.notify_all()


@contextmanager
def hot_reload(preview: PreviewClient, module: str) -> Iterator[HotReload | None]:
    """Listen for the length of the block; None where the app is not served by Vite.

    Args:
        preview: The app.
        module: Path of the module that will change; Vite tells only of modules that a page has loaded.
    """
    client = preview.get(_CLIENT)
    token = _TOKEN.search(client.text) if client.is_success else None
    if token is None:
        yield None
        return
    for path in ("/", "/src/main.jsx", module):
        preview.get(path)
    with preview.socket(f"/?token={token[1]}", "vite-hmr") as socket:
        listening = HotReload()
        thread = threading.Thread(target=_listen, args=(socket, listening), name="hot-reload")
        thread.start()
        try:
            yield listening
        finally:
            socket.close()
            thread.join()


def _listen(socket: ClientConnection, listening: HotReload) -> None:
    with suppress(ConnectionClosed):
        while True:
            listening.take(socket.recv())


def _renews(message: dict[str, Any], path: str) -> bool:
    if message.get("type") == "full-reload":
        return True
    updates = message["updates"] if message.get("type") == "update" else []
    return any(path in (update.get("path"), update.get("acceptedPath")) for update in updates)
