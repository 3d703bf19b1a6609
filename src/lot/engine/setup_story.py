"""Tells a project's setup session how the builds of its snapshot go, and brings it up once there is something to see.

A setup session that waits for its first sandbox (ABSENT) comes up from the snapshot as soon as that is proved, or from
the bare image when somebody writes to it before. One that is up is only told.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lot.core.errors import NotFoundError
from lot.core.events import LivePart, SessionEvent, SetupChanged
from lot.core.ids import ProjectId, SessionId, SnapshotId
from lot.core.records import Session, Snapshot, SnapshotState
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.moves import Moves
from lot.engine.parts import Parts

LOG_CHARS = 6_000
"""Of a failed build's log, its end: so much is told to people and agents."""


class SetupStory:
    """What the newest setup session of each project is told of builds; a session that is gone is told nothing."""

    def __init__(self, parts: Parts, moves: Moves, wake: Callable[[SessionId], None]) -> None:
        self._parts, self._moves, self._wake = parts, moves, wake
        self._told: dict[SnapshotId, SessionId] = {}
        self._printed: dict[SnapshotId, int] = {}

    async def begun(self, snapshot: Snapshot) -> None:
        """A build begins, or begins again: one that waits after a failure waits for this one now."""
        session = await find_setup_session(self._parts, snapshot.project_id)
        if session is None:
            return
        self._told[snapshot.id], self._printed[snapshot.id] = session.id, 0
        with suppress(NotFoundError):
            await self._moves.apply(
                session.id,
                agent=Trigger.SETUP_BEGUN,
                reason="the project is being set up",
                only_if=lambda seen: seen.sandbox_state is SandboxState.ABSENT and seen.agent is AgentState.ERRORED,
            )

    async def step(self, snapshot: Snapshot, text: str) -> None:
        """Tell what is being done."""
        await self._tell(snapshot, _event(self._parts, snapshot, "step", text))

    def printed(self, snapshot: Snapshot, text: str) -> None:
        """Pass on what a command of the build prints."""
        session_id = self._told.get(snapshot.id)
        if session_id is not None:
            part = LivePart(kind="setup_output", key=snapshot.id, offset=self._printed[snapshot.id], text=text)
            self._printed[snapshot.id] += len(text)
            self._parts.bus.live.broadcast(session_id, [part])

    async def image_known(self, snapshot: Snapshot) -> None:
        """Let a session that waits for the project's image come up on it."""
        session_id = self._told.get(snapshot.id)
        if session_id is None:
            return
        with suppress(NotFoundError):
            session = await self._parts.store.get_session(session_id)
            if not session.base_image:
                await self._moves.note(session_id, base_image=snapshot.base_image)
            if snapshot.state is SnapshotState.PREPARING:
                await self._boot(session_id)
            self._wake(session_id)

    async def ended(self, snapshot: Snapshot) -> None:
        """Tell what came of a build; whoever waits comes up from it, or has the reason why it cannot."""
        session_id = self._told.pop(snapshot.id, None)
        self._printed.pop(snapshot.id, None)
        if session_id is not None:
            with suppress(NotFoundError):
                await self._end(await self._parts.store.get_session(session_id), snapshot)

    async def settle(self) -> None:
        """Bring up what a stop of the control plane left waiting for a build that had ended."""
        for session in await self._parts.store.list_sessions():
            if session.is_setup and session.sandbox_state is SandboxState.ABSENT and session.agent is AgentState.IDLE:
                newest = (await self._parts.store.list_snapshots(session.project_id))[0]
                if newest.state in (SnapshotState.READY, SnapshotState.FAILED):
                    await self._end(session, newest)

    async def _end(self, session: Session, snapshot: Snapshot) -> None:
        if snapshot.state is SnapshotState.FAILED:
            failure = snapshot.failure or "no reason was given"
            await self._tell_of(session.id, _event(self._parts, snapshot, "failed", failure, snapshot.log[-LOG_CHARS:]))
            await self._moves.apply(
                session.id,
                agent=Trigger.TURN_FAILED,
                reason=f"the setup failed: {failure}",
                only_if=lambda seen: seen.sandbox_state is SandboxState.ABSENT,
                # Where the project's image cannot be made, an agent can still look for the cause in Lot's own.
                base_image=session.base_image or self._parts.find_base_image(),
            )
        elif snapshot.state is SnapshotState.READY:
            await self._tell_of(session.id, _event(self._parts, snapshot, "ready", _made(snapshot)))
            is_same_size = (snapshot.cpus, snapshot.memory_bytes) == (session.cpus, session.memory_bytes)
            await self._boot(
                session.id,
                snapshot_id=snapshot.id,
                base_image=snapshot.base_image,
                layers=(snapshot.layer,),
                memory_image=snapshot.memory_image if is_same_size else None,
            )
        self._wake(session.id)

    async def _boot(self, session_id: SessionId, **fields: Any) -> None:
        await self._moves.apply(
            session_id,
            sandbox=Trigger.BOOT_ASKED,
            only_if=lambda seen: seen.sandbox_state is SandboxState.ABSENT,
            **fields,
        )

    async def _tell(self, snapshot: Snapshot, event: SessionEvent) -> None:
        session_id = self._told.get(snapshot.id)
        if session_id is not None:
            with suppress(NotFoundError):
                await self._tell_of(session_id, event)

    async def _tell_of(self, session_id: SessionId, event: SessionEvent) -> None:
        self._parts.bus.live.stored(session_id, await self._parts.store.append_events(session_id, [event]))
        self._parts.bus.publish(session_id)


async def find_setup_session(parts: Parts, project_id: ProjectId) -> Session | None:
    """Return the newest setup session of a project."""
    found = [session for session in await parts.store.list_sessions(project_id) if session.is_setup]
    return max(found, key=lambda session: session.created_at, default=None)


def _event(parts: Parts, snapshot: Snapshot, status: Any, detail: str, log_end: str | None = None) -> SetupChanged:
    return SetupChanged(
        at=parts.now(),
        snapshot_id=snapshot.id,
        generation=snapshot.generation,
        status=status,
        detail=detail,
        log_end=log_end,
    )


def _made(snapshot: Snapshot) -> str:
    kind = "disk and memory" if snapshot.memory_image is not None else "disk"
    seen = "" if snapshot.port is None else f", its app answered on port {snapshot.port}"
    return f"new sessions start from it ({kind}{seen})"
