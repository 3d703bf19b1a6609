"""The cookie of a browser session. Its name says whether TLS guards it: no page over plain HTTP can set that one."""

from starlette.requests import HTTPConnection

from lot.sign_in.recognition import SESSION_LIFETIME

COOKIE = "lot_session"
SECURE_COOKIE = f"__Host-{COOKIE}"


def read_cookie(connection: HTTPConnection, *, is_secure: bool) -> str | None:
    """Return the secret in a browser's cookie, or None."""
    return connection.cookies.get(SECURE_COOKIE if is_secure else COOKIE)


def set_cookie(secret: str, *, is_secure: bool) -> str:
    """Return the value of `Set-Cookie` that keeps a browser signed in."""
    return _cookie(secret, int(SESSION_LIFETIME.total_seconds()), is_secure)


def clear_cookie(*, is_secure: bool) -> str:
    """Return the value of `Set-Cookie` that has a browser forget its cookie."""
    return _cookie("", 0, is_secure)


def _cookie(secret: str, lifetime_s: int, is_secure: bool) -> str:
    attributes = f"Max-Age={lifetime_s}; Path=/; HttpOnly; SameSite=Lax"
    return f"{SECURE_COOKIE}={secret}; {attributes}; Secure" if is_secure else f"{COOKIE}={secret}; {attributes}"
