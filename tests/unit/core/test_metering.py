"""Time that counts: whole, by the day, and only as far as somebody saw it."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from lot.core.metering import MAX_UNSEEN_S, on_time

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_time_between_two_looks_counts_for_its_day() -> None:
    assert list(on_time(NOON, NOON + timedelta(seconds=10.5))) == [(date(2026, 11, 22), 10.5)]


def test_time_over_midnight_utc_is_split_whatever_the_zone() -> None:
    since = datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC).astimezone(timezone(timedelta(hours=-5)))
    assert list(on_time(since, since + timedelta(seconds=30))) == [(date(2026, 12, 31), 10.0), (date(2027, 1, 1), 20.0)]
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    assert list(on_time(midnight, midnight + timedelta(seconds=1))) == [(date(2027, 1, 1), 1.0)]


@pytest.mark.parametrize("seconds", [0.0, -5.0, MAX_UNSEEN_S + 0.001])
def test_time_that_nobody_saw_and_clocks_that_go_back_count_nothing(seconds: float) -> None:
    assert list(on_time(NOON, NOON + timedelta(seconds=seconds))) == []
