"""The app of the tiny project that acceptance tests develop: it counts in memory, and misbehaves when it is told to.

Runs in sandboxes, with the standard library alone.
"""

import base64
import hashlib
import itertools
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 5000
_WEBSOCKET_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_count = itertools.count(1)


class App(BaseHTTPRequestHandler):
    """Answers a few paths."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, or misbehave."""
        match self.path:
            case "/count":
                self._say({"count": next(_count), "pid": os.getpid()})
            case "/headers":
                self._say(list(self.headers.items()))
            case "/word":
                self._say(os.environ.get("LOT_WORD"))
            case "/setup-runs":
                self._say(Path("setup-runs").read_text().split())
            case "/surroundings":
                self._say(_surroundings())
            case "/socket":
                self._echo()
            case "/flood":
                threading.Thread(target=_flood, daemon=True).start()
                self._say("flooding")
            case "/die":
                print("the app was told to die", flush=True)
                os._exit(3)
            case _:
                self._say("hello")

    def log_message(self, *_: object) -> None:
        """Keep quiet, so that the log holds only what tests look for."""

    def _say(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _echo(self) -> None:
        """Speak WebSocket: the request's headers first, then every short text message back."""
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_MAGIC
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self._send_frame(json.dumps(list(self.headers.items())).encode())
        while True:
            opcode, payload = self._read_frame()
            if opcode != 1:
                break
            self._send_frame(b"echo: " + payload)
        self.close_connection = True

    def _read_frame(self) -> tuple[int, bytes]:
        head = self.rfile.read(2)
        if len(head) < 2:
            return 8, b""
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(self.rfile.read(2), "big")
        mask = self.rfile.read(4)
        payload = self.rfile.read(length)
        return head[0] & 0xF, bytes(byte ^ mask[number % 4] for number, byte in enumerate(payload))

    def _send_frame(self, payload: bytes) -> None:
        length = bytes([len(payload)]) if len(payload) < 126 else bytes([126]) + len(payload).to_bytes(2, "big")
        self.wfile.write(b"\x81" + length + payload)
        self.wfile.flush()


def _surroundings() -> dict[str, object]:
    """Return the process environment, `.env`, and how large the sandbox is for who is in it."""
    dotenv, memory = Path(".env"), Path("/proc/meminfo").read_text().split()[1]
    return {
        "environment": dict(os.environ),
        "dotenv": dotenv.read_text() if dotenv.exists() else None,
        "memory_bytes": int(memory) << 10,
    }


def _flood() -> None:
    while True:
        print("x" * 1000, flush=True)


if __name__ == "__main__":
    print("the app is up", flush=True)
    ThreadingHTTPServer(("", PORT), App).serve_forever()
