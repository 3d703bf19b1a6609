"""Which runner holds a sandbox on this host: a small file per sandbox, read under a lock before anything is done to it.

The lease in the store decides who may act. This file carries that decision to processes that cannot ask the store
any more, such as the watchdog of a runner that died: whoever finds a newer epoch in it leaves the sandbox alone.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lot.core.errors import StaleEpochError, UnavailableError
from lot.core.ids import RunnerId, SandboxId
from lot.runner.process_id import ProcessId

_END_PREDECESSOR_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A runner that holds a sandbox, with the processes that act for it."""

    runner: RunnerId
    epoch: int
    processes: tuple[ProcessId, ...]
    """The runner and its watchdog."""


class SandboxHold:
    """The hold on one sandbox. Every method blocks while another process has the lock: shortly."""

    def __init__(self, folder: Path, sandbox: SandboxId) -> None:
        self._path = folder / f"{sandbox}.json"

    def take(self, holder: Holder) -> None:
        """Make `holder` the one that holds the sandbox, and end the processes of an older holder.

        Raises:
            StaleEpochError: a newer epoch holds it.
            UnavailableError: the older holder's processes cannot be ended.
        """
        with self._locked() as file:
            before = _read(file)
            if before is not None and before.runner != holder.runner:
                if before.epoch >= holder.epoch:
                    raise StaleEpochError(f"epoch {before.epoch} holds the sandbox; {holder.epoch} is over")
                _end(before)
            _write(file, holder)

    def drop(self, holder: Holder) -> None:
        """Let go, so that no file is left behind; nothing happens when another holds it by now."""
        with self._locked() as file:
            if _is_same(_read(file), holder):
                self._path.unlink()

    def drop_dead(self) -> None:
        """Remove the file if nobody who could act holds the sandbox any more."""
        if not self._path.exists():
            return
        with self._locked() as file:
            found = _read(file)
            if found is None or not any(process.is_alive for process in found.processes):
                self._path.unlink()

    @contextmanager
    def while_held(self, holder: Holder) -> Iterator[bool]:
        """Yield whether `holder` still holds the sandbox; nobody can take it for the length of the block."""
        with self._locked() as file:
            yield _is_same(_read(file), holder)

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        while True:
            with open(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_at(file, self._path):  # else it was removed while we waited: lock the new one
                    yield file
                    return


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _is_same(found: Holder | None, holder: Holder) -> bool:
    return found is not None and (found.runner, found.epoch) == (holder.runner, holder.epoch)


def _end(holder: Holder) -> None:
    for process in holder.processes:
        process.kill()
        if not process.ends_within(_END_PREDECESSOR_S):
            raise UnavailableError(f"process {process.pid} of runner {holder.runner} cannot be ended")


def _read(file: IO[str]) -> Holder | None:
    file.seek(0)
    text = file.read()
    if not text:
        return None
    value = json.loads(text)
    return Holder(
        runner=RunnerId(value["runner"]),
        epoch=value["epoch"],
        processes=tuple(ProcessId(**process) for process in value["processes"]),
    )


def _write(file: IO[str], holder: Holder) -> None:
    processes = [process.as_json() for process in holder.processes]
    file.seek(0)
    file.truncate()
    json.dump({"runner": holder.runner, "epoch": holder.epoch, "processes": processes}, file)
    file.flush()
