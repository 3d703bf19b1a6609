"""Settings of a Lot installation, read once and handed down; nothing else reads the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from lot.core.defaults import Effort
from lot.core.errors import InvalidInputError
from lot.core.records import AgentMode
from lot.core.web_origin import WebOrigin


class TokenPrices(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write: float = Field(ge=0)
    cache_read: float = Field(ge=0)
    cache_write_1h: float | None = Field(default=None, ge=0)
    """Of a cache that is kept for an hour; by default as `cache_write`."""


class LongPromptPrices(TokenPrices):
    """Prices of requests with a long prompt, for all their tokens."""

    above_tokens: int = Field(gt=0)
    """A longer prompt (input, cache read and cache write together) costs this."""


class ModelPrice(TokenPrices):
    """What a model costs."""

    long_prompt: LongPromptPrices | None = None


class Size(BaseModel):
    """What a sandbox may use, and how it is metered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus: int = Field(ge=1)
    memory_bytes: int = Field(ge=256 << 20)
    compute_units: float = Field(gt=0)
    """Counted for each second that a sandbox of this size is on."""


SIZES: Mapping[str, Size] = {
    "small": Size(cpus=2, memory_bytes=4 << 30, compute_units=1.0),
    "large": Size(cpus=4, memory_bytes=8 << 30, compute_units=2.0),
}
"""What every installation has, unless its settings say otherwise."""


PUSH_HOSTS = (
    "fcm.googleapis.com",  # Chrome and other Chromiums
    "*.push.services.mozilla.com",  # Firefox
    "*.push.apple.com",  # Safari, and every browser of an iPhone
    "*.notify.windows.com",  # Edge on Windows
)
"""The push services of the browsers that people use."""
_PUSH_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?")

_HERE = ("127.0.0.1", "::1", "0.0.0.0", "::")
"""Addresses to listen on that are shown as `localhost`."""


class AllowedElsewhere(BaseModel):
    """A provider of sign-in that knows us, and who of those whom it vouches for may sign in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    allow: tuple[str, ...] = Field(min_length=1)
    """In lower case; given with commas between them."""

    @field_validator("allow", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        given = value.split(",") if isinstance(value, str) else value
        return tuple(each.strip().lower() for each in given if each.strip())


class OidcSignIn(AllowedElsewhere):
    """An OpenID Connect provider; `allow` has verified e-mail addresses, and `@example.org` for all of a domain."""

    issuer: str = Field(pattern=r"^https?://")


class GitHubSignIn(AllowedElsewhere):
    """GitHub, by an OAuth app; `allow` has logins."""

    url: str = Field(default="https://github.com", pattern=r"^https?://.*[^/]$")

    @property
    def api_url(self) -> str:
        """Where its API is, with a slash at the end."""
        return "https://api.github.com/" if self.url == "https://github.com" else f"{self.url}/api/v3/"


_WAY_IN = re.compile(
    r"LOT_(?:OIDC_(?P<name>[A-Z0-9]+)|GITHUB_SIGN_IN)_(?P<field>ISSUER|URL|CLIENT_ID|CLIENT_SECRET|ALLOW)"
)


class _WaysIn(PydanticBaseSettingsSource):
    """Gathers `LOT_OIDC_<NAME>_<FIELD>` and `LOT_GITHUB_SIGN_IN_<FIELD>`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        oidc: dict[str, dict[str, str]] = {}
        github: dict[str, str] = {}
        for variable, value in os.environ.items():
            if match := _WAY_IN.fullmatch(variable):
                provider = github if match["name"] is None else oidc.setdefault(match["name"].lower(), {})
                provider[match["field"].lower()] = value
        return ({"oidc": oidc} if oidc else {}) | ({"github_sign_in": github} if github else {})


