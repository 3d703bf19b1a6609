"""Whether a project's snapshot still fits its code: looked at whenever new code comes, and now and then by itself."""

from collections.abc import Awaitable, Callable

import anyio
import structlog

from lot.core.drift import dependency_files, setup_files
from lot.core.errors import GitError, LotError
from lot.core.ids import ProjectId
from lot.core.records import Project, Snapshot, SnapshotState
from lot.engine.parts import Parts

logger = structlog.get_logger(__name__)


class Drift:
    """Marks snapshots stale, and has them rebuilt where the project says so."""

    def __init__(self, parts: Parts, rebuild: Callable[[Project], Awaitable[Snapshot]]) -> None:
        self._parts, self._rebuild = parts, rebuild

    async def run(self) -> None:
        """Look at every project from time to time, until cancelled; a git host that is away is asked again later."""
        while True:
            await anyio.sleep(self._parts.settings.drift_check_s)
            for project in await self._parts.store.list_projects():
                try:
                    await self.look(project.id)
                except LotError as error:
                    logger.info("project's code was not looked at", project_id=project.id, error=str(error))

    async def look(self, project_id: ProjectId) -> tuple[str, ...]:
        """Fetch a project's code and compare; return the files for which its snapshot is stale.

        Raises:
            RepositoryError, GitError: the code cannot be fetched.
        """
        newest = await self._parts.mirrors.fetch(project_id)
        snapshot = await self._parts.store.current_snapshot(project_id)
        if snapshot is None:
            return ()
        files = setup_files(await changed_files(self._parts, snapshot, newest))
        if files != snapshot.stale_files:
            await self._parts.store.mark_stale(snapshot.id, files)
            self._parts.bus.overview.snapshot(snapshot.id)
            self._parts.bus.overview.project(project_id)
        project = await self._parts.store.get_project(project_id)
        if files and project.rebuilds_when_stale and not await self._is_tried(snapshot):
            logger.info("rebuilding a stale snapshot", project_id=project_id, files=files)
            await self._rebuild(project)
        return files

    async def _is_tried(self, snapshot: Snapshot) -> bool:
        """Return whether a newer snapshot is being built, or failed for the same code: trying again changes nothing."""
        newest = (await self._parts.store.list_snapshots(snapshot.project_id))[0]
        return newest.state is not SnapshotState.READY


async def changed_dependencies(parts: Parts, snapshot: Snapshot, commit: str) -> tuple[str, ...]:
    """Return the files in which a commit asks for other packages than a snapshot has."""
    return dependency_files(await changed_files(parts, snapshot, commit))


async def changed_files(parts: Parts, snapshot: Snapshot, commit: str) -> tuple[str, ...]:
    """Return the files that differ between a snapshot's commit and another one."""
    if snapshot.commit is None or snapshot.commit == commit:
        return ()
    try:
        return await parts.mirrors.changed_files(snapshot.project_id, snapshot.commit, commit)
    except GitError as error:
        # The snapshot's commit may have been rewritten away: then nothing can be told, and nothing is held up.
        logger.info("commits could not be compared", snapshot_id=snapshot.id, error=str(error))
        return ()
