"""Errors on the wire."""

from lot.core import errors

LEAVES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.LotError) and not kind.__subclasses__()
]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in LEAVES]
    assert len(set(codes)) == len(codes) > 20


def test_refused_move_names_state_and_trigger() -> None:
    error = errors.TransitionNotAllowedError("paused", "booted")
    assert str(error) == "booted does not apply while paused"
    assert (error.state, error.trigger) == ("paused", "booted")
