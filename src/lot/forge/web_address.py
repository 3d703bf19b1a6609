"""Addresses of git hosts as users give them."""

import ipaddress

import httpx

from lot.core.errors import InvalidInputError


def web_address(text: str) -> str:
    """Return scheme and host of an address, without a path.

    Raises:
        InvalidInputError: it is no address, or secrets would go there unencrypted.
    """
    try:
        url = httpx.URL(text if "://" in text else f"https://{text}")
    except httpx.InvalidURL as error:
        raise InvalidInputError(f"{text} is no address; give the host's, such as https://github.example.com") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise InvalidInputError(f"{url.host or 'that'} is no address; give the host's: https://github.example.com")
    if url.scheme == "http" and not _is_this_machine(url.host):
        raise InvalidInputError(f"the token would go to {url.host} unencrypted: give an address with https")
    return f"{url.scheme}://{url.netloc.decode()}"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
