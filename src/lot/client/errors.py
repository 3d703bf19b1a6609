"""What can go wrong between a client and a Lot server."""

from lot.core.errors import LotError, UnavailableError


class ServerUnreachableError(UnavailableError):
    """Nothing answers at the server's address, or the connection broke off."""

    code = "server.unreachable"

    def __init__(self, url: str, seen: str) -> None:
        super().__init__(
            f"The Lot server at {url} cannot be reached: {seen}. Next step: start it with `lot up`, "
            "or name another with --url or LOT_URL."
        )
        self.url = url


class RefusedError(LotError):
    """The server refused a request; `code` is the server's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code  # type: ignore[misc]  # the class variable is a default; this one came over the wire


class SessionDeletedError(LotError):
    """The session that was being followed has been deleted."""

    code = "session.deleted"
