"""The conversation: questions, attachments, raw lines, the agent's own transcript, settings, budgets and costs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("projects", sa.Column("budget_tokens", sa.BigInteger(), nullable=True))
    op.add_column("projects", sa.Column("budget_usd", sa.Double(), nullable=True))
    op.add_column("projects", sa.Column("has_browser", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("spent_tokens", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("projects", sa.Column("spent_usd", sa.Double(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("program", sa.Text(), nullable=False, server_default="claude"))
    op.add_column("sessions", sa.Column("effort", sa.Text(), nullable=True))
    op.add_column("sessions", sa.Column("mode", sa.Text(), nullable=False, server_default="full"))
    op.add_column("sessions", sa.Column("budget_tokens", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("budget_usd", sa.Double(), nullable=True))
    op.add_column("messages", sa.Column("attachments", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("model_usage", sa.Column("cost_usd", sa.Double(), nullable=True))
    op.create_table(
        "attachments",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_attachments_session_id")),
        sa.PrimaryKeyConstraint("session_id", "message_id", "position", name=op.f("pk_attachments")),
    )
    op.create_table(
        "asks",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_asks_session_id")),
        sa.PrimaryKeyConstraint("session_id", "id", name=op.f("pk_asks")),
    )
    op.create_table(
        "agent_lines",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("from_offset", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_agent_lines_session_id")),
        sa.PrimaryKeyConstraint("session_id", "run", "from_offset", name=op.f("pk_agent_lines")),
    )
    op.create_table(
        "agent_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_agent_files_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_files")),
    )
    op.create_index(op.f("ix_agent_files_session_id"), "agent_files", ["session_id"], unique=False)
    op.create_table(
        "held_answers",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_held_answers_session_id")),
        sa.PrimaryKeyConstraint("session_id", "request", name=op.f("pk_held_answers")),
    )
