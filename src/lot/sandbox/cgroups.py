"""Limits and accounts of a sandbox through control groups: version 1, hybrid and version 2 behind one interface.

Names are relative to the root of each hierarchy (`lot-1a2b3c/<sandbox>`). Everything here is synchronous and needs no
event loop, so that a watchdog can use it.

Source: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

import errno
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from lot.core.errors import UnavailableError
from lot.sandbox.driver import Resources

_PERIOD_US = 100_000
_KILL_TIMEOUT_S = 15.0
_NO_LIMIT_V1 = "-1"
_V2_CONTROLLERS = ("cpuset", "cpu", "memory", "pids")


class Cgroups(Protocol):
    """The control groups of one host."""

    def create(self, name: str, resources: Resources) -> None:
        """Make a group with these limits; one that exists gets them."""

    def joins(self, name: str) -> tuple[Path, ...]:
        """Return the files to which a process writes its id to join a group."""

    def processes(self, name: str) -> frozenset[int]:
        """Return the ids of the live processes in a group."""

    def lift_memory_limit(self, name: str) -> None:
        """Let a group use what it needs: a sandbox at its limit must have room to be saved."""

    def freeze(self, name: str) -> None:
        """Stop every process of a group in place; returns once they stand still."""

    def thaw(self, name: str) -> None:
        """Let a frozen group go on."""

    def kill(self, name: str) -> None:
        """Kill every process of a group, frozen or not; returns once they are gone.

        Raises:
            TimeoutError: some would not die.
        """

    def remove(self, name: str) -> None:
        """Remove a group without processes, and its parent if that is empty."""

    def names(self, parent: str) -> frozenset[str]:
        """Return the names of the groups in `parent`."""

    def memory_bytes(self, name: str) -> int:
        """Return the memory that only this group's end would free: page cache of files is left out."""

    def cpu_s(self, name: str) -> float:
        """Return the processor time used so far."""

    def has_run_out_of_memory(self, name: str) -> bool:
        """Return whether the kernel has killed a process of the group for want of memory."""


def detect_cgroups(mounts: str | None = None) -> Cgroups:
    """Return the control groups of this host, whichever version it has.

    Args:
        mounts: Content of /proc/self/mounts, for tests.

    Raises:
        UnavailableError: none are mounted, or not all controllers that a limit needs.
    """
    hierarchies: dict[str, Path] = {}
    unified: Path | None = None
    for line in (mounts if mounts is not None else Path("/proc/self/mounts").read_text()).splitlines():
        _, target, kind, options, *_ = line.split(" ")
        if kind == "cgroup":
            hierarchies |= {option: Path(target) for option in options.split(",")}
        elif kind == "cgroup2":
            unified = Path(target)
    if "memory" in hierarchies:
        return CgroupsV1(hierarchies)
    if unified is not None:
        return CgroupsV2(unified)
    raise UnavailableError("no control groups are mounted: mount cgroup2 on /sys/fs/cgroup")


