"""Model providers: where requests to the model go, and with which credential.

`rehearsal` is one like any other, reached over a socket of this machine; nothing falls back on it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import anyio
import httpx
from pydantic import SecretStr

from lot.config import Settings
from lot.core.errors import InvalidInputError, ProviderError

ANTHROPIC_MODELS = ("sonnet", "opus", "haiku")
"""Names that the agent program itself knows and resolves to the newest of each kind; full names may be used too."""
REHEARSAL_MODELS = ("rehearsal", "rehearsal-small")

_TIMEOUT = httpx.Timeout(connect=15.0, read=600.0, write=120.0, pool=None)
"""A model may think for minutes before its first byte; streams carry a ping every few seconds."""
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=50)


OAUTH_BETA = "oauth-2025-04-20"
"""What the agent program adds to `anthropic-beta` when it shows a subscription token itself."""
_CATALOGUE_TTL_S = 300.0
_CATALOGUE_TIMEOUT_S = 10.0
_MAX_CATALOGUE_BYTES = 4 << 20
_MAX_MODELS = 1_000
_MAX_NAME_CHARS = 200
_API_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider has now."""

    id: str
    """What is asked for."""
    name: str
    """What people call it."""


class CredentialKind(StrEnum):
    """How a secret is shown to a provider."""

    API_KEY = "api_key"
    AUTH_TOKEN = "auth_token"
    """The user's own subscription token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret with its kind."""

    kind: CredentialKind
    secret: SecretStr

    def headers(self) -> dict[str, str]:
        """Return the headers that show it, as the agent program itself would."""
        if self.kind is CredentialKind.API_KEY:
            return {"x-api-key": self.secret.get_secret_value()}
        return {"authorization": f"Bearer {self.secret.get_secret_value()}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider of models."""

    name: str
    base_url: str
    models: tuple[str, ...]
    """What can be chosen, the default first."""
    credential: Credential | None = None
    is_scripted: bool = False
    needs_credential: bool = True
    socket: Path | None = None
    """A unix socket on which `base_url` is served."""
    aliases: tuple[Model, ...] = ()
    """Names that the agent program knows beside those that the provider lists."""
    http: httpx.AsyncClient = field(init=False, repr=False, compare=False)
    _catalogue: "_Catalogue" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_catalogue", _Catalogue())
        transport = None
        if self.socket is not None:
            transport = httpx.AsyncHTTPTransport(uds=str(self.socket), limits=_LIMITS, verify=False)
        client = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False)
        object.__setattr__(self, "http", client)

    def require_credential(self) -> None:
        """Do nothing when requests can be made.

        Raises:
            ProviderError: there is no key; the message names the next step.
        """
        reason = self.readiness()
        if reason is not None:
            raise ProviderError(reason)

    def readiness(self) -> str | None:
        """Return why it cannot be used, with the next step; None when it can, as far as is known without asking it."""
        if self.credential is not None or not self.needs_credential:
            return None
        return (
            f"there is no key for the model provider {self.name!r}: set ANTHROPIC_API_KEY (or "
            "LOT_ANTHROPIC_AUTH_TOKEN with a subscription token of your own) and start Lot again, or choose "
            "the scripted provider with `--provider rehearsal`"
        )

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models that it has now, known for `_CATALOGUE_TTL_S`; names of the agent program come first.

        Raises:
            ProviderError: it cannot be asked, with the reason.
        """
        self.require_credential()
        async with self._catalogue.lock:
            if time.monotonic() > self._catalogue.valid_until:
                listed = await self._ask_for_models()
                self._catalogue.models, self._catalogue.valid_until = listed, time.monotonic() + _CATALOGUE_TTL_S
            return self.aliases + self._catalogue.models

    async def _ask_for_models(self) -> tuple[Model, ...]:
        headers = {"anthropic-version": _API_VERSION, "accept-encoding": "identity"}
        if self.credential is not None:
            headers |= self.credential.headers()
            if self.credential.kind is CredentialKind.AUTH_TOKEN:
                headers["anthropic-beta"] = OAUTH_BETA
        url, body = f"{self.base_url}/v1/models?limit={_MAX_MODELS}", bytearray()
        try:
            with anyio.fail_after(_CATALOGUE_TIMEOUT_S):
                async with self.http.stream("GET", url, headers=headers) as answer:
                    async for data in answer.aiter_bytes():
                        body += data
                        if len(body) > _MAX_CATALOGUE_BYTES:
                            raise ProviderError(f"the model provider {self.name} lists more models than can be read")
        except (httpx.HTTPError, TimeoutError) as error:
            kind = type(error).__name__
            raise ProviderError(f"the model provider {self.name} cannot be reached ({kind})") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ProviderError(f"the model provider {self.name} refused the key: set another one and start Lot again")
        if not answer.is_success:
            raise ProviderError(f"the model provider {self.name} answered {answer.status_code} when asked for models")
        return _models(bytes(body), self.name)

    async def close(self) -> None:
        """Close its connections."""
        await self.http.aclose()


@dataclass(slots=True)
class _Catalogue:
    """The models that a provider listed last."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    models: tuple[Model, ...] = ()
    valid_until: float = 0.0
    """On the monotonic clock."""


