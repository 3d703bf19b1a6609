"""A GitHub App by its own key: a client that is the app, and where it is installed."""

from collections.abc import Sequence
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from githubkit import AppAuthStrategy, GitHub
from githubkit.exception import RequestFailed
from pydantic import SecretStr

from lot.core.credentials import AppKey
from lot.core.errors import AccountRefusedError, InvalidInputError
from lot.forge.forge import HostInstallation
from lot.forge.github_client import DEFAULT_URL, github_client
from lot.forge.github_errors import RETRIES_S, Retries, our_errors, words_of
from lot.forge.web_address import web_address

_PAGE, _MAX_PAGES = 100, 10
_UNKNOWN = (401, 404)


async def list_installations(
    url: str | None, app: AppKey, retries_s: Sequence[float] = RETRIES_S
) -> list[HostInstallation]:
    """Return where an app is installed; at most 1000.

    Args:
        url: The host's web address; by default the public one.

    Raises:
        InvalidInputError: the address is none, or the private key cannot be read.
        AccountRefusedError: the host knows no app with that id and key. GitError: it does not answer as it should.
    """
    require_key(app.private_key)
    url = web_address(url or DEFAULT_URL)
    name = httpx.URL(url).netloc.decode()
    github = app_client(url, app, Retries(retries_s))
    found: list[HostInstallation] = []
    with our_errors(name, "list the app's installations"):
        for page in range(1, _MAX_PAGES + 1):
            try:
                listed: Any = (await github.rest.apps.async_list_installations(per_page=_PAGE, page=page)).json()
            except RequestFailed as error:
                if error.response.status_code not in _UNKNOWN:
                    raise
                raise AccountRefusedError(
                    f"{name} knows no app {app.app_id} with this key ({words_of(error)}): "
                    "compare both with the app's own page there"
                ) from error
            found += [_installation(one) for one in listed]
            if len(listed) < _PAGE:
                break
    return found


def app_client(url: str, app: AppKey, retries: Retries) -> GitHub[Any]:
    """Return a client that is the app itself; see `github_client`."""
    return github_client(url, AppAuthStrategy(str(app.app_id), app.private_key.get_secret_value()), retries)


def require_key(key: SecretStr) -> None:
    """Refuse what is no private key.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        load_pem_private_key(key.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: no piece of the key reaches a log with the library's message.
        raise InvalidInputError("the private key is not an unencrypted PEM; download a new one from the app") from None


def _installation(told: Any) -> HostInstallation:
    account = told.get("account") or {}
    return HostInstallation(
        id=told["id"],
        # An enterprise has no login.
        account=account.get("login") or account.get("slug") or f"installation {told['id']}",
        has_all_repositories=told["repository_selection"] == "all",
        is_suspended=told.get("suspended_at") is not None,
    )
