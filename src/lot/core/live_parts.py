"""Stretches of what is being written that follow each other are one stretch: fewer frames say the same."""

from collections.abc import Iterable

from lot.core.events import LivePart


def joined(parts: Iterable[LivePart]) -> tuple[LivePart, ...]:
    """Return parts in their order, with neighbours that follow each other made one."""
    made: list[LivePart] = []
    for part in parts:
        last = made[-1] if made else None
        is_next = last is not None and (last.kind, last.key) == (part.kind, part.key) and part.kind != "reset"
        if last is not None and is_next and part.offset == last.offset + len(last.text):
            made[-1] = last.model_copy(update={"text": last.text + part.text})
        else:
            made.append(part)
    return tuple(made)