class CgroupsV1:
    """One hierarchy per controller; on a hybrid host all controllers are here, and the unified tree has none."""

    def __init__(self, hierarchies: dict[str, Path]) -> None:
        """Take the mount option of each hierarchy (a controller's name, or `name=systemd`) to its mount point."""
        missing = {"cpu", "cpuacct", "cpuset", "memory", "pids", "freezer"} - hierarchies.keys()
        if missing:
            raise UnavailableError(f"control groups lack {', '.join(sorted(missing))}: mount them in /sys/fs/cgroup")
        self._at = hierarchies
        controllers = _known_v1_controllers() | {option for option in hierarchies if option.startswith("name=")}
        self._roots = sorted({path for option, path in hierarchies.items() if option in controllers})

    def create(self, name: str, resources: Resources) -> None:
        for root in self._roots:
            _make_group(root / name)
        for folder in reversed((Path(name), *Path(name).parents[:-1])):
            for file in ("cpuset.cpus", "cpuset.mems"):
                _inherit(self._at["cpuset"] / folder, file)
        _write(self._at["cpu"] / name / "cpu.cfs_period_us", str(_PERIOD_US))
        _write(self._at["cpu"] / name / "cpu.cfs_quota_us", str(_PERIOD_US * resources.cpus))
        _write(self._at["pids"] / name / "pids.max", str(resources.max_processes))
        self._limit_memory(name, str(resources.memory_bytes))

    def joins(self, name: str) -> tuple[Path, ...]:
        return tuple(root / name / "cgroup.procs" for root in self._roots)

    def processes(self, name: str) -> frozenset[int]:
        return frozenset().union(*(_read_processes(file) for file in self.joins(name)))

    def lift_memory_limit(self, name: str) -> None:
        self._limit_memory(name, _NO_LIMIT_V1)

    def _limit_memory(self, name: str, limit: str) -> None:
        folder = self._at["memory"] / name
        with_swap = folder / "memory.memsw.limit_in_bytes"
        files = [folder / "memory.limit_in_bytes", *([with_swap] if with_swap.exists() else [])]
        # The limit with swap may never be below the one without: which is first depends on the direction.
        try:
            for file in files:
                _write(file, limit)
        except OSError:
            for file in reversed(files):
                _write(file, limit)

    def freeze(self, name: str) -> None:
        state = self._at["freezer"] / name / "freezer.state"
        _write(state, "FROZEN")
        _wait_until(lambda: state.read_text().strip() == "FROZEN", f"{name} to freeze")

    def thaw(self, name: str) -> None:
        _write(self._at["freezer"] / name / "freezer.state", "THAWED")

    def kill(self, name: str) -> None:
        def is_empty() -> bool:
            processes = self.processes(name)
            _kill_all(processes)
            # A frozen process does not die of a signal before it is thawed.
            with suppress(FileNotFoundError):
                self.thaw(name)
            return not processes

        _wait_until(is_empty, f"the processes of {name} to die")

    def remove(self, name: str) -> None:
        for root in self._roots:
            _remove_group(root / name)

    def names(self, parent: str) -> frozenset[str]:
        return frozenset(child for root in self._roots for child in _children(root / parent))

    def memory_bytes(self, name: str) -> int:
        stat = _read_table(self._at["memory"] / name / "memory.stat")
        return stat.get("total_rss", 0) + stat.get("total_shmem", stat.get("shmem", 0))

    def cpu_s(self, name: str) -> float:
        return int((self._at["cpuacct"] / name / "cpuacct.usage").read_text()) / 1e9

    def has_run_out_of_memory(self, name: str) -> bool:
        return _read_table(self._at["memory"] / name / "memory.oom_control").get("oom_kill", 0) > 0


