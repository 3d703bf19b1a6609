"""Plausible users, and what proves who they are, for the tests of sign-in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lot.core.ids import BrowserSessionId, TokenId, UserId
from lot.core.sign_in import ApiToken, BrowserSession, SignInLink, User

AT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
USER = UserId("user1")


def user(**changes: Any) -> User:
    return replace(User(id=USER, name="ada", password_hash="a hash", created_at=AT), **changes)


def sign_in_link(**changes: Any) -> SignInLink:
    sample = SignInLink(digest="digest of a link", user_id=USER, created_at=AT, ends_at=AT + timedelta(days=1))
    return replace(sample, **changes)


def browser_session(**changes: Any) -> BrowserSession:
    sample = BrowserSession(
        id=BrowserSessionId("browser1"),
        user_id=USER,
        digest="digest of a cookie",
        created_at=AT,
        last_seen_at=AT,
        ends_at=AT + timedelta(days=30),
        user_agent="Firefox",
        address="127.0.0.1",
    )
    return replace(sample, **changes)


def api_token(**changes: Any) -> ApiToken:
    sample = ApiToken(
        id=TokenId("token1"), user_id=USER, name="ci", digest="digest of a token", created_at=AT, last_used_at=None
    )
    return replace(sample, **changes)
