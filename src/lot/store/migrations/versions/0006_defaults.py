"""What new sessions and projects start from, as users have chosen it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "defaults",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("provider", "model", "effort", "mode", "size")),
        sa.Column("idle_countdown_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defaults")),
    )
