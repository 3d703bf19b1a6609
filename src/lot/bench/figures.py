"""Many runs of one thing, in the few numbers that are reported."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed: the nearest rank, so always one of them.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a percentile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass
class Runs:
    """One thing measured: the seconds of each run that went well, and why the others did not."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def p50_s(self) -> float | None:
        """The median; None where no run went well."""
        return percentile(self.seconds, 0.5) if self.seconds else None

    def over(self, other: "Runs") -> float | None:
        """Return this median as a multiple of another's, where there are both."""
        return self.p50_s / other.p50_s if self.p50_s is not None and other.p50_s else None

    def as_json(self) -> dict[str, Any]:
        """Return n, p50_s, p95_s, p99_s and failures; a percentile is null where no run went well."""
        shares = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}
        return {
            "n": len(self.seconds),
            **{name: round(percentile(self.seconds, p), 4) if self.seconds else None for name, p in shares.items()},
            "failures": len(self.failures),
        }


@dataclass
class Figure(Runs):
    """Runs of Lot, beside the seconds that the bare runtime took for the same."""

    bare_seconds: list[float] = field(default_factory=list)

    @property
    def bare_p50_s(self) -> float | None:
        """The bare runtime's median, where it was measured."""
        return percentile(self.bare_seconds, 0.5) if self.bare_seconds else None

    @property
    def ratio(self) -> float | None:
        """Lot's median as a multiple of the bare runtime's in the same run."""
        return self.over(Runs(self.bare_seconds))

    def as_json(self) -> dict[str, Any]:
        """Return what runs do, and bare_p50_s."""
        bare = self.bare_p50_s
        return {**super().as_json(), "bare_p50_s": round(bare, 4) if bare is not None else None}


KEYS = ("start_cold", "start_snapshot", "pause", "resume", "fork")


@dataclass
class Result:
    """Everything that a benchmark measured."""

    figures: dict[str, Figure] = field(default_factory=lambda: {key: Figure() for key in KEYS})
    bare_failures: list[str] = field(default_factory=list)
    runner_memory_bytes: list[int] = field(default_factory=list)
    load_average: list[float] = field(default_factory=list)
    """Of the machine over one minute, before each run: what else it was doing."""

    @property
    def warm_over_cold(self) -> float | None:
        """How many times as fast a start from the snapshot's memory is as a start by the dev command."""
        return self.figures["start_cold"].over(self.figures["start_snapshot"])

    def as_json(self) -> dict[str, Any]:
        """Return the object that `lot bench --json` prints."""
        runner = self.runner_memory_bytes
        return {
            **{key: figure.as_json() for key, figure in self.figures.items()},
            "ratios": {key: round(figure.ratio, 3) if figure.ratio else None for key, figure in self.figures.items()},
            "warm_over_cold": round(self.warm_over_cold, 2) if self.warm_over_cold else None,
            "runner_memory_bytes": {"p50": int(percentile(runner, 0.5)), "max": max(runner)} if runner else None,
            "load_average": {"min": min(self.load_average), "max": max(self.load_average)},
            "bare_failures": len(self.bare_failures),
            "reasons": [
                *(f"{key}: {reason}" for key, figure in self.figures.items() for reason in figure.failures),
                *(f"bare: {reason}" for reason in self.bare_failures),
            ],
        }
