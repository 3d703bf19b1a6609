"""What a session's user has seen, and what was used on each day."""

from collections import defaultdict
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def upgrade() -> None:
    for name in ("last_event", "seen_event"):
        op.add_column("sessions", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    # SQLite adds no column that must have a value without a constant one.
    op.add_column("sessions", sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE sessions SET last_activity_at = changed_at")
    with op.batch_alter_table("sessions") as altered:
        altered.alter_column("last_activity_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.add_column("sessions", sa.Column("metered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "session_usage_days",
        sa.Column("session_id", sa.Text(), nullable=False),
        *_sums(),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_usage_days_session_id")),
        sa.PrimaryKeyConstraint("session_id", "day", name=op.f("pk_session_usage_days")),
    )
    op.create_table(
        "usage_days",
        sa.Column("project_id", sa.Text(), nullable=False),
        *_sums(),
        sa.PrimaryKeyConstraint("project_id", "day", name=op.f("pk_usage_days")),
    )
    _fill()


def _sums() -> list[sa.Column[Any]]:
    return [
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("seconds_on", sa.Double(), nullable=False),
        sa.Column("compute_units", sa.Double(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _TOKENS),
        sa.Column("cost_usd", sa.Double(), nullable=False),
    ]


def _fill() -> None:
    """Sum up what requests to models used; for how long sandboxes were on was not noted until now."""
    sessions = sa.table("sessions", sa.column("id"), sa.column("project_id"))
    usage = sa.table(
        "model_usage",
        sa.column("session_id"),
        sa.column("at", sa.DateTime(timezone=True)),
        *(sa.column(name) for name in (*_TOKENS, "cost_usd")),
    )
    query = sa.select(sessions.c.project_id, usage).join(sessions, sessions.c.id == usage.c.session_id)
    sums: dict[str, dict[tuple[str, str], dict[str, float]]] = {"session_id": {}, "project_id": {}}
    for of_owner in sums:
        sums[of_owner] = defaultdict(lambda: dict.fromkeys((*_TOKENS, "cost_usd"), 0))
    connection = op.get_bind()
    for row in connection.execute(query).mappings():
        at = row["at"] if row["at"].tzinfo is None else row["at"].astimezone(UTC)
        for of_owner, by_day in sums.items():
            total = by_day[row[of_owner], at.date().isoformat()]
            for name in (*_TOKENS, "cost_usd"):
                total[name] += row[name] or 0
    for table, of_owner in (("session_usage_days", "session_id"), ("usage_days", "project_id")):
        columns = ("day", "seconds_on", "compute_units", *_TOKENS, "cost_usd")
        days = sa.table(table, sa.column(of_owner), *(sa.column(name) for name in columns))
        rows = [
            {of_owner: owner, "day": day, "seconds_on": 0.0, "compute_units": 0.0, **used}
            for (owner, day), used in sums[of_owner].items()
        ]
        if rows:
            connection.execute(days.insert(), rows)
