"""The stream of everything: which sessions, projects and builds change, as they are then."""

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from lot.api.schemas.stream import (
    OverviewFrame,
    ProjectDeletedFrame,
    ProjectFrame,
    ResyncFrame,
    SessionDeletedFrame,
    SessionFrame,
    SnapshotFrame,
)
from lot.api.stream import until_closed
from lot.api.views import Views
from lot.core.errors import NotFoundError
from lot.core.ids import ProjectId, SessionId, SnapshotId
from lot.engine.engine import Engine
from lot.engine.overview import Subject, Touched

PAUSE_S = 0.25
"""After what has changed was told; what changes meanwhile is told together, each thing once."""


def overview_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the WebSocket route of the stream of everything."""
    router = APIRouter()

    @router.websocket("/api/stream")
    async def stream_overview(socket: WebSocket) -> None:
        """Send a frame for each session, project and snapshot that changes, at most four times a second.

        The first frame is `{"resync": true}`: list everything now, as nothing is left out from there on. It comes
        again where a client reads so slowly that changes had to be dropped.
        """
        await socket.accept()
        with engine.parts.bus.overview.watching() as watcher:
            async with anyio.create_task_group() as group:
                group.start_soon(until_closed, socket, group.cancel_scope)
                try:
                    while True:
                        changed = await watcher.take()
                        for touched in (None,) if changed is None else changed:
                            frame = await _frame(engine, views, touched)
                            if frame is not None:
                                await socket.send_text(frame.model_dump_json())
                        await anyio.sleep(PAUSE_S)
                except WebSocketDisconnect:
                    group.cancel_scope.cancel()

    return router


async def _frame(engine: Engine, views: Views, touched: Touched | None) -> OverviewFrame | None:
    """Return what tells of a change; None where the subject is gone meanwhile, which its own frame tells."""
    store = engine.parts.store
    try:
        match touched:
            case None:
                return ResyncFrame()
            case Touched(Subject.SESSION, id):
                return SessionFrame(session=await views.session(await store.get_session(SessionId(id))))
            case Touched(Subject.PROJECT, id):
                return ProjectFrame(project=await views.project(await store.get_project(ProjectId(id))))
            case Touched(Subject.SNAPSHOT, id):
                return SnapshotFrame(snapshot=views.snapshot(await store.get_snapshot(SnapshotId(id))))
            case Touched(Subject.SESSION_DELETED, id):
                return SessionDeletedFrame(session_deleted=id)
            case Touched(Subject.PROJECT_DELETED, id):
                return ProjectDeletedFrame(project_deleted=id)
    except NotFoundError:
        pass
    return None
