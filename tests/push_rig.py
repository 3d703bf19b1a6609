"""A push service on this machine, with TLS, which misbehaves on demand; and browsers that read what it takes."""

import ipaddress
import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lot.core.push import PushSubscription
from lot.push.encryption import pack, point, unpack

TAKEN = 201


@dataclass
class Browser:
    """A browser that has subscribed: the one that can read what is sent to it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def subscription(self, endpoint: str) -> PushSubscription:
        """Return what it gives."""
        return PushSubscription(endpoint=endpoint, p256dh=pack(point(self.key.public_key())), auth=pack(self.auth))

    def body(self, endpoint: str) -> dict[str, Any]:
        """Return what its page posts."""
        given = self.subscription(endpoint)
        return {"endpoint": given.endpoint, "keys": {"p256dh": given.p256dh, "auth": given.auth}}

    def read(self, body: bytes) -> bytes:
        """Decrypt a body from the receiver's side: RFC 8291, section 3.4, and RFC 8188, section 2."""
        salt, size, sender = body[:16], int.from_bytes(body[16:20], "big"), body[21 : 21 + body[20]]
        record = body[21 + body[20] :]
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + point(self.key.public_key()) + sender
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        plain, end, padding = AESGCM(key).decrypt(nonce, record, None).rpartition(b"\x02")
        assert (end, padding.strip(b"\0")) == (b"\x02", b"")
        return plain


@dataclass
class Taken:
    """One request to the push service."""

    path: str
    headers: dict[str, str]
    body: bytes

    def claims(self) -> dict[str, Any]:
        """Return what its token says, once that is proved to be signed by the key beside it."""
        token, key = self.headers["authorization"].removeprefix("vapid t=").split(", k=")
        raw = unpack(key)
        public = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": pack(raw[1:33]), "y": pack(raw[33:])})
        return jwt.decode(token, public, algorithms=["ES256"]).claims

    def said(self, browser: Browser) -> dict[str, str]:
        """Return what the browser reads."""
        read: dict[str, str] = json.loads(browser.read(self.body))
        return read


@dataclass
class PushService:
    """What it answers, and what it was asked."""

    host: str = ""
    """As on the list of the settings."""
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    """Of whoever knows its certificate."""
    answer: Callable[[], Response] = lambda: Response(status_code=TAKEN)
    hangs_at: str | None = None
    """How paths end at which it never answers."""
    asked: list[Taken] = field(default_factory=list)
    _let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> str:
        """A browser's address here."""
        return f"https://{self.host}/push/abc"

    async def take(self, count: int = 1) -> list[Taken]:
        """Return what it was asked, once that is so many requests."""
        with anyio.fail_after(20):
            while len(self.asked) < count:  # noqa: ASYNC110 - it runs in a thread
                await anyio.sleep(0.005)
        return self.asked

    async def _push(self, request: Request) -> Response:
        self.asked.append(Taken(request.url.path, dict(request.headers), await request.body()))
        if self.hangs_at is not None and request.url.path.endswith(self.hangs_at):
            await anyio.to_thread.run_sync(self._let_go.wait)
        return self.answer()


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    """Serve on the loopback interface for the length of the block."""
    service = PushService()
    listening = socket.create_server(("127.0.0.1", 0))
    service.host = f"localhost:{listening.getsockname()[1]}"
    certificate = _certificate(folder)
    service.trust.load_verify_locations(certificate)
    app = Starlette(routes=[Route("/{path:path}", service._push, methods=["GET", "POST"])])
    server = uvicorn.Server(
        uvicorn.Config(app, ssl_certfile=certificate, lifespan="off", log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield service
    finally:
        service._let_go.set()
        server.should_exit = server.force_exit = True
        thread.join()
        listening.close()


def _certificate(folder: Path) -> Path:
    """Write a key and a certificate for this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = folder / "push-service.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
