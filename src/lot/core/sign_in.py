"""Who uses Lot, and what proves it, as frozen values. Of every secret only a digest is ever stored."""

from dataclasses import dataclass
from datetime import datetime

from lot.core.ids import BrowserSessionId, TokenId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may sign in; all users may do the same."""

    id: UserId
    name: str
    """Unique, in lower case."""
    password_hash: str | None
    """Argon2id in PHC form; None: signs in by an account elsewhere only."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUser:
    """A user as the others see them."""

    user: User
    last_seen_at: datetime | None
    """By a browser or a token that still counts; None: they have none, or have not used it."""
    issuers: tuple[str, ...]
    """Of the accounts elsewhere that they sign in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A browser in which somebody is signed in."""

    id: BrowserSessionId
    user_id: UserId
    digest: str
    """Of the secret in its cookie."""
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    user_agent: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What a program of a user's signs in with."""

    id: TokenId
    user_id: UserId
    name: str
    digest: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """A link that lets in once."""

    digest: str
    user_id: UserId | None
    """Whom it lets in; None: whoever uses it becomes a user."""
    created_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account at a provider of sign-in that is a user's."""

    issuer: str
    subject: str
    user_id: UserId
