"""Examines a project's snapshot: its code, its disk, its memory, and whether a session that starts from it answers."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from anyio import to_thread

from lot.core.errors import ImageDamagedError, LotError
from lot.core.ids import SessionId
from lot.core.records import Project, Session, Snapshot, SnapshotManifest
from lot.core.session import SandboxState
from lot.engine.creating import SessionOptions
from lot.engine.drift import Drift
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient

START_LIMIT_S = 300.0
"""For the session that is started for the examination, with an installation of changed packages."""
ANSWER_LIMIT_S = 120.0
_REBUILD = "build it anew: `lot project retry`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `mend` is the next step where something is wrong."""

    name: str
    is_ok: bool
    seen: str
    mend: str | None = None


class Sessions(Protocol):
    """What the examination needs of the engine: a session that is started, seen, and deleted again."""

    async def create_session(self, project: Project, options: SessionOptions) -> Session: ...
    async def wait_until(
        self, session_id: SessionId, is_reached: Callable[[Session], bool], wait_s: float
    ) -> Session: ...
    def client_of(self, session_id: SessionId) -> RunnerClient: ...
    async def delete_session(self, session_id: SessionId) -> None: ...


async def examine(parts: Parts, drift: Drift, sessions: Sessions, project: Project) -> list[Finding]:
    """Return what was found, in the order in which a start depends on it."""
    snapshot = await parts.store.current_snapshot(project.id)
    if snapshot is None or snapshot.manifest is None:
        return [Finding(name="snapshot", is_ok=False, seen="there is none that is ready", mend=_REBUILD)]
    seen = f"generation {snapshot.generation}, of commit {(snapshot.commit or '')[:10]}"
    found = [Finding(name="snapshot", is_ok=True, seen=seen), await _look_at_code(drift, project)]
    found.append(await to_thread.run_sync(_look_at_disk, parts, snapshot, snapshot.manifest))
    if snapshot.memory_image is not None:
        found.append(await to_thread.run_sync(_look_at_memory, parts, snapshot))
    return [*found, *[finding async for finding in _try(parts, sessions, project, snapshot.manifest)]]


async def _look_at_code(drift: Drift, project: Project) -> Finding:
    try:
        stale = await drift.look(project.id)
    except LotError as error:
        return Finding(name="code", is_ok=False, seen=str(error), mend="see that the repository can be reached")
    if stale:
        return Finding(name="code", is_ok=False, seen=f"changed since: {', '.join(stale)}", mend=_REBUILD)
    return Finding(name="code", is_ok=True, seen="nothing that the setup depends on has changed")


def _look_at_disk(parts: Parts, snapshot: Snapshot, manifest: SnapshotManifest) -> Finding:
    try:
        measured = parts.measure_layer(parts.folders.layer(snapshot.layer))
    except OSError as error:
        return Finding(name="disk", is_ok=False, seen=f"its layer cannot be read: {error}", mend=_REBUILD)
    if measured.xxh3_128 != manifest.layer_hash:
        return Finding(name="disk", is_ok=False, seen="its layer was altered since it was frozen", mend=_REBUILD)
    return Finding(name="disk", is_ok=True, seen=f"{measured.files} files, {measured.total_bytes >> 20} MiB, unaltered")


def _look_at_memory(parts: Parts, snapshot: Snapshot) -> Finding:
    assert snapshot.memory_image is not None  # by the caller
    try:
        total_bytes = parts.prove_image(parts.folders.image(snapshot.memory_image))
    except ImageDamagedError as error:
        return Finding(name="memory", is_ok=False, seen=str(error), mend=f"sessions start from the disk; {_REBUILD}")
    return Finding(name="memory", is_ok=True, seen=f"{total_bytes >> 20} MiB, unaltered")


async def _try(
    parts: Parts, sessions: Sessions, project: Project, manifest: SnapshotManifest
) -> AsyncIterator[Finding]:
    """Start a session as a user would, ask its dev server, and delete it again."""
    began = time.monotonic()
    session = await sessions.create_session(project, SessionOptions(title=f"Examination of {project.name}"))
    try:
        session = await sessions.wait_until(
            session.id, lambda seen: seen.sandbox_state is not SandboxState.BOOTING, START_LIMIT_S
        )
        if session.sandbox_state is not SandboxState.ON:
            why = session.reason or f"it is still {session.label} after {START_LIMIT_S:.0f} s"
            yield Finding(name="start", is_ok=False, seen=why, mend=_REBUILD)
            return
        yield Finding(name="start", is_ok=True, seen=f"a session is on after {time.monotonic() - began:.1f} s")
        if manifest.health_port is not None:
            yield await _ask_dev_server(sessions.client_of(session.id), manifest, began)
    finally:
        await sessions.delete_session(session.id)


async def _ask_dev_server(client: RunnerClient, manifest: SnapshotManifest, began: float) -> Finding:
    dev = await client.dev_status(wait_s=ANSWER_LIMIT_S)
    if dev.status != "answering":
        return Finding(
            name="dev server",
            is_ok=False,
            seen=f"{dev.status}: {dev.detail or 'it printed nothing'}",
            mend="see its log, mend the dev command or the code",
        )
    where = f"port {dev.port} with HTTP {dev.http_status}"
    if (dev.port, dev.http_status) != (manifest.health_port, manifest.health_status):
        wanted = f"port {manifest.health_port} with HTTP {manifest.health_status}"
        return Finding(
            name="dev server", is_ok=False, seen=f"answers on {where}; it was proved on {wanted}", mend=_REBUILD
        )
    return Finding(name="dev server", is_ok=True, seen=f"answers on {where} after {time.monotonic() - began:.1f} s")
