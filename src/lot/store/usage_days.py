"""What was used on each day: seconds of sandboxes, compute units, tokens, money. By session, and by project.

The sums of a session go with it. Those of a project stay, whatever becomes of it and its sessions: they name nothing
but the project's id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import RowMapping, select, update

from lot.core.ids import ProjectId, SessionId
from lot.core.metering import on_time
from lot.core.session import SandboxState
from lot.store import tables
from lot.store.database import Database, Transaction
from lot.store.upsert import insert_or_update

sessions = tables.sessions
_METERED = (sessions.c.id, sessions.c.project_id, sessions.c.compute_units, sessions.c.metered_at)
_NOTHING: Mapping[str, float] = {
    "seconds_on": 0.0,
    "compute_units": 0.0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_read_tokens": 0,
    "cache_write_tokens": 0,
    "cost_usd": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """What was used on one day (UTC)."""

    day: date
    seconds_on: float
    """Of sandboxes; two at once count twice."""
    compute_units: float
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    """As far as the prices of models are known."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a session used on a day, to be added."""

    session_id: SessionId
    project_id: ProjectId
    day: date
    measures: Mapping[str, float]
    """By the names of `UsageDay`; what is not named adds nothing."""


class UsageDayStore(Database):
    """Sums by the day."""

    async def meter(self, now: datetime) -> None:
        """Count the time until now for every sandbox that is on."""
        is_on = sessions.c.sandbox_state == SandboxState.ON
        seen = select(*_METERED).where(is_on).order_by(sessions.c.id).with_for_update(key_share=True)
        async with self._writing() as transaction:
            rows = (await transaction.execute(seen)).mappings().all()
            await transaction.execute(update(sessions).where(is_on).values(metered_at=now))
            await add_usage(transaction, [used for row in rows for used in _counted(row, now)])

    async def usage_by_project(self, since: date) -> dict[ProjectId, list[UsageDay]]:
        """Return what was used on each day from `since` on, in order, by project; deleted ones included."""
        table = tables.usage_days
        query = select(table).where(table.c.day >= since.isoformat()).order_by(table.c.project_id, table.c.day)
        found: dict[ProjectId, list[UsageDay]] = {}
        async with self._reading() as transaction:
            for row in (await transaction.execute(query)).mappings():
                found.setdefault(ProjectId(row["project_id"]), []).append(_usage_day(row))
        return found

    async def usage_by_session(self, project_id: ProjectId, since: date) -> dict[SessionId, list[UsageDay]]:
        """Return what a project's sessions used on each day from `since` on, in order; deleted ones are left out."""
        table = tables.session_usage_days
        of_project = sessions.c.project_id == project_id
        query = (
            select(table)
            .join(sessions, sessions.c.id == table.c.session_id)
            .where(of_project, table.c.day >= since.isoformat())
            .order_by(table.c.session_id, table.c.day)
        )
        found: dict[SessionId, list[UsageDay]] = {}
        async with self._reading() as transaction:
            for row in (await transaction.execute(query)).mappings():
                found.setdefault(SessionId(row["session_id"]), []).append(_usage_day(row))
        return found

    async def days_of_session(self, session_id: SessionId) -> list[UsageDay]:
        """Return what a session used on each day of its life, in order."""
        table = tables.session_usage_days
        query = select(table).where(table.c.session_id == session_id).order_by(table.c.day)
        async with self._reading() as transaction:
            return [_usage_day(row) for row in (await transaction.execute(query)).mappings()]


async def end_metering(transaction: Transaction, session_id: SessionId, now: datetime) -> None:
    """Count the time until now of a session whose sandbox is on no longer; locks its row."""
    is_on = sessions.c.sandbox_state == SandboxState.ON
    query = select(*_METERED).where(sessions.c.id == session_id, is_on).with_for_update(key_share=True)
    row = (await transaction.execute(query)).mappings().first()
    if row is not None:
        await add_usage(transaction, list(_counted(row, now)))


async def add_usage(transaction: Transaction, new: Sequence[Used]) -> None:
    """Add to the sums of days; the sessions' rows are locked already.

    Rows of sessions, then their sums, then those of projects, each in order: no two transactions wait for each other.
    """
    of_sessions: dict[tuple[str, str], dict[str, float]] = {}
    of_projects: dict[tuple[str, str], dict[str, float]] = {}
    for used in new:
        _add(of_sessions.setdefault((used.session_id, used.day.isoformat()), {}), used.measures)
        _add(of_projects.setdefault((used.project_id, used.day.isoformat()), {}), used.measures)
    for table, owner, sums in (
        (tables.session_usage_days, "session_id", of_sessions),
        (tables.usage_days, "project_id", of_projects),
    ):
        for (id_, day), measures in sorted(sums.items()):
            row = {owner: id_, "day": day, **_NOTHING, **measures}
            fresh = insert_or_update(table, transaction.dialect).values(row)
            raised = {measure: table.c[measure] + fresh.excluded[measure] for measure in measures}
            await transaction.execute(fresh.on_conflict_do_update(index_elements=[owner, "day"], set_=raised))


def _add(sums: dict[str, float], measures: Mapping[str, float]) -> None:
    for measure, amount in measures.items():
        sums[measure] = sums.get(measure, 0) + amount


def _counted(metered: RowMapping, now: datetime) -> Iterator[Used]:
    """Yield what a sandbox was on since it was looked at last."""
    if metered["metered_at"] is None:
        return
    for day, seconds in on_time(metered["metered_at"], now):
        measures = {"seconds_on": seconds, "compute_units": seconds * metered["compute_units"]}
        yield Used(metered["id"], metered["project_id"], day, measures)


def _usage_day(row: RowMapping) -> UsageDay:
    return UsageDay(day=date.fromisoformat(row["day"]), **{measure: row[measure] for measure in _NOTHING})
