"""Projects: git accounts, setup sessions, what snapshots are made of, dev processes, sizes, environments' versions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


# What the two sizes of that time meant.
_SMALL = {"cpus": 2, "memory_bytes": 4 << 30}
_LARGE = {"cpus": 4, "memory_bytes": 8 << 30}


def upgrade() -> None:
    op.create_table(
        "git_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_git_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_git_accounts_name")),
    )
    with op.batch_alter_table("projects") as altered:
        altered.add_column(sa.Column("account_id", sa.Text(), nullable=True))
        altered.create_foreign_key(op.f("fk_projects_account_id"), "git_accounts", ["account_id"], ["id"])
    op.create_index(op.f("ix_projects_account_id"), "projects", ["account_id"], unique=False)
    op.add_column("projects", sa.Column("image", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("rebuilds_when_stale", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("is_setup", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("snapshots", sa.Column("manifest", sa.Text(), nullable=True))
    op.add_column("snapshots", sa.Column("stale_files", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("projects", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("snapshots", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("projects", sa.Column("environment_version", sa.BigInteger(), nullable=False, server_default="1"))
    for table in ("snapshots", "sessions"):
        for name, kind in (("cpus", sa.Integer()), ("memory_bytes", sa.BigInteger())):
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=str(_SMALL[name])))
    op.add_column("sessions", sa.Column("compute_units", sa.Double(), nullable=False, server_default="1"))
    op.add_column("sessions", sa.Column("environment_version", sa.BigInteger(), nullable=True))

    projects = sa.table("projects", sa.column("id"), sa.column("size"))
    snapshots = sa.table("snapshots", sa.column("project_id"), sa.column("cpus"), sa.column("memory_bytes"))
    sessions = sa.table(
        "sessions",
        *(sa.column(name) for name in ("size", "cpus", "memory_bytes", "compute_units", "environment_version")),
    )
    large = sa.select(projects.c.id).where(projects.c.size == "large")
    op.execute(snapshots.update().where(snapshots.c.project_id.in_(large)).values(**_LARGE))
    op.execute(sessions.update().where(sessions.c.size == "large").values(**_LARGE, compute_units=2.0))
    # Environments could not be changed until now, so every session has its project's.
    op.execute(sessions.update().values(environment_version=1))
