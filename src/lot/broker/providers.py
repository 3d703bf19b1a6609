"""Model providers: where requests to the model go, and with which credential.

`rehearsal` is one like any other, reached over a socket of this machine; nothing falls back on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

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
    http: httpx.AsyncClient = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
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
        if self.needs_credential and self.credential is None:
            raise ProviderError(
                f"there is no key for the model provider {self.name!r}: set ANTHROPIC_API_KEY (or "
                "LOT_ANTHROPIC_AUTH_TOKEN with a subscription token of your own) and start Lot again, or choose "
                "the scripted provider with `--provider rehearsal`"
            )

    async def close(self) -> None:
        """Close its connections."""
        await self.http.aclose()


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


def _credential(settings: Settings) -> Credential | None:
    if settings.anthropic_api_key is not None:
        return Credential(kind=CredentialKind.API_KEY, secret=settings.anthropic_api_key)
    if settings.anthropic_auth_token is not None:
        return Credential(kind=CredentialKind.AUTH_TOKEN, secret=settings.anthropic_auth_token)
    return None
