"""Every error goes over the wire and comes back as the same class, with its message and facts."""

import json

import pytest

from lot.core import errors
from lot.core.errors import LotError, TooManyAttemptsError, TransitionNotAllowedError
from lot.runner.wire_errors import error_body, error_from

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, LotError)]


@pytest.mark.parametrize("known", CLASSES, ids=lambda known: known.__name__)
def test_error_comes_back_as_the_same_class(known: type[LotError]) -> None:
    facts = {TransitionNotAllowedError: ("on", "pause"), TooManyAttemptsError: ("what was seen: next step", 3.5)}
    raised = known(*facts.get(known, ("what was seen: next step",)))
    back = error_from(json.loads(json.dumps(error_body(raised))))
    assert type(back) is known
    assert str(back) == str(raised)
    assert vars(back) == vars(raised)


def test_codes_are_different() -> None:
    assert len({known.code for known in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("body", [{"code": "of.the.future", "message": "x"}, {}, [], None, "text"])
def test_unknown_error_is_a_plain_one(body: object) -> None:
    assert type(error_from(body)) is LotError
