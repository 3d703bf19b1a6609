"""A provider of sign-in on this machine: OpenID Connect with PKCE, and GitHub's three addresses; it lies on demand."""

import hashlib
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "lot-client", "secret-of-the-client"


@dataclass
class Provider:
    """What it knows of whoever signs in next, and how it misbehaves."""

    url: str = ""
    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "42", "email": "Ada@Example.org", "email_verified": True}
    )
    """Of the token; they take the place of right ones, such as `nonce` or `aud`."""
    login: str = "Ada"
    refuses: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signing_key: RSAKey | None = None
    """Another one than it publishes."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """Return the server."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/login/oauth/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/login/oauth/access_token", self._token, methods=["POST"]),
                Route("/api/v3/user", self._user),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.url} | {name: f"{self.url}/{end}" for name, end in ends.items()})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        if self.refuses:
            answer = {"error": "access_denied", "state": asked["state"]}
        else:
            code = secrets.token_urlsafe()
            self.codes[code] = asked
            answer = {"code": code, "state": asked["state"]}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(given["code"], None)
        challenge = urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest()).rstrip(b"=")
        basic = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        is_right = asked is not None and (
            (challenge.decode(), given["redirect_uri"]) == (asked["code_challenge"], asked["redirect_uri"])
        )
        if asked is None or not is_right or basic != f"{CLIENT}:{SECRET}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        token: dict[str, Any] = {"access_token": "token-of-the-user", "token_type": "bearer"}
        if "nonce" in asked:
            now = int(time.time())
            right = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
            token["id_token"] = jwt.encode(
                {"alg": "RS256", "kid": "one"}, right | self.claims, self.signing_key or self.key
            )
        return JSONResponse(token)

    async def _user(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer token-of-the-user"
        return JSONResponse({"id": 7, "login": self.login})


@contextmanager
def provider_at_work() -> Iterator[Provider]:
    """Serve a provider on a free port of this machine."""
    provider = Provider()
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            threading.Event().wait(0.005)
        provider.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield provider
    finally:
        server.should_exit = True
        thread.join()
