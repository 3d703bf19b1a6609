"""Projects: setup sessions, what snapshots are made of, whether they are stale, several dev processes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("projects", sa.Column("rebuilds_when_stale", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("is_setup", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("snapshots", sa.Column("manifest", sa.Text(), nullable=True))
    op.add_column("snapshots", sa.Column("stale_files", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("projects", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("snapshots", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
