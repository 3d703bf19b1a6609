"""Shapes what was used into series that a chart takes as they are: no day is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta

from lot.api.schemas.usage import UsageDayBody, UsageOverTimeBody, UsageSeriesBody
from lot.store.usage_days import UsageDay

_MEASURES = tuple(name for name in UsageDayBody.model_fields if name != "day")


def usage_over_time(
    days: Sequence[date],
    projects: Mapping[str, Sequence[UsageDay]],
    sessions: Mapping[str, Sequence[UsageDay]],
    names: Mapping[str, str],
) -> UsageOverTimeBody:
    """Return series over `days`.

    Args:
        names: Of projects and sessions by their ids; those that are gone have none.
    """
    return UsageOverTimeBody(
        total=UsageSeriesBody(
            id=None, name=None, days=_series(days, [day for used in projects.values() for day in used])
        ),
        projects=_by_owner(days, projects, names),
        sessions=_by_owner(days, sessions, names),
    )


def newest_days(today: date, count: int) -> list[date]:
    """Return so many days up to today."""
    return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]


def _by_owner(
    days: Sequence[date], used: Mapping[str, Sequence[UsageDay]], names: Mapping[str, str]
) -> list[UsageSeriesBody]:
    return [
        UsageSeriesBody(id=owner, name=names.get(owner), days=_series(days, its_days))
        for owner, its_days in used.items()
    ]


def _series(days: Sequence[date], used: Iterable[UsageDay]) -> list[UsageDayBody]:
    sums: dict[date, dict[str, float]] = {day: dict.fromkeys(_MEASURES, 0) for day in days}
    for one in used:
        if one.day in sums:
            measured = asdict(one)
            sums[one.day] = {name: total + measured[name] for name, total in sums[one.day].items()}
    return [UsageDayBody.model_validate({"day": day, **total}) for day, total in sums.items()]
