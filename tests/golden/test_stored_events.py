"""Every shape of event that was ever stored is still read, with everything it said.

Files in `events/` are as the store wrote them and are never changed. A kind that gains a field gains a file beside its
first one (`<kind>.<n>.json`).
"""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from lot.core.events import EVENT, SessionEvent

FILES = sorted(Path(__file__).with_name("events").glob("*.json"))
KINDS = {kind.model_fields["kind"].default for kind in get_args(get_args(SessionEvent)[0])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_stored_event_is_read_with_everything_it_said(file: Path) -> None:
    stored: dict[str, Any] = json.loads(file.read_text())
    event = EVENT.validate_json(file.read_text())
    assert event.kind == stored["kind"] == file.name.split(".")[0]
    read = json.loads(event.model_dump_json())
    assert {name: read[name] for name in stored} == stored


def test_every_kind_has_a_stored_example() -> None:
    assert {file.name.split(".")[0] for file in FILES} == KINDS


def test_newest_example_of_a_kind_has_all_its_fields() -> None:
    for kind in get_args(get_args(SessionEvent)[0]):
        name = kind.model_fields["kind"].default
        examples = [json.loads(file.read_text()) for file in FILES if file.name.split(".")[0] == name]
        assert any(set(example) == set(kind.model_fields) for example in examples), name
