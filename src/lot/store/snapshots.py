"""Snapshots of projects: how far each build is, and its log."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update

from lot.core.errors import NotFoundError, StaleEpochError, StaleWriteError
from lot.core.ids import ImageId, ProjectId, SnapshotId
from lot.core.records import Snapshot, SnapshotManifest, SnapshotState
from lot.store import tables
from lot.store.database import Database
from lot.store.rows import snapshot_from, values_of

LOG_BYTES = 256 * 1024
"""How much of a build's log is kept: its newest part."""


class SnapshotStore(Database):
    """Snapshots."""

    async def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Store a new snapshot; generation 0 becomes the next one of its project.

        Raises:
            NotFoundError: there is no such project.
        """
        projects, snapshots = tables.projects, tables.snapshots
        values = values_of(snapshot)
        async with self._writing() as transaction:
            locked = select(projects.c.id).where(projects.c.id == snapshot.project_id).with_for_update()
            if (await transaction.execute(locked)).first() is None:
                raise NotFoundError(f"there is no project {snapshot.project_id}")
            if snapshot.generation == 0:
                newest = select(func.max(snapshots.c.generation)).where(snapshots.c.project_id == snapshot.project_id)
                values["generation"] = (await transaction.scalar(newest) or 0) + 1
            rows = await transaction.execute(insert(snapshots).values(values).returning(snapshots))
            return snapshot_from(rows.mappings().one())

    async def get_snapshot(self, snapshot_id: SnapshotId) -> Snapshot:
        """Return a snapshot.

        Raises:
            NotFoundError: there is none.
        """
        query = select(tables.snapshots).where(tables.snapshots.c.id == snapshot_id)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        if row is None:
            raise _no_snapshot(snapshot_id)
        return snapshot_from(row)

    async def current_snapshot(self, project_id: ProjectId) -> Snapshot | None:
        """Return what new sessions of a project start from: its newest snapshot that is ready."""
        snapshots = tables.snapshots
        query = (
            select(snapshots)
            .where(snapshots.c.project_id == project_id, snapshots.c.state == SnapshotState.READY)
            .order_by(snapshots.c.generation.desc())
            .limit(1)
        )
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        return None if row is None else snapshot_from(row)

    async def list_snapshots(self, project_id: ProjectId) -> list[Snapshot]:
        """Return the snapshots of a project, newest first."""
        snapshots = tables.snapshots
        query = select(snapshots).where(snapshots.c.project_id == project_id).order_by(snapshots.c.generation.desc())
        async with self._reading() as transaction:
            return [snapshot_from(row) for row in (await transaction.execute(query)).mappings()]

    async def list_building(self) -> list[Snapshot]:
        """Return the snapshots whose build has not ended, oldest first; also those whose image is being brought."""
        snapshots = tables.snapshots
        has_no_image = (snapshots.c.state == SnapshotState.PREPARING) & (snapshots.c.base_image == "")
        query = (
            select(snapshots)
            .where((snapshots.c.state == SnapshotState.BUILDING) | has_no_image)
            .order_by(snapshots.c.created_at, snapshots.c.id)
        )
        async with self._reading() as transaction:
            return [snapshot_from(row) for row in (await transaction.execute(query)).mappings()]

    async def append_snapshot_log(self, snapshot_id: SnapshotId, text: str) -> None:
        """Add to the log of a build; its newest `LOG_BYTES` stay.

        Raises:
            NotFoundError: there is no such snapshot.
        """
        snapshots = tables.snapshots
        async with self._writing() as transaction:
            stored = await transaction.scalar(
                select(snapshots.c.log).where(snapshots.c.id == snapshot_id).with_for_update()
            )
            if stored is None:
                raise _no_snapshot(snapshot_id)
            await transaction.execute(
                update(snapshots).where(snapshots.c.id == snapshot_id).values(log=_newest(stored + text))
            )

    async def set_base_image(self, snapshot_id: SnapshotId, epoch: int, base_image: str) -> Snapshot:
        """Say which base image a snapshot is built on. Raises as `finish_snapshot` does."""
        return await self._change_build(snapshot_id, epoch, base_image=base_image)

    async def finish_snapshot(
        self,
        snapshot_id: SnapshotId,
        epoch: int,
        *,
        commit: str,
        memory_image: ImageId | None,
        dev_command: str | None,
        port: int | None,
        build_s: float,
        manifest: SnapshotManifest,
    ) -> Snapshot:
        """Make a snapshot ready; new sessions start from it.

        Raises:
            NotFoundError: there is no such snapshot.
            StaleEpochError: another runner has taken the build over.
            StaleWriteError: the build has ended already.
        """
        return await self._change_build(
            snapshot_id,
            epoch,
            state=SnapshotState.READY,
            commit=commit,
            memory_image=memory_image,
            dev_command=dev_command,
            port=port,
            build_s=build_s,
            manifest=asdict(manifest),
        )

    async def fail_snapshot(self, snapshot_id: SnapshotId, epoch: int, failure: str) -> Snapshot:
        """End a build that failed, with the reason. Raises as `finish_snapshot` does."""
        return await self._change_build(snapshot_id, epoch, state=SnapshotState.FAILED, failure=failure)

    async def mark_stale(self, snapshot_id: SnapshotId, files: Sequence[str]) -> None:
        """Note which files have changed since a snapshot was built; none: it is up to date again."""
        snapshots = tables.snapshots
        async with self._writing() as transaction:
            await transaction.execute(
                update(snapshots).where(snapshots.c.id == snapshot_id).values(stale_files=list(files))
            )

    async def drop_unused_snapshots(self) -> list[SnapshotId]:
        """Remove the rows of all snapshots that nothing uses and a newer ready one has taken the place of."""
        snapshots, sessions = tables.snapshots, tables.sessions
        newer = snapshots.alias()
        is_replaced = exists().where(
            newer.c.project_id == snapshots.c.project_id,
            newer.c.generation > snapshots.c.generation,
            newer.c.state == SnapshotState.READY,
        )
        unused = (
            delete(snapshots)
            .where(
                snapshots.c.state != SnapshotState.BUILDING,
                is_replaced,
                ~exists().where(sessions.c.snapshot_id == snapshots.c.id),
            )
            .returning(snapshots.c.id)
        )
        async with self._writing() as transaction:
            return [SnapshotId(id_) for id_ in await transaction.scalars(unused)]

    async def _change_build(self, snapshot_id: SnapshotId, epoch: int, **values: Any) -> Snapshot:
        snapshots = tables.snapshots
        statement = (
            update(snapshots)
            .where(
                snapshots.c.id == snapshot_id,
                snapshots.c.epoch == epoch,
                snapshots.c.state.in_((SnapshotState.BUILDING, SnapshotState.PREPARING)),
            )
            .values(values)
            .returning(snapshots)
        )
        async with self._writing() as transaction:
            row = (await transaction.execute(statement)).mappings().first()
            if row is not None:
                return snapshot_from(row)
            query = select(snapshots.c.epoch, snapshots.c.state).where(snapshots.c.id == snapshot_id)
            stored = (await transaction.execute(query)).first()
        if stored is None:
            raise _no_snapshot(snapshot_id)
        if stored.epoch != epoch:
            raise StaleEpochError(f"the build of snapshot {snapshot_id} is at epoch {stored.epoch}, not {epoch}")
        raise StaleWriteError(f"the build of snapshot {snapshot_id} has ended already: {stored.state}")


def _newest(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return data[-LOG_BYTES:].decode("utf-8", "replace") if len(data) > LOG_BYTES else text


def _no_snapshot(snapshot_id: str) -> NotFoundError:
    return NotFoundError(f"there is no snapshot {snapshot_id}")
