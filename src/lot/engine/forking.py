"""Splits a paused session in two: its disk becomes a layer of both, its image is what both resume. Rows only."""

from dataclasses import replace

from lot.core.events import Forked, Notice
from lot.core.ids import LayerId, SandboxId, SessionId, new_id
from lot.core.records import Lease, Session
from lot.core.session import SandboxState
from lot.engine.creating import branch_of, state_of
from lot.engine.moves import Moves
from lot.engine.parts import Parts


async def split(parts: Parts, moves: Moves, parent_id: SessionId, title: str | None) -> Session | None:
    """Give a paused parent and its new child a shared layer and an upper each; None when it was woken meanwhile."""
    parent = await parts.store.get_session(parent_id)
    if parent.sandbox_state is not SandboxState.PAUSED:
        return None
    layers = (*parent.layers, parent.upper)
    changed = await moves.apply(
        parent_id,
        reason=parent.reason,
        only_if=lambda seen: seen.version == parent.version,
        layers=layers,
        upper=LayerId(new_id()),
    )
    if changed is None:
        return None
    child = _child_of(parts, changed, title or f"Fork of {parent.title}")
    await parts.store.add_session(child, [])
    await parts.store.copy_transcript(parent.id, child.id, changed.events)
    forked = Forked(at=child.created_at, parent_id=parent.id, parent_event=changed.events)
    await moves.tell(child.id, forked, state_of(child))
    await moves.tell(parent.id, Notice(at=child.created_at, text=f"forked into session {child.id}"))
    return child


def _child_of(parts: Parts, parent: Session, title: str) -> Session:
    """Return a session with everything that its parent has, under names of its own."""
    child_id = SessionId(new_id())
    now = parts.now()
    return replace(
        parent,
        id=child_id,
        parent_id=parent.id,
        title=title,
        reason=None,
        version=1,
        lease=Lease(),
        sandbox=SandboxId(child_id),
        upper=LayerId(new_id()),
        candidate_image=None,
        candidate_epoch=None,
        branch=branch_of(title, child_id),
        pause_at=None,
        pause_reason=None,
        events=0,
        created_at=now,
        changed_at=now,
        last_activity_at=now,
    )
