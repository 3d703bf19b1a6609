"""Who asks, for the length of a request or socket: the gate sets it, routes and views read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from lot.core.errors import UnauthenticatedError
from lot.sign_in.parts import Browser
from lot.sign_in.principal import Principal


@dataclass(frozen=True, slots=True)
class Asking:
    """What the gate knows of a request."""

    principal: Principal | None
    is_secure: bool
    """Whether the browser reaches us over TLS."""
    browser: Browser


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


@contextmanager
def being_asked(by: Asking) -> Iterator[None]:
    """Let everything in the block know who asks."""
    token = _asking.set(by)
    try:
        yield
    finally:
        _asking.reset(token)


def find_asking() -> Asking | None:
    """Return who asks; None outside requests."""
    return _asking.get()


def get_asking() -> Asking:
    """Return who asks; only for routes, which are always asked by somebody."""
    asking = find_asking()
    if asking is None:
        raise RuntimeError("this route is not behind the gate")
    return asking


def get_principal() -> Principal:
    """Return on whose behalf a route is called.

    Raises:
        UnauthenticatedError: nobody is signed in.
    """
    principal = get_asking().principal
    if principal is None:
        raise UnauthenticatedError("sign in first")
    return principal
