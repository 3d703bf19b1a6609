"""Turns what a guest answered into values of ours. A guest is a stranger: each field's type and range is checked."""

import math
from collections.abc import Mapping
from typing import Any

from lot.core.errors import (
    CommandTimedOutError,
    InvalidInputError,
    LotError,
    NotFoundError,
    SandboxUnavailableError,
    TooLargeError,
)
from lot.guest.wire import GUEST_PORT, STREAMS, WireError
from lot.sandbox.link import CommandResult, FileGrowth, GuestHealth, ListeningPort, ProcessStatus

MAX_NUMBER = 1 << 62
MAX_ENTRIES = 8192
MAX_TEXT = 2000
MAX_ADDRESS = 45
MAX_COMMAND = 64
MAX_NAME = 40
MAX_PORTS = 1024

_ERRORS: Mapping[str, type[LotError]] = {
    "invalid": InvalidInputError,
    "not_found": NotFoundError,
    "too_large": TooLargeError,
    "timed_out": CommandTimedOutError,
}


class Answer:
    """One object of an answer. Every accessor raises `WireError` when the field is not what it must be."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise WireError("an answer's part is not an object")
        self._value: dict[str, Any] = value

    def integer(self, key: str, lowest: int = 0, highest: int = MAX_NUMBER) -> int:
        """Return an integer of a range."""
        value = self._value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise WireError(f"{key!r} is not an integer from {lowest} to {highest}")
        return value

    def optional_integer(self, key: str, lowest: int, highest: int) -> int | None:
        """Return an integer of a range, or None."""
        return None if self._value.get(key) is None else self.integer(key, lowest, highest)

    def number(self, key: str, lowest: float = 0.0) -> float:
        """Return a finite number."""
        value = self._value.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not lowest <= value <= MAX_NUMBER:
            raise WireError(f"{key!r} is not a number from {lowest} on")
        return float(value)

    def flag(self, key: str) -> bool:
        """Return a truth value; a missing one is false."""
        value = self._value.get(key, False)
        if not isinstance(value, bool):
            raise WireError(f"{key!r} is neither true nor false")
        return value

    def text(self, key: str) -> str:
        """Return a printable text of at most `MAX_TEXT` characters."""
        value = self._value.get(key)
        if not isinstance(value, str):
            raise WireError(f"{key!r} is not text")
        return "".join(letter if letter.isprintable() else " " for letter in value[:MAX_TEXT])

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None."""
        return None if self._value.get(key) is None else self.text(key)

    def part(self, key: str) -> "Answer":
        """Return an object within this one."""
        return Answer(self._value.get(key))

    def parts(self, key: str) -> list["Answer"]:
        """Return a list of objects within this one."""
        value = self._value.get(key)
        if not isinstance(value, list) or len(value) > MAX_ENTRIES:
            raise WireError(f"{key!r} is not a list of at most {MAX_ENTRIES} parts")
        return [Answer(item) for item in value]

    def raise_error(self) -> None:
        """Raise the error that the guest answered with, if it did."""
        if "error" in self._value:
            error = self.part("error")
            raise _ERRORS.get(error.text("code"), SandboxUnavailableError)(error.text("message"))


def file_growth(answer: Answer, data: bytes) -> FileGrowth:
    """Return new bytes of a file."""
    return FileGrowth(
        name=answer.text("name"), offset=answer.integer("offset"), data=data, writer=answer.text("writer")
    )


def health(answer: Answer) -> GuestHealth:
    """Return what the guest says of itself."""
    return GuestHealth(
        protocol=answer.integer("protocol"),
        uptime_s=answer.number("uptime_s"),
        clock=answer.number("clock"),
        processes=answer.integer("processes"),
        memory_available_bytes=answer.integer("memory_available_bytes"),
    )


def process_status(answer: Answer) -> ProcessStatus:
    """Return one process."""
    ends, starts = answer.part("ends"), answer.part("starts")
    return ProcessStatus(
        name=answer.text("name"),
        run=answer.integer("run"),
        pid=answer.integer("pid"),
        is_running=answer.flag("is_running"),
        exit_code=answer.optional_integer("exit_code", -128, 255),
        started_at=answer.number("started_at"),
        stdin_offset=answer.integer("stdin_offset"),
        ends={stream: ends.integer(stream) for stream in STREAMS},
        starts={stream: starts.integer(stream) for stream in STREAMS},
    )


def command_result(answer: Answer, body: bytes) -> CommandResult:
    """Return how a command ended."""
    out_bytes = answer.integer("out_bytes", 0, len(body))
    return CommandResult(
        exit_code=answer.integer("exit_code", -128, 255),
        stdout=body[:out_bytes],
        stderr=body[out_bytes:],
        is_truncated=answer.flag("is_truncated"),
        duration_s=answer.number("duration_s"),
    )


def listening_ports(answer: Answer) -> tuple[ListeningPort, ...]:
    """Return what listens, at most `MAX_PORTS` of it; the guest's own port is none of it, whatever the guest says."""
    found = (_listening_port(part) for part in answer.parts("ports")[:MAX_PORTS])
    return tuple(one for one in found if one.port != GUEST_PORT)


def _listening_port(answer: Answer) -> ListeningPort:
    process, command = answer.optional_text("process"), answer.optional_text("command")
    return ListeningPort(
        port=answer.integer("port", 1, 65_535),
        address=answer.text("address")[:MAX_ADDRESS],
        process=None if process is None else process[:MAX_NAME],
        pid=answer.optional_integer("pid", 1, MAX_NUMBER),
        command=None if command is None else command[:MAX_COMMAND],
    )


def seconds_ahead(answer: Answer) -> float:
    """Return by how much the guest's clock is ahead of ours; negative: behind."""
    return answer.number("ahead_s", -math.inf)
