"""Events: frozen, told apart by their kind, forgiving towards newer writers."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from lot.core.events import EVENT, Notice, StoredEvent

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_event_needs_a_timezone() -> None:
    with pytest.raises(ValidationError):
        Notice(at=AT.replace(tzinfo=None), text="")


def test_event_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Notice(at=AT, text="one").text = "two"


def test_unknown_kind_is_refused_and_unknown_fields_are_ignored() -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python({"kind": "unheard_of", "at": AT})
    later = {"kind": "notice", "at": AT, "text": "hello", "field_of_a_later_version": 1}
    assert EVENT.validate_python(later) == Notice(at=AT, text="hello")


def test_stored_event_comes_back_through_json() -> None:
    stored = StoredEvent(number=7, event=Notice(at=AT, text="hello"))
    assert StoredEvent.model_validate_json(stored.model_dump_json()) == stored
