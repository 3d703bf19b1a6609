"""What git and hosts say when they refuse, as errors that name who can put it right and the next step."""

import re

from lot.core.errors import AccountRefusedError, GitError, HostUnreachableError

# They have no codes. Sources: git's http.c and remote-curl.c, and GitHub's refusals of a push.
_UNREACHABLE = re.compile(
    r"Could not resolve host|[Ff]ailed to connect|Connection (?:refused|reset|timed out)|Operation timed out"
    r"|Couldn't connect to server|Empty reply from server|The requested URL returned error: 5\d\d|HTTP 5\d\d"
    r"|transfer closed with outstanding"
)
_REFUSED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|The requested URL returned error: 40[13]|HTTP 40[13]"
)
_PROTECTED = re.compile(r"GH006|GH013|[Pp]rotected branch")


def explained(words: str, what: str, otherwise: str = "") -> GitError:
    """Return the error for what git said, by who can put it right, with the next step."""
    if _UNREACHABLE.search(words):
        return HostUnreachableError(f"{what}. The host does not answer: try again when it does")
    if _REFUSED.search(words):
        return AccountRefusedError(
            f"{what}. Its git account is refused: renew the token, then `lot account connect` it under the same name, "
            "and try again"
        )
    if _PROTECTED.search(words):
        return GitError(f"{what}. The branch is protected: allow pushes to lot/* at the host, then try again")
    return GitError(f"{what}; {otherwise}" if otherwise else what)


def merge_refusal(source: str, base: str, words: str) -> str:
    refused = f"{source} refused the merge into {base}, and nothing was changed: {words}."
    if "Working tree has" in words or "Working directory has" in words or "untracked working tree" in words:
        return f"{refused} {base} is checked out there with changes of its own: commit or stash them, then merge again"
    if "fetch first" in words or "non-fast-forward" in words:
        return f"{refused} {base} has moved meanwhile: merge again"
    return f"{refused} Mend this at the source, then merge again"
