"""Removes what nothing refers to any more: sandboxes, layers, images and runners that a crash or a deletion left."""

from collections.abc import Iterable
from pathlib import Path

import structlog
from anyio import to_thread

from lot.core.ids import RunnerId, SandboxId
from lot.engine.folders import remove_folder
from lot.engine.parts import Parts

logger = structlog.get_logger(__name__)


async def reap_sandboxes(parts: Parts) -> list[SandboxId]:
    """Destroy every sandbox on the hosts that belongs to no session and no build; return them."""
    known: set[str] = {session.sandbox for session in await parts.store.list_sessions()}
    known |= {snapshot.sandbox for snapshot in await parts.store.list_building()}
    orphans = [sandbox for sandbox in await parts.fleet.list_sandboxes() if sandbox not in known]
    for sandbox in orphans:
        logger.info("reaping a sandbox that nothing refers to", sandbox_id=sandbox)
        await parts.fleet.reap_sandbox(sandbox)
    return orphans


async def reap_runners(parts: Parts) -> list[RunnerId]:
    """Stop every runner that serves something that no longer names it as owner; return them."""
    owners: set[str | None] = {session.lease.owner for session in await parts.store.list_sessions()}
    owners |= {snapshot.lease.owner for snapshot in await parts.store.list_building()}
    stopped: list[RunnerId] = []
    for handle in await parts.fleet.list_runners():
        found = await parts.fleet.find(handle.runner)
        if found is None or handle.runner in owners:
            continue
        state = await found[1].state()
        if state.assignment_id is not None:
            await parts.fleet.stop(handle.runner)
            stopped.append(handle.runner)
    return stopped


async def reap_snapshots(parts: Parts) -> None:
    """Remove snapshots that a newer one has taken the place of and no session stands on, with their disk and memory."""
    if await parts.store.drop_unused_snapshots():
        await reap_folders(parts)


async def reap_folders(parts: Parts) -> list[Path]:
    """Remove layers and images of either kind that no session and no snapshot refers to; return their folders."""
    layers: set[str] = {str(layer) for layer in await parts.store.layers_in_use()}
    images: set[str] = {str(image) for image in await parts.store.images_in_use()}
    building = await parts.store.list_building()
    images |= {f"snapshot-{snapshot.id}" for snapshot in building}
    sessions: set[str] = set()
    for session in await parts.store.list_sessions():
        sessions.add(session.id)
        # The names that a pause under way, or a runner that lost its lease, gives its image.
        images |= {f"{session.id}-{session.lease.epoch}", f"candidate-{session.sandbox}-{session.lease.epoch}"}
    unused = [
        *_unused(parts.folders.layers, layers),
        *_unused(parts.folders.hibernation, images),
        *_unused(parts.folders.data_dir / "logs", sessions),
    ]
    for folder in unused:
        await to_thread.run_sync(remove_folder, str(folder))
    # A build under way may have an image that its row does not name yet; the next time is soon enough.
    released = [] if building else await parts.images.release(await parts.store.base_images_in_use())
    return [*unused, *released]


def _unused(folder: Path, used: Iterable[str]) -> list[Path]:
    """Return the entries of a folder whose stem (`<id>`, `.<id>.work`, `<id>.partial`) is not in use."""
    kept = set(used)
    if not folder.is_dir():
        return []
    return [entry for entry in sorted(folder.iterdir()) if entry.name.strip(".").partition(".")[0] not in kept]
