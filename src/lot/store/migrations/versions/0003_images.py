"""Images: what a project's sandboxes are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("projects", sa.Column("image", sa.Text(), nullable=True))
