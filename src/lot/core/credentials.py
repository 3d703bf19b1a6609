"""Credentials for git hosts and model providers: what is kept encrypted, and what one git process is handed."""

import json
from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from lot.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSecret:
    """A user's own access token."""

    token: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKey:
    """What proves to be an app, wherever it is installed."""

    app_id: int
    private_key: SecretStr
    """PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSecret:
    """An app's installation, from which short-lived tokens are made."""

    app_id: int
    installation_id: int
    private_key: SecretStr
    """PEM."""

    @property
    def app(self) -> AppKey:
        """The app itself."""
        return AppKey(app_id=self.app_id, private_key=self.private_key)


AccountSecret = TokenSecret | AppSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCredential:
    """What git answers when a host asks who it is."""

    url: str
    """Scheme and host for which it holds; no other is told."""
    username: str
    password: SecretStr


class CredentialKind(StrEnum):
    """How a secret is shown to a provider of models."""

    API_KEY = "api_key"
    AUTH_TOKEN = "auth_token"
    """The user's own subscription token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKey:
    """How a provider of models is asked, as its user has stored it."""

    kind: CredentialKind
    secret: SecretStr
    base_url: str | None = None
    """Whatever speaks the provider's API; None: the provider itself."""


def key_text(key: ModelKey) -> str:
    """Return a provider's key in plain, to be encrypted; `key_from` reads it."""
    return json.dumps({"kind": key.kind, "secret": key.secret.get_secret_value(), "base_url": key.base_url})


def key_from(text: str) -> ModelKey:
    """Return the key that `key_text` wrote."""
    values = json.loads(text)
    return ModelKey(
        kind=CredentialKind(values["kind"]), secret=SecretStr(values["secret"]), base_url=values["base_url"]
    )


def secret_text(secret: AccountSecret) -> str:
    """Return a secret in plain, to be encrypted; `secret_from` reads it."""
    if isinstance(secret, TokenSecret):
        return json.dumps({"token": secret.token.get_secret_value()})
    return json.dumps(
        {
            "app_id": secret.app_id,
            "installation_id": secret.installation_id,
            "private_key": secret.private_key.get_secret_value(),
        }
    )


def secret_from(text: str) -> AccountSecret:
    """Return the secret that `secret_text` wrote."""
    values = json.loads(text)
    if "token" in values:
        return TokenSecret(token=SecretStr(values["token"]))
    return AppSecret(
        app_id=values["app_id"],
        installation_id=values["installation_id"],
        private_key=SecretStr(values["private_key"]),
    )


def account_secret(
    token: SecretStr | None, app_id: int | None, installation_id: int | None, private_key: SecretStr | None
) -> AccountSecret:
    """Return what a user gave as one secret.

    Raises:
        InvalidInputError: it is neither a token nor a whole app installation.
    """
    app = (app_id, installation_id, private_key)
    if token is not None and token.get_secret_value().strip() and app == (None, None, None):
        return TokenSecret(token=SecretStr(token.get_secret_value().strip()))
    if token is None and app_id is not None and installation_id is not None and private_key is not None:
        return AppSecret(app_id=app_id, installation_id=installation_id, private_key=private_key)
    raise InvalidInputError(
        "an account needs either a token, or an app's id, its installation's id and its private key"
    )
