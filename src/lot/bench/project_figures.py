"""What is known of projects once they were measured: their snapshots, starts from them, many sessions at once."""

from dataclasses import dataclass, field
from typing import Any

from lot.bench.figures import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFigures:
    """One snapshot: the time its build took, and the bytes of its two parts, in length and as they lie on the disk."""

    build_s: float
    layer_bytes: int
    layer_disk_bytes: int
    memory_bytes: int
    memory_disk_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "build_s": round(self.build_s, 2),
            "layer_bytes": self.layer_bytes,
            "layer_disk_bytes": self.layer_disk_bytes,
            "memory_bytes": self.memory_bytes,
            "memory_disk_bytes": self.memory_disk_bytes,
        }


@dataclass
class SampleResult:
    """One sample: its snapshot, and starts from its memory beside starts from its disk alone, in turns."""

    snapshot: SnapshotFigures | None = None
    failure: str | None = None
    """Why there is no snapshot."""
    warm: Runs = field(default_factory=Runs)
    cold: Runs = field(default_factory=Runs)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "snapshot": None if self.snapshot is None else self.snapshot.as_json(),
            "warm": self.warm.as_json(),
            "cold": self.cold.as_json(),
            "cold_over_warm": _rounded(self.cold.over(self.warm)),
        }

    def reasons(self) -> list[str]:
        """Return what went wrong."""
        return [
            *([self.failure] if self.failure else []),
            *(f"warm: {reason}" for reason in self.warm.failures),
            *(f"cold: {reason}" for reason in self.cold.failures),
        ]


@dataclass
class Batch:
    """Sessions that were started from one snapshot and stayed until all of them answered."""

    width: int
    """How many started at a time."""
    total_s: float = 0.0
    """From the first request to the last answer."""
    starts: Runs = field(default_factory=Runs)
    own_disk_bytes: int = 0
    """What they took of the disk by themselves, all together."""
    shared_disk_bytes: int = 0
    """What they stood on: their snapshot, once."""
    memory_bytes: int = 0
    """Resident memory of their sandboxes and runners, all together."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "width": self.width,
            "total_s": round(self.total_s, 3),
            "starts": self.starts.as_json(),
            "own_disk_bytes": self.own_disk_bytes,
            "shared_disk_bytes": self.shared_disk_bytes,
            "memory_bytes": self.memory_bytes,
        }


@dataclass
class BesideBuild:
    """Starts while nothing else was done, and while another project's snapshot was built, in turns."""

    sample: str
    built: str
    """The sample whose snapshot was built meanwhile."""
    quiet: Runs = field(default_factory=Runs)
    building: Runs = field(default_factory=Runs)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "sample": self.sample,
            "built": self.built,
            "quiet": self.quiet.as_json(),
            "building": self.building.as_json(),
            "building_over_quiet": _rounded(self.building.over(self.quiet)),
        }


@dataclass
class ProjectsResult:
    """Everything that was measured."""

    samples: dict[str, SampleResult]
    many: str | None = None
    """The sample that many sessions were started from."""
    batches: list[Batch] = field(default_factory=list)
    beside: BesideBuild | None = None
    load_average: list[float] = field(default_factory=list)
    """Of the machine over one minute, now and then: what else it was doing."""

    def built(self) -> dict[str, SnapshotFigures]:
        """Return the snapshots that there are, by sample."""
        return {name: sample.snapshot for name, sample in self.samples.items() if sample.snapshot is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the object that `lot bench projects --json` prints."""
        return {
            "samples": {name: sample.as_json() for name, sample in self.samples.items()},
            "many": {"sample": self.many, "batches": [batch.as_json() for batch in self.batches]},
            "beside_build": None if self.beside is None else self.beside.as_json(),
            "load_average": {"min": min(self.load_average), "max": max(self.load_average)},
            "reasons": self.reasons(),
        }

    def reasons(self) -> list[str]:
        """Return everything that went wrong."""
        found = [f"{name}: {reason}" for name, sample in self.samples.items() for reason in sample.reasons()]
        for batch in self.batches:
            found += [f"{batch.width} at a time: {reason}" for reason in batch.starts.failures]
        if self.beside is not None:
            found += [f"beside nothing: {reason}" for reason in self.beside.quiet.failures]
            found += [f"beside a build: {reason}" for reason in self.beside.building.failures]
        return found


def _rounded(ratio: float | None) -> float | None:
    return round(ratio, 3) if ratio is not None else None
