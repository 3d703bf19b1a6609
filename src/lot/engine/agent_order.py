"""How a session's agent program is started: its settings, its surroundings, and what is left of its conversation."""

from structlog import get_logger

from lot.core.records import Session
from lot.engine.parts import Parts
from lot.engine.previews import preview_url
from lot.runner.protocol import AgentOrder, FileBody

logger = get_logger(__name__)

MAX_TRANSCRIPT_CHARS = 24 << 20
"""A call to a runner has 48 MiB at most; JSON may double what it carries."""


async def agent_order(parts: Parts, session: Session, *, is_continuation: bool, is_new_run: bool) -> AgentOrder:
    """Return the order that has the present run of a session's agent up.

    Args:
        is_new_run: The program is started; else it is attached to, and its transcript is where it left it.

    Raises:
        ValueError: the session has no agent yet.
    """
    if session.agent_session is None:
        raise ValueError(f"session {session.id} has no agent yet")
    project = await parts.store.get_project(session.project_id)
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    port = snapshot.port or project.port
    return AgentOrder(
        run=session.agent_run,
        agent_session=session.agent_session,
        is_continuation=is_continuation,
        model=session.model,
        provider=session.provider,
        is_scripted=parts.get_provider(session.provider).is_scripted,
        effort=session.effort,
        mode=session.mode,
        program=session.program,
        preview_url=preview_url(parts.settings, session.id, port) if port is not None else None,
        has_browser=project.has_browser,
        is_setup=session.is_setup,
        transcript=await _transcript(parts, session) if is_continuation and is_new_run else (),
    )


async def _transcript(parts: Parts, session: Session) -> tuple[FileBody, ...]:
    """Return what the agent wrote to its own transcript, for a sandbox that may not have it any more."""
    files = await parts.store.agent_transcript(session.id)
    size = sum(len(file.lines) for file in files)
    if size > MAX_TRANSCRIPT_CHARS:
        logger.warning("agent's transcript is too long to be put back", session_id=session.id, size=size)
        return ()
    return tuple(FileBody(path=file.path, text=file.lines) for file in files)