class Providers:
    """All providers of this installation."""

    def __init__(self, providers: tuple[Provider, ...]) -> None:
        self._providers: Mapping[str, Provider] = {provider.name: provider for provider in providers}

    @classmethod
    def from_settings(cls, settings: Settings, rehearsal_socket: Path) -> "Providers":
        """Return the providers that the settings describe."""
        return cls((anthropic(settings), rehearsal(rehearsal_socket)))

    def get_provider(self, name: str) -> Provider:
        """Return a provider.

        Raises:
            InvalidInputError: there is none of that name.
        """
        provider = self._providers.get(name)
        if provider is None:
            raise InvalidInputError(f"there is no provider {name!r}; there are: {', '.join(self._providers)}")
        return provider

    def list_providers(self) -> tuple[Provider, ...]:
        """Return all of them."""
        return tuple(self._providers.values())

    async def close(self) -> None:
        """Close all connections."""
        for provider in self._providers.values():
            await provider.close()


def anthropic(settings: Settings) -> Provider:
    """Return the provider `anthropic`: Anthropic itself, or whatever speaks its API at the base URL that is set."""
    return Provider(
        name="anthropic",
        base_url=settings.anthropic_base_url.rstrip("/"),
        models=ANTHROPIC_MODELS,
        credential=_credential(settings),
        aliases=tuple(Model(alias, f"{alias.capitalize()}, the newest") for alias in ANTHROPIC_MODELS),
    )


def rehearsal(socket: Path) -> Provider:
    """Return the provider `rehearsal`, served on a socket by `lot.rehearsal.serve`."""
    return Provider(
        name="rehearsal",
        base_url="http://rehearsal",
        models=REHEARSAL_MODELS,
        is_scripted=True,
        needs_credential=False,
        socket=socket,
    )


def _models(body: bytes, provider: str) -> tuple[Model, ...]:
    try:
        listed = json.loads(body)["data"]
        named = [(str(one["id"]), str(one.get("display_name") or one["id"])) for one in listed[:_MAX_MODELS]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProviderError(f"the model provider {provider} lists its models in a way that cannot be read") from error
    return tuple(Model(id_, name[:_MAX_NAME_CHARS]) for id_, name in named if 0 < len(id_) <= _MAX_NAME_CHARS)


def _credential(settings: Settings) -> Credential | None:
    if settings.anthropic_api_key is not None:
        return Credential(kind=CredentialKind.API_KEY, secret=settings.anthropic_api_key)
    if settings.anthropic_auth_token is not None:
        return Credential(kind=CredentialKind.AUTH_TOKEN, secret=settings.anthropic_auth_token)
    return None
