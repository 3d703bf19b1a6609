"""A session's diff: computed in its sandbox, kept in the store for reading while it is paused."""

from dataclasses import dataclass

from lot.core.errors import NotFoundError, UnavailableError
from lot.core.patches import patches_of
from lot.core.records import DiffFile, Session, StoredDiff
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient


async def keep_diff(parts: Parts, session: Session, client: RunnerClient) -> StoredDiff:
    """Compute the diff in the running sandbox and keep it.

    Raises:
        NotFoundError: the session has not synced its code yet.
    """
    if session.base_commit is None:
        raise NotFoundError(f"session {session.id} has no diff yet: its code has not been synced; wait until it is on")
    result = await client.diff(session.base_commit)
    diff = StoredDiff(
        session_id=session.id,
        base_commit=result.base_commit,
        patch=result.patch,
        is_truncated=result.is_truncated,
        files=tuple(
            DiffFile(path=file.path, old_path=file.old_path, status=file.status, added=file.added, removed=file.removed)
            for file in result.files
        ),
        taken_at=parts.now(),
    )
    await parts.store.save_diff(diff)
    return diff


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What differs in one file."""

    patch: str
    is_truncated: bool
    """The patch is so long that its end is missing."""
    is_live: bool
    """False: as it was when the session's diff was kept."""


async def file_patch(parts: Parts, session: Session, path: str, client: RunnerClient | None) -> FilePatch:
    """Return what differs in one file of the diff that was kept last; as it is now, where the sandbox is on.

    Raises:
        NotFoundError: the file is not in that diff, or was left out of it and the sandbox is off.
    """
    kept = await parts.store.find_diff(session.id)
    place = next((i for i, file in enumerate(kept.files) if file.path == path), None) if kept else None
    if kept is None or place is None:
        raise NotFoundError(f"{path} is not among the changes of session {session.id}; read its diff anew")
    if client is not None:
        old_path = kept.files[place].old_path
        try:
            result = await client.diff(kept.base_commit, [path] if old_path is None else [path, old_path])
        except UnavailableError:
            pass  # It went off meanwhile.
        else:
            return FilePatch(result.patch, result.is_truncated, is_live=True)
    patch = patches_of(kept.files, kept.patch)[place]
    if patch is None:
        raise NotFoundError(f"{path} has too many changes to be kept while the session is off; resume it to see them")
    return FilePatch(patch, is_truncated=False, is_live=False)
