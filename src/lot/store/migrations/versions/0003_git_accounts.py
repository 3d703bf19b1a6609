"""Git accounts, and which of them a project was chosen from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


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
    with op.batch_alter_table("projects") as projects:
        projects.add_column(sa.Column("account_id", sa.Text(), nullable=True))
        projects.create_foreign_key(op.f("fk_projects_account_id"), "git_accounts", ["account_id"], ["id"])
    op.create_index(op.f("ix_projects_account_id"), "projects", ["account_id"], unique=False)
