"""What GitHub refuses, as our errors with the next step; and when a request to it is made again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from githubkit.exception import GitHubException, RateLimitExceeded, RequestError, RequestFailed
from githubkit.retry import RetryOption

from lot.core.errors import AccountRefusedError, GitError, HostUnreachableError, RateLimitedError, RepositoryError

RETRIES_S: Sequence[float] = (0.5, 2.0, 5.0)
"""Waits after a request that could not be answered: about as long as somebody watches."""
_SHORT = timedelta(seconds=5)
_AT_LEAST = timedelta(seconds=1)
"""githubkit takes a wait of nothing for a minute."""
_MAX_WORDS = 500


class Retries:
    """Decides for githubkit, whose own decision leaves out unreachable hosts and waits for any rate limit."""

    def __init__(self, waits_s: Sequence[float]) -> None:
        self._waits_s = waits_s

    def __call__(self, error: GitHubException, count: int) -> RetryOption:
        """Return whether to ask again, and when."""
        if isinstance(error, RateLimitExceeded):
            return RetryOption(count == 0 and error.retry_after <= _SHORT, max(error.retry_after, _AT_LEAST))
        if _is_down(error) and count < len(self._waits_s):
            return RetryOption(True, timedelta(seconds=self._waits_s[count]))
        return RetryOption(False)


@contextmanager
def our_errors(where: str, what: str, *, kept: str = "") -> Iterator[None]:
    """Raise the library's errors as ours.

    Args:
        where: The host's name.
        what: What was asked for, as it continues "does not let the account ...".
        kept: What has been done already and stays so; a sentence of its own.
    """
    kept = f". {kept}" if kept else ""
    try:
        yield
    except RateLimitExceeded as error:
        retry_at = datetime.now(UTC) + error.retry_after
        raise RateLimitedError(
            f"{where} answers this account no more requests until {retry_at:%H:%M:%S} UTC (rate limit); "
            f"try again then{kept}",
            error.retry_after.total_seconds(),
        ) from error
    except RequestFailed as error:
        raise _refusal(where, what, kept, error) from error
    except RequestError as error:
        if not isinstance(error.exc, httpx.TransportError):
            raise
        seen = str(error.exc) or type(error.exc).__name__
        raise HostUnreachableError(f"{where} does not answer: {seen}. Try again when it does{kept}") from error


def words_of(error: RequestFailed) -> str:
    """Return what the host said, on one line."""
    try:
        body = error.response.json()
        details = body.get("errors") or []
        told = [body["message"], *(one.get("message") if isinstance(one, dict) else str(one) for one in details)]
    except (ValueError, KeyError, TypeError, AttributeError):
        told = [f"HTTP {error.response.status_code}"]
    return "; ".join(" ".join(one.split()) for one in told if one)[:_MAX_WORDS]


def _refusal(where: str, what: str, kept: str, error: RequestFailed) -> GitError | RepositoryError:
    said = words_of(error)
    match error.response.status_code:
        case 401:
            return AccountRefusedError(
                f"{where} refuses the account ({said}): its token was revoked or has expired. Make a new one, then "
                f"`lot account connect` it under the same name{kept}"
            )
        case 403:
            return AccountRefusedError(
                f"{where} does not let the account {what} ({said}): grant it that right, or connect another{kept}"
            )
        case 404:
            return RepositoryError(
                f"{where} does not find what is needed to {what}: it is not there, or was not granted to the account. "
                f"`lot account repositories` lists what was{kept}"
            )
        case status if status >= 500:
            return HostUnreachableError(f"{where} cannot answer now ({said}); try again later{kept}")
    return GitError(f"{where} does not {what}: {said}{kept}")


def _is_down(error: GitHubException) -> bool:
    if isinstance(error, RequestFailed):
        return error.response.status_code >= 500
    # A timeout has taken long enough already.
    return (
        isinstance(error, RequestError)
        and isinstance(error.exc, httpx.TransportError)
        and not isinstance(error.exc, httpx.TimeoutException)
    )
