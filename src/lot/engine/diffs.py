"""A session's diff: computed in its sandbox, kept in the store for reading while it is paused."""

from lot.core.errors import NotFoundError
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
