"""How the figures of a demo are printed."""

import pytest

from lot.cli.demo import _shown


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("resume_s", 1.2345678, "1.23 s"),
        ("first_200_s", [0.5, 0.25], "0.50 s, 0.25 s"),
        ("counters", {"first": 3, "load": 1.23456}, "first 3, load 1.23"),
        ("resident_bytes_freed", 3 << 20, "3 MiB"),
        ("rung", "memory", "memory"),
        ("turn_s", None, "None"),
    ],
)
def test_figures_are_rounded(name: str, value: object, expected: str):
    assert _shown(name, value) == expected
