"""The one error that a call answers with; its code becomes an error of Lot's own on the host."""

from __future__ import annotations


class Refused(Exception):
    """A call cannot be carried out; `code` is one of `wire.ERROR_CODES`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
