"""Says which sessions, projects and builds have changed, to whoever watches all of them; they are then read anew.

A watcher hears the name of what changed, once however often it changed meanwhile. Nothing here waits, so that no
watcher holds up a session; one that falls far behind is told to list everything anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import anyio

from lot.core.ids import ProjectId, SessionId, SnapshotId

MAX_TOUCHED = 512
"""So many different things may have changed before a watcher lists everything anew instead."""


class Subject(StrEnum):
    """What has changed, or is gone."""

    SESSION = "session"
    SESSION_DELETED = "session_deleted"
    PROJECT = "project"
    PROJECT_DELETED = "project_deleted"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that is another than it was."""

    subject: Subject
    id: str


class Watcher:
    """One who watches everything; it begins with a list, as nobody knows what it has seen before."""

    def __init__(self) -> None:
        self._touched: dict[Touched, None] = {}
        self._is_behind = True
        self._woken = anyio.Event()

    def put(self, touched: Touched) -> None:
        """Note that something has changed."""
        if not self._is_behind:
            self._touched[touched] = None
            if len(self._touched) > MAX_TOUCHED:
                self._touched.clear()
                self._is_behind = True
        self._woken.set()

    async def take(self) -> tuple[Touched, ...] | None:
        """Return what has changed since the last call, in order, once there is something; None: list everything anew.

        What changes while everything is listed is told afterwards.
        """
        while not self._touched and not self._is_behind:
            self._woken = anyio.Event()
            await self._woken.wait()
        if self._is_behind:
            self._is_behind = False
            return None
        taken, self._touched = tuple(self._touched), {}
        return taken


class Overview:
    """Everything of this process that can be watched at once."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def session(self, session: SessionId) -> None:
        """Say that a session is another than it was, or new."""
        self._tell(Subject.SESSION, session)

    def session_deleted(self, session: SessionId) -> None:
        """Say that a session is gone."""
        self._tell(Subject.SESSION_DELETED, session)

    def project(self, project: ProjectId) -> None:
        """Say that a project is another than it was, or new."""
        self._tell(Subject.PROJECT, project)

    def project_deleted(self, project: ProjectId) -> None:
        """Say that a project is gone."""
        self._tell(Subject.PROJECT_DELETED, project)

    def snapshot(self, snapshot: SnapshotId) -> None:
        """Say that a snapshot, or what its build does, is another than it was."""
        self._tell(Subject.SNAPSHOT, snapshot)

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Watch for the length of the block."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def _tell(self, subject: Subject, id_: str) -> None:
        for watcher in self._watchers:
            watcher.put(Touched(subject, id_))
