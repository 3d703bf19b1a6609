"""Several dev processes: what runs beside a project's dev server, in a snapshot as it was when that was built."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("projects", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("snapshots", sa.Column("processes", sa.Text(), nullable=False, server_default="{}"))
