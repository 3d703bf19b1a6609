"""Signing in by an account elsewhere, at an OpenID Connect provider or GitHub: who is on the list of the allowed.

The protocol is Authlib's: state, nonce and PKCE, the provider's keys, what its token says.
"""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from joserfc.errors import JoseError

from lot.config import AllowedElsewhere, GitHubSignIn, OidcSignIn, Settings
from lot.core.errors import InvalidInputError, NotFoundError, SignInProviderError, SignInRefusedError
from lot.core.ids import UserId, new_id
from lot.core.sign_in import Identity, User
from lot.sign_in.names import NAME
from lot.sign_in.parts import Parts
from lot.sign_in.secret import new_secret

GITHUB = "github"
TIMEOUT_S = 10.0
PENDING_S = 600.0
"""How long somebody may take at the provider."""
MAX_PENDING = 1000
MAX_NAMESAKES = 100
_PROVIDER_FAILED = (AuthlibBaseError, HTTPError, JoseError, OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What Authlib and its parts raise about an answer that is none, or not what it should be."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that goes on at the provider."""

    url: str
    """Where the browser is to go."""
    secret: str
    """For its cookie, so that no other browser can end what this one began."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is at a provider."""

    issuer: str
    subject: str
    known_as: str
    """Verified e-mail address, or login: what is allowed or not, and the first choice of a name here."""


@dataclass(frozen=True, slots=True)
class _Pending:
    name: str
    state: str
    nonce: str | None
    code_verifier: str
    to: str
    until: float


class Elsewhere:
    """Lets in whom a configured provider vouches for."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts, self._origin = parts, settings.app_origin
        self._configured: dict[str, OidcSignIn | GitHubSignIn] = dict(settings.oidc)
        if settings.github_sign_in is not None:
            self._configured[GITHUB] = settings.github_sign_in
        self._oauth = OAuth()
        for name, configured in self._configured.items():
            self._oauth.register(name, **_registration(configured))
        self._pending: dict[str, _Pending] = {}

    @property
    def names(self) -> list[str]:
        """The providers that are configured."""
        return list(self._configured)

    def name_of(self, issuer: str) -> str:
        """Return what the provider of an account is called; its address, where it is no longer configured."""
        for name, configured in self._configured.items():
            if _issuer_of(configured) == issuer:
                return name
        return issuer

    async def begin(self, name: str, to: str) -> Begun:
        """Begin to sign in at a provider; `to` is kept for the end.

        Raises:
            NotFoundError: it is not configured. SignInProviderError: it does not answer as it should.
        """
        client = self._client(name)
        try:
            begun: dict[str, Any] = await client.create_authorization_url(self._callback(name))
        except _PROVIDER_FAILED as error:
            raise _failed(name, error) from error
        self._forget_old()
        secret = new_secret()
        self._pending[secret] = _Pending(
            name, begun["state"], begun.get("nonce"), begun["code_verifier"], to, time.monotonic() + PENDING_S
        )
        return Begun(begun["url"], secret)

    async def finish(self, name: str, secret: str, answer: Mapping[str, str]) -> tuple[User, str]:
        """Return whom the provider vouches for, and the `to` of the beginning.

        Args:
            secret: Of the cookie that the beginning set.
            answer: What the provider had the browser bring: `code` and `state`, or `error`.

        Raises:
            SignInRefusedError: it was not begun in this browser or is over, or whoever it is is not on the list.
            SignInProviderError: the provider refuses, or does not answer as it should.
        """
        pending = self._pending.pop(secret, None)
        if pending is None or pending.name != name or pending.until < time.monotonic():
            raise SignInRefusedError("this sign-in was not begun here, or took too long; begin again")
        if not hmac.compare_digest(pending.state.encode(), answer.get("state", "").encode()):
            raise SignInRefusedError("this answer is not to the sign-in that was begun here; begin again")
        try:
            account = await self._account(name, pending, answer)
        except _PROVIDER_FAILED as error:
            raise _failed(name, error) from error
        if not _is_allowed(self._configured[name], account.known_as):
            raise SignInRefusedError(f"{account.known_as} is not on the list of those who may sign in by {name}")
        return await self._user(account), pending.to

    async def _account(self, name: str, pending: _Pending, answer: Mapping[str, str]) -> Account:
        if "code" not in answer:
            raise ValueError(f"no code but {answer.get('error')}: {answer.get('error_description')}")
        client, configured = self._client(name), self._configured[name]
        token = await client.fetch_access_token(
            redirect_uri=self._callback(name),
            code=answer["code"],
            state=pending.state,
            code_verifier=pending.code_verifier,
        )
        if isinstance(configured, GitHubSignIn):
            user = (await client.get("user", token=token)).raise_for_status().json()
            return Account(_issuer_of(configured), str(user["id"]), str(user["login"]).lower())
        issuer = _issuer_of(configured)
        said = await client.parse_id_token(
            token,
            nonce=pending.nonce,
            claims_options={
                "iss": {"essential": True, "values": [issuer, f"{issuer}/"]},
                "aud": {"essential": True, "values": [configured.client_id]},
            },
        )
        if said is None or said.get("email_verified") is not True:
            raise SignInRefusedError(f"{name} knows no verified e-mail address of this account")
        return Account(issuer, str(said["sub"]), str(said["email"]).lower())

    async def _user(self, account: Account) -> User:
        """Return the user who has an account; at the first time one is made, under a name that is free."""
        known = await self._parts.store.find_user_by_identity(account.issuer, account.subject)
        if known is not None:
            return known
        first = account.known_as if NAME.fullmatch(account.known_as) else f"user-{new_id(6)}"
        for number in range(1, MAX_NAMESAKES):
            user = User(
                id=UserId(new_id()),
                name=first if number == 1 else f"{first}-{number}",
                password_hash=None,
                created_at=self._parts.now(),
            )
            try:
                identity = Identity(issuer=account.issuer, subject=account.subject, user_id=user.id)
                await self._parts.store.add_user_with_identity(user, identity)
            except InvalidInputError:
                continue
            return user
        raise SignInRefusedError(f"there are too many users named {first}")

    def _client(self, name: str) -> Any:
        if name not in self._configured:
            raise NotFoundError(f"sign-in by {name} is not configured")
        return self._oauth.create_client(name)

    def _callback(self, name: str) -> str:
        return f"{self._origin}/api/sign-in/with/{name}/callback"

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._pending = {secret: one for secret, one in self._pending.items() if one.until > now}
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]


def _issuer_of(configured: OidcSignIn | GitHubSignIn) -> str:
    """Return what a provider's accounts are stored under."""
    return configured.url if isinstance(configured, GitHubSignIn) else configured.issuer.rstrip("/")


def _registration(configured: OidcSignIn | GitHubSignIn) -> dict[str, Any]:
    """Return what Authlib is told of a provider."""
    registration: dict[str, Any] = {
        "client_id": configured.client_id,
        "client_secret": configured.client_secret.get_secret_value(),
        "client_kwargs": {"code_challenge_method": "S256", "timeout": TIMEOUT_S},
    }
    if isinstance(configured, OidcSignIn):
        registration["client_kwargs"]["scope"] = "openid email profile"
        url = f"{configured.issuer.rstrip('/')}/.well-known/openid-configuration"
        return registration | {"server_metadata_url": url}
    registration["client_kwargs"]["scope"] = "read:user"
    return registration | {
        "authorize_url": f"{configured.url}/login/oauth/authorize",
        "access_token_url": f"{configured.url}/login/oauth/access_token",
        "api_base_url": configured.api_url,
    }


def _is_allowed(configured: AllowedElsewhere, known_as: str) -> bool:
    domain = f"@{known_as.rpartition('@')[2]}" if "@" in known_as else None
    return known_as in configured.allow or domain in configured.allow


def _failed(name: str, error: Exception) -> SignInProviderError:
    structlog.get_logger(__name__).warning("provider of sign-in failed", provider=name, error=repr(error))
    return SignInProviderError(f"{name} did not vouch for anybody; Lot's log has the details")
