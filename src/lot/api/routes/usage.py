"""What was used over time, and what is on the disk."""

from datetime import UTC

from fastapi import APIRouter, Query

from lot.api.schemas.usage import DiskBody, UsageOverTimeBody
from lot.api.usage_view import newest_days, usage_over_time
from lot.engine.disk_use import host_disk_use
from lot.engine.engine import Engine

MAX_DAYS = 366


def usage_routes(engine: Engine) -> APIRouter:
    """Return the routes about what was used."""
    router = APIRouter(prefix="/api", tags=["host"])
    parts = engine.parts
    store = parts.store

    @router.get("/usage")
    async def usage(days: int = Query(default=30, ge=1, le=MAX_DAYS), project: str | None = None) -> UsageOverTimeBody:
        """Return what was used on each of the newest days (UTC), today included; of one project also by session."""
        await engine.meter.look()
        shown = newest_days(parts.now().astimezone(UTC).date(), days)
        names: dict[str, str] = {one.id: one.name for one in await store.list_projects()}
        by_project = {str(id_): used for id_, used in (await store.usage_by_project(shown[0])).items()}
        if project is None:
            return usage_over_time(shown, by_project, {}, names)
        found = await store.get_project(project)
        names |= {one.id: one.title for one in await store.list_sessions(found.id)}
        by_session = {str(id_): used for id_, used in (await store.usage_by_session(found.id, shown[0])).items()}
        return usage_over_time(shown, {found.id: by_project.get(found.id, [])}, by_session, names)

    @router.get("/disk")
    async def disk() -> DiskBody:
        """Return what Lot's data takes of the disk; looks at every file, so it may take seconds."""
        used = await host_disk_use(parts)
        return DiskBody(
            free_bytes=used.free_bytes,
            total_bytes=used.total_bytes,
            disks_bytes=used.disks_bytes,
            memory_bytes=used.memory_bytes,
            repositories_bytes=used.repositories_bytes,
            logs_bytes=used.logs_bytes,
            database_bytes=used.database_bytes,
            base_images_bytes=used.base_images_bytes,
        )

    return router
