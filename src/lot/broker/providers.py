"""Model providers: where requests to the model go, and with which credential.

`rehearsal` is one like any other, reached over a socket of this machine; nothing falls back on it.
"""

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import anyio
import httpx
import structlog
from pydantic import SecretStr

from lot.config import Settings
from lot.core.credentials import CredentialKind, ModelKey
from lot.core.errors import CallerError, InvalidInputError, KeyRefusedError, ProviderError

logger = structlog.get_logger(__name__)

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
    key_origin: Literal["environment", "stored"] | None = None
    """Where its credential was set; the environment's counts above one that is stored."""
    is_address_fixed: bool = False
    """Whether the environment says where it is."""
    http: httpx.AsyncClient = field(init=False, repr=False, compare=False)
    _catalogue: "_Catalogue" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_catalogue", _Catalogue())
        transport = None
        if self.socket is not None:
            transport = httpx.AsyncHTTPTransport(uds=str(self.socket), limits=_LIMITS, verify=False)
        client = httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False)
        object.__setattr__(self, "http", client)

    @property
    def key_kind(self) -> CredentialKind | None:
        """How its secret is shown; None: it has none."""
        return None if self.credential is None else self.credential.kind

    def with_key(self, key: ModelKey) -> "Provider":
        """Return the provider as it is asked with another key, over connections of its own."""
        return replace(
            self,
            base_url=(key.base_url or self.base_url).rstrip("/"),
            credential=Credential(kind=key.kind, secret=key.secret),
            key_origin="stored",
        )

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
            f"there is no key for the model provider {self.name!r}: store one in the settings or with "
            f"`lot provider connect {self.name}` (a subscription token of your own with --subscription), set "
            "ANTHROPIC_API_KEY and start Lot again, or choose the scripted provider with `--provider rehearsal`"
        )

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models that it has now, known for `_CATALOGUE_TTL_S`; names of the agent program come first.

        Raises:
            KeyRefusedError: it does not know the key. ProviderError: it cannot be asked, with the reason.
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
            raise KeyRefusedError(f"the model provider {self.name} refused the key: {self._next_key()}")
        if not answer.is_success:
            raise ProviderError(f"the model provider {self.name} answered {answer.status_code} when asked for models")
        return _models(bytes(body), self.name)

    def _next_key(self) -> str:
        if self.key_origin == "environment":
            return "set another one in the server's environment and start Lot again"
        return f"store another one in the settings or with `lot provider connect {self.name}`"

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
        self._given = {provider.name: provider for provider in providers}
        """As the environment has them."""
        self._providers = dict(self._given)
        self._retired: list[Provider] = []
        """With keys that are replaced; requests may still be under way."""

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

    async def check_key(self, name: str, key: ModelKey) -> None:
        """Do nothing when a key may be used for a provider; one that cannot be reached now is taken at its word.

        Raises:
            KeyRefusedError: the provider does not know it. InvalidInputError: there is no such provider.
            CallerError: the provider takes no key, or the environment has set what would be changed.
        """
        given = self._changeable(name)
        if given.is_address_fixed and key.base_url not in (None, given.base_url):
            raise CallerError(
                f"the address of {name} is set by LOT_ANTHROPIC_BASE_URL, which counts; leave it out here"
            )
        tried = given.with_key(key)
        try:
            await tried.list_models()
        except KeyRefusedError:
            raise
        except ProviderError as error:
            logger.info("key could not be tried", provider=name, reason=str(error))
        finally:
            await tried.close()

    def use_key(self, name: str, key: ModelKey | None) -> None:
        """Ask a provider with a key from the next request on; None: as the environment has it.

        Raises:
            InvalidInputError: there is no such provider.
            CallerError: the provider takes no key, or the environment has set one.
        """
        given = self._changeable(name)
        if self._providers[name] is not given:
            self._retired.append(self._providers[name])
        self._providers[name] = given if key is None else given.with_key(key)

    async def close(self) -> None:
        """Close all connections."""
        for provider in (*self._given.values(), *self._providers.values(), *self._retired):
            await provider.close()

    def _changeable(self, name: str) -> Provider:
        self.get_provider(name)
        given = self._given[name]
        if not given.needs_credential:
            raise CallerError(f"the provider {name} needs no key")
        if given.key_origin == "environment":
            raise CallerError(
                f"the key of {name} is set in the server's environment, which counts; take it away there and start Lot "
                "again to store one here"
            )
        return given


def anthropic(settings: Settings) -> Provider:
    """Return the provider `anthropic`: Anthropic itself, or whatever speaks its API at the base URL that is set."""
    return Provider(
        name="anthropic",
        base_url=settings.anthropic_base_url.rstrip("/"),
        models=ANTHROPIC_MODELS,
        credential=_credential(settings),
        key_origin="environment" if _credential(settings) is not None else None,
        is_address_fixed="anthropic_base_url" in settings.model_fields_set,
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
