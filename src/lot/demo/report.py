"""What a demo found: one result per step, as data."""

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from lot.core.errors import LotError

Detail = dict[str, Any]
_T = TypeVar("_T")


class CheckFailedError(LotError):
    """Something that a step checks did not hold."""

    code = "demo.check_failed"


def check(holds: bool, otherwise: str) -> None:
    """Go on if `holds`.

    Raises:
        CheckFailedError: it does not; `otherwise` says what was seen.
    """
    if not holds:
        raise CheckFailedError(otherwise)


def must(value: _T | None, otherwise: str) -> _T:
    """Return a value that must be there.

    Raises:
        CheckFailedError: it is not; `otherwise` says what was seen.
    """
    if value is None:
        raise CheckFailedError(otherwise)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step went."""

    name: str
    ok: bool
    seconds: float
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a whole demo went."""

    provider: str
    steps: list[StepResult] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every step was checked and held."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `lot demo --json` prints."""
        return {"ok": self.ok, "provider": self.provider, "steps": [asdict(step) for step in self.steps]}
