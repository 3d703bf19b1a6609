"""The outcome of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended: only `FAIL` keeps Lot from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, what was seen, and how to mend it; `mend` is empty when nothing needs mending."""

    name: str
    status: Status
    seen: str
    mend: str = ""


def ok(name: str, seen: str) -> Check:
    """Return a check that found what Lot needs."""
    return Check(name=name, status=Status.OK, seen=seen)


def warn(name: str, seen: str, mend: str) -> Check:
    """Return a check that found something Lot copes with."""
    return Check(name=name, status=Status.WARN, seen=seen, mend=mend)


def fail(name: str, seen: str, mend: str) -> Check:
    """Return a check that found something without which Lot does not work."""
    return Check(name=name, status=Status.FAIL, seen=seen, mend=mend)