class CgroupsV2:
    """The unified hierarchy."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, name: str, resources: Resources) -> None:
        folder = self._root / name
        _make_group(folder)
        for parent in reversed((folder, *folder.parents)[1 : len(Path(name).parts) + 1]):
            self._hand_down_controllers(parent)
        _write(folder / "cpu.max", f"{_PERIOD_US * resources.cpus} {_PERIOD_US}")
        _write(folder / "pids.max", str(resources.max_processes))
        _write(folder / "memory.max", str(resources.memory_bytes))
        # A sandbox without one of its processes is of no use: all or none.
        _write(folder / "memory.oom.group", "1")
        if (folder / "memory.swap.max").exists():
            _write(folder / "memory.swap.max", "0")

    def _hand_down_controllers(self, folder: Path) -> None:
        available = (folder / "cgroup.controllers").read_text().split()
        missing = [controller for controller in _V2_CONTROLLERS if controller not in available]
        if missing:
            raise UnavailableError(
                f"{folder} lacks the control groups' {', '.join(missing)}: have them delegated to Lot"
            )
        control = folder / "cgroup.subtree_control"
        if set(_V2_CONTROLLERS) <= set(control.read_text().split()):
            return
        wanted = " ".join(f"+{controller}" for controller in _V2_CONTROLLERS)
        try:
            _write(control, wanted)
        except OSError as error:
            if error.errno != errno.EBUSY or folder != self._root:
                raise
            # In a container the root of the tree is no true root, and has processes: they move to a leaf first.
            leaf = folder / "lot-init"
            leaf.mkdir(exist_ok=True)
            for process in _read_processes(folder / "cgroup.procs"):
                with suppress(ProcessLookupError):
                    _write(leaf / "cgroup.procs", str(process))
            _write(control, wanted)

    def joins(self, name: str) -> tuple[Path, ...]:
        return (self._root / name / "cgroup.procs",)

    def processes(self, name: str) -> frozenset[int]:
        return _read_processes(self._root / name / "cgroup.procs")

    def lift_memory_limit(self, name: str) -> None:
        _write(self._root / name / "memory.max", "max")

    def freeze(self, name: str) -> None:
        folder = self._root / name
        _write(folder / "cgroup.freeze", "1")
        _wait_until(lambda: _read_table(folder / "cgroup.events").get("frozen") == 1, f"{name} to freeze")

    def thaw(self, name: str) -> None:
        _write(self._root / name / "cgroup.freeze", "0")

    def kill(self, name: str) -> None:
        folder = self._root / name
        has_kill = (folder / "cgroup.kill").exists()  # since Linux 5.14

        def is_empty() -> bool:
            processes = self.processes(name)
            if processes and has_kill:
                _write(folder / "cgroup.kill", "1")
            else:
                _kill_all(processes)
            return not processes

        _wait_until(is_empty, f"the processes of {name} to die")

    def remove(self, name: str) -> None:
        _remove_group(self._root / name)

    def names(self, parent: str) -> frozenset[str]:
        return frozenset(_children(self._root / parent))

    def memory_bytes(self, name: str) -> int:
        stat = _read_table(self._root / name / "memory.stat")
        return stat.get("anon", 0) + stat.get("shmem", 0)

    def cpu_s(self, name: str) -> float:
        return _read_table(self._root / name / "cpu.stat").get("usage_usec", 0) / 1e6

    def has_run_out_of_memory(self, name: str) -> bool:
        return _read_table(self._root / name / "memory.events").get("oom_kill", 0) > 0


def _known_v1_controllers() -> set[str]:
    lines = Path("/proc/cgroups").read_text().splitlines()[1:] if Path("/proc/cgroups").exists() else []
    return {line.split()[0] for line in lines} | {"cpu", "cpuacct", "cpuset", "memory", "pids", "freezer"}


def _inherit(folder: Path, file: str) -> None:
    if not (folder / file).read_text().strip():
        _write(folder / file, (folder.parent / file).read_text().strip())


def _remove_group(folder: Path) -> None:
    if not folder.exists():
        return

    def is_gone() -> bool:
        # Deepest first: the runtime may have made groups of its own inside.
        for group in sorted((*folder.glob("**/"), folder), key=lambda path: len(path.parts), reverse=True):
            with suppress(FileNotFoundError, OSError):
                group.rmdir()
        return not folder.exists()

    _wait_until(is_gone, f"{folder} to be removed")
    with suppress(OSError):
        folder.parent.rmdir()


def _children(folder: Path) -> Sequence[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []


def _kill_all(processes: Iterable[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _read_processes(file: Path) -> frozenset[int]:
    try:
        return frozenset(int(line) for line in file.read_text().split())
    except (FileNotFoundError, OSError):
        return frozenset()


def _read_table(file: Path) -> dict[str, int]:
    return {key: int(value) for key, value in (line.split() for line in file.read_text().splitlines())}


def _write(file: Path, value: str) -> None:
    # Not write_text: these files must not be created, and refuse to be truncated in some kernels.
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + _KILL_TIMEOUT_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"waited {_KILL_TIMEOUT_S:.0f} s for {what}")
        time.sleep(0.002)


def _make_group(folder: Path) -> None:
    """Make a group and its parents; another process may at any moment remove a parent that it finds empty."""
    for attempts_left in reversed(range(20)):
        try:
            return folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:
            if not attempts_left:
                raise
