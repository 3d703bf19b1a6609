"""What a session leaves on its host, found by its id: processes, mounts, networks, control groups, folders."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_NETWORKS = Path("/run/netns")
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What was found of some ids; each is named so that a person can look for it."""

    processes: tuple[int, ...]
    mounts: tuple[str, ...]
    networks: tuple[str, ...]
    cgroups: tuple[str, ...]
    folders: tuple[str, ...]

    def __str__(self) -> str:
        parts = (
            ("processes", self.processes),
            ("mounts", self.mounts),
            ("network namespaces", self.networks),
            ("control groups", self.cgroups),
            ("folders and files", self.folders),
        )
        return "; ".join(f"{name}: {', '.join(map(str, found[:5]))}" for name, found in parts if found) or "nothing"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.processes or self.mounts or self.networks or self.cgroups or self.folders)


def find_traces(ids: tuple[str, ...], data_dir: Path | None) -> Traces:
    """Return what is on this host of sessions, sandboxes or folders by these names."""
    return Traces(
        processes=find_processes(ids),
        mounts=tuple(_mounts(ids)),
        networks=tuple(_named(_NETWORKS, ids)),
        cgroups=tuple(_cgroups(ids)),
        folders=tuple(_below(data_dir, ids)) if data_dir else (),
    )


def find_processes(ids: tuple[str, ...]) -> tuple[int, ...]:
    """Return processes that name one of the ids in their command line or belong to its control group."""
    return tuple(
        int(folder.name)
        for folder in PROC.iterdir()
        if folder.name.isdigit()
        and int(folder.name) != os.getpid()
        and any(id in _read(folder / "cmdline") + _read(folder / "cgroup") for id in ids)
    )


def resident_bytes(processes: tuple[int, ...]) -> int:
    """Return how much memory processes hold, shared pages counted in parts; those that have ended count nothing."""
    return sum(
        int(line.split()[1]) << 10
        for process in processes
        for line in _read(PROC / str(process) / "smaps_rollup").splitlines()
        if line.startswith("Pss:")
    )


def _read(path: Path) -> str:
    # A process may end while we look at it, or be someone else's.
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _mounts(ids: tuple[str, ...]) -> Iterator[str]:
    for line in _read(PROC / "self" / "mountinfo").splitlines():
        if any(id in line for id in ids):
            yield line.split()[4]


def _named(folder: Path, ids: tuple[str, ...]) -> Iterator[str]:
    if folder.is_dir():
        yield from (entry.name for entry in folder.iterdir() if any(id in entry.name for id in ids))


def _cgroups(ids: tuple[str, ...]) -> Iterator[str]:
    for folder, names, _ in os.walk(_CGROUPS):
        yield from (f"{folder}/{name}" for name in names if any(id in name for id in ids))


def _below(data_dir: Path, ids: tuple[str, ...]) -> Iterator[str]:
    for folder, folders, files in os.walk(data_dir):
        yield from (f"{folder}/{name}" for name in (*folders, *files) if any(id in name for id in ids))