class Settings(BaseSettings):
    """Everything an operator may set, from the environment (`LOT_<NAME>`) or the constructor."""

    model_config = SettingsConfigDict(env_prefix="LOT_", frozen=True, extra="forbid")

    data_dir: Path = Path("/var/lib/lot")
    """Database, keys, mirrors, disks and images of this installation."""
    runtime_dir: Path = Path("/var/lib/lot/runtime")
    """The proven sandbox runtime; shared by installations on one machine."""
    images_dir: Path = Path("/var/lib/lot/images")
    """Base images; shared by installations on one machine."""
    host: str = "127.0.0.1"
    port: int = 7070
    public_url: str | None = None
    """Where browsers reach Lot, such as https://lot.example.org, when that is not where it listens: a reverse proxy's
    address. Its host becomes a known one; its scheme says whether cookies need TLS, and is that of previews, too."""
    oidc: dict[str, OidcSignIn] = Field(default_factory=dict)
    """Providers of sign-in by name, from `LOT_OIDC_<NAME>_ISSUER`, `_CLIENT_ID`, `_CLIENT_SECRET` and `_ALLOW`."""
    github_sign_in: GitHubSignIn | None = None
    """From `LOT_GITHUB_SIGN_IN_CLIENT_ID`, `_CLIENT_SECRET`, `_ALLOW`, and `_URL` for GitHub Enterprise."""
    preview_domain: str = "preview.localhost"
    push_hosts: Annotated[tuple[str, ...], NoDecode] = PUSH_HOSTS
    """Push services that may be asked to show notices in browsers whose users turned that on: `host`, `*.domain` for
    all below it, `host:port` where the port is not 443; given with commas between them. Empty: Web Push is off."""
    push_contact: str | None = Field(default=None, pattern=r"^(?:mailto:[^\s@]+@[^\s@]+|https://\S+)$")
    """Where operators of push services can write to, `mailto:` or `https:`; by default `public_url`, if it has TLS.
    Apple refuses notices without one, and one whose host it does not find."""
    database_url: str | None = None
    """SQLAlchemy URL; by default SQLite in `data_dir`."""

    idle_countdown_s: float = 300.0
    """Until users choose another in Lot's settings, as they may `provider` and `model`, `effort`, `mode` and `size`."""
    resume_window_s: float = 300.0
    activity_limit_s: float = 86_400.0
    drift_check_s: float = 600.0
    """How often each project's repository is asked for changes that make its snapshot stale."""
    warm_runners: int = 2
    """Idle runners kept ready."""
    sizes: dict[str, Size] = Field(default_factory=dict)
    """JSON, name to `{"cpus", "memory_bytes", "compute_units"}`: adds to small and large, or replaces them. What is
    there already keeps what it was made with."""
    size: str = "small"
    """Of sandboxes of new projects."""
    memory_reserve_bytes: int = 1 << 30
    """Host memory never promised to sandboxes."""
    disk_reserve_bytes: int = 1 << 30
    """Free disk below which nothing new is started and no pause is begun without room for its image."""

    provider: str = "anthropic"
    """`anthropic` or `rehearsal`: what new sessions use unless they say otherwise."""
    model: str | None = None
    """Model of new sessions; by default the provider's first."""
    effort: Effort | None = None
    """How hard the model of new sessions is to think; by default as it does by itself."""
    mode: AgentMode = AgentMode.FULL
    """What agents of new sessions may do without asking."""
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("anthropic_api_key", "LOT_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY")
    )
    """Also taken from `ANTHROPIC_API_KEY`, where people have it already."""
    anthropic_auth_token: SecretStr | None = None
    """The user's own subscription token, sent as a bearer token; used when there is no API key."""
    model_prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """JSON, model to `{"input", "output", "cache_write", "cache_read"}` in USD per million tokens: adds to the prices
    that Lot knows (`broker/prices.yaml`) or replaces them. A model without a price is counted in tokens only."""
    model_attempts: int = Field(default=10, ge=1)
    """How often a request is made to a provider that is overloaded, failing or unreachable before the agent is told."""
    model_patience_s: float = Field(default=300.0, ge=0)
    """How long such a request is tried again; the agent program itself waits 360 s for an answer to begin."""
    secret_key: SecretStr | None = None
    """Base64 key for encryption at rest; by default a 0600 key file in `data_dir`."""
    secret_key_old: SecretStr | None = None
    """Keys before the present one, separated by commas: they only open what `lot secrets rotate` has still to seal."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, what counts first first."""
        return init_settings, env_settings, _WaysIn(settings_cls)

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        try:
            return None if value is None else str(WebOrigin.parse(value.rstrip("/")))
        except InvalidInputError as error:
            raise ValueError(str(error)) from error

    @field_validator("push_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        given = value.split(",") if isinstance(value, str) else value
        hosts = tuple(each.strip().lower() for each in given if each.strip())
        for host in hosts:
            if not _PUSH_HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host; write it as push.example.org, *.example.org or localhost:8443")
        return hosts

    @model_validator(mode="after")
    def _has_its_size(self) -> Self:
        if self.size not in self.all_sizes:
            raise ValueError(f"there is no size {self.size!r}; there are {', '.join(self.all_sizes)}")
        return self

    @property
    def app_origin(self) -> WebOrigin:
        """Where a browser finds the application."""
        if self.public_url is not None:
            return WebOrigin.parse(self.public_url)
        return WebOrigin("http", "localhost" if self.host in _HERE else self.host, self.port)

    @property
    def push_subject(self) -> str | None:
        """Who asks, as push services are told."""
        has_tls = self.public_url is not None and self.app_origin.is_secure
        return self.push_contact or (self.public_url if has_tls else None)

    @property
    def sqlalchemy_url(self) -> str:
        """The store's address."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'lot.db'}"

    @property
    def all_sizes(self) -> dict[str, Size]:
        """Every size that can be chosen."""
        return {**SIZES, **self.sizes}

    def get_size(self, name: str) -> Size:
        """Return the size of that name.

        Raises:
            InvalidInputError: there is none.
        """
        sizes = self.all_sizes
        if name not in sizes:
            raise InvalidInputError(f"there is no size {name!r}. Next step: choose one of {', '.join(sizes)}")
        return sizes[name]
