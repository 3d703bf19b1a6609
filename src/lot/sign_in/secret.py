"""Secrets that Lot makes for others to show: cookies, tokens and links. What is stored of them is a digest."""

import hashlib
import secrets

SECRET_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """Return a fresh secret of 256 bits, safe in addresses and headers."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret; as it is random, a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
