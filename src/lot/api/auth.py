"""Who may call the API: whoever holds the installation's token, which is kept in a file only its owner can read."""

import hmac
import os
import secrets
from pathlib import Path

from starlette.requests import HTTPConnection

from lot.core.errors import UnauthenticatedError

TOKEN_FILE = "api-token"


def load_token(data_dir: Path) -> str:
    """Return the API token of an installation; made at first use, in a file of mode 0600."""
    path = data_dir / TOKEN_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token


def require_token(connection: HTTPConnection, token: str) -> None:
    """Refuse a request or socket without the token.

    Raises:
        UnauthenticatedError: the header `Authorization: Bearer <token>` is missing or wrong.
    """
    if not has_token(connection, token):
        raise UnauthenticatedError(
            f"send `Authorization: Bearer <token>`; the token is in the file {TOKEN_FILE} of Lot's data folder"
        )


def has_token(connection: HTTPConnection, token: str) -> bool:
    """Return whether a request or socket carries the token."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
