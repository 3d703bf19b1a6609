"""Clients of GitHub's API, at github.com or a GitHub Enterprise of one's own."""

from typing import Any

import httpx
from githubkit import GitHub
from githubkit.cache import MemCacheStrategy

from lot.forge.github_errors import Retries

TIMEOUT_S = 20.0
DEFAULT_URL = "https://github.com"
_ENTERPRISE_VERSION = "2022-11-28"
"""Of the API: every Enterprise that is still supported knows it, and refuses those it does not know."""


def github_client(url: str, auth: Any, retries: Retries) -> GitHub[Any]:
    """Return a client; hold it while it is used, for what it lends refers to it weakly.

    Args:
        url: The host's web address.
        auth: A token, or one of githubkit's strategies.
    """
    return GitHub(
        auth,
        base_url=api_url(url),
        user_agent="lot",
        timeout=TIMEOUT_S,
        auto_retry=retries,
        http_cache=False,
        # The default one is the process's own, where two hosts' apps of the same number would meet.
        cache_strategy=MemCacheStrategy(),
        async_event_hooks={"request": [_as_enterprise] if url != DEFAULT_URL else []},
    )


def api_url(url: str) -> str:
    """Return where the API of a host is."""
    host = httpx.URL(url)
    if host.host == "github.com" or host.host.endswith(".ghe.com"):
        return f"{host.scheme}://api.{host.netloc.decode()}"
    return f"{url}/api/v3"


async def _as_enterprise(request: httpx.Request) -> None:
    request.headers["X-GitHub-Api-Version"] = _ENTERPRISE_VERSION
