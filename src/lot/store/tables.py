"""The tables as the newest migration leaves them; a test compares the two.

Rows become the frozen values of `core/records.py`; the files beside this one say how.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from lot.core.records import AgentMode, AskState, Delivery, PullRequestState, SnapshotState
from lot.core.session import AgentState, SandboxState
from lot.store.columns import CleanText, Instant, JsonText, Sealed, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ENVIRONMENT = Sealed("the environment of project {id}")
CREDENTIAL = Sealed("the credential {name}")
PUSH_SUBSCRIPTION = Sealed("the push subscription {id}")
git_accounts = Table(  # their secrets are in `secrets`
    "git_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("login", CleanText, nullable=False),
    Column("author_name", CleanText, nullable=False),
    Column("author_email", CleanText, nullable=False),
    Column("created_at", Instant, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("source", CleanText, nullable=False),
    Column("branch", Text, nullable=False),
    Column("setup_command", CleanText),
    Column("dev_command", CleanText),
    Column("port", Integer),
    Column("size", Text, nullable=False),
    Column("environment", ENVIRONMENT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("budget_tokens", BigInteger),
    Column("budget_usd", Double),
    Column("has_browser", Boolean, nullable=False),
    Column("image", CleanText),
    Column("spent_tokens", BigInteger, nullable=False),  # the store's own: of deleted sessions too
    Column("spent_usd", Double, nullable=False),
    Column("rebuilds_when_stale", Boolean, nullable=False),
    Column("processes", JsonText, nullable=False),
    Column("environment_version", BigInteger, nullable=False),
    Column("account_id", Text, ForeignKey("git_accounts.id"), index=True),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", Word(SnapshotState), nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("base_image", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("memory_image", Text),
    Column("commit", Text),
    Column("setup_command", CleanText),
    Column("dev_command", CleanText),
    Column("port", Integer),
    Column("failure", CleanText),
    Column("log", CleanText, nullable=False),
    Column("build_s", Double),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("manifest", JsonText),
    Column("stale_files", JsonText, nullable=False),
    Column("processes", JsonText, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    UniqueConstraint("project_id", "generation"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False, index=True),
    Column("snapshot_id", Text, ForeignKey("snapshots.id"), nullable=False),
    Column("parent_id", Text, ForeignKey("sessions.id", ondelete="SET NULL"), index=True),
    Column("title", CleanText, nullable=False),
    Column("agent", Word(AgentState), nullable=False),
    Column("sandbox_state", Word(SandboxState), nullable=False),
    Column("reason", CleanText),
    Column("version", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text),
    Column("lease_until", Instant),
    Column("sandbox", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text),
    Column("base_image", Text, nullable=False),
    Column("layers", JsonText, nullable=False),
    Column("upper", Text, nullable=False),
    Column("memory_image", Text),
    Column("candidate_image", Text),
    Column("candidate_epoch", BigInteger),
    Column("base_branch", Text, nullable=False),
    Column("base_commit", Text),
    Column("branch", Text, nullable=False),
    Column("agent_session", Text),
    Column("agent_run", BigInteger, nullable=False),
    Column("agent_offset", BigInteger, nullable=False),
    Column("agent_gone_run", BigInteger),  # the store's own: the run whose `AgentGone` is in the transcript
    Column("pause_at", Instant),
    Column("pause_reason", CleanText),
    Column("is_used", Boolean, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("program", Text, nullable=False),
    Column("effort", Text),
    Column("mode", Word(AgentMode), nullable=False),
    Column("budget_tokens", BigInteger),
    Column("budget_usd", Double),
    Column("is_setup", Boolean, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("compute_units", Double, nullable=False),
    Column("environment_version", BigInteger),
    Column("last_event", BigInteger, nullable=False),
    Column("last_activity_at", Instant, nullable=False),
    Column("seen_event", BigInteger, nullable=False),
    Column("metered_at", Instant),  # the store's own: until then the time that its sandbox is on is counted
    Index(None, "sandbox_state", "pause_at"),
)

events = Table(
    "events",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),  # of its MessageAdded event: the order they came in
    Column("text", JsonText, nullable=False),
    Column("delivery", Word(Delivery), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attachments", JsonText, nullable=False),  # their names
)

attachments = Table(
    "attachments",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

asks = Table(
    "asks",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("run", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", BigInteger, nullable=False),
    Column("state", Word(AskState), nullable=False),
    Column("answer", JsonText),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
)

agent_lines = Table(  # what the agent program printed, beside the events made of it
    "agent_lines",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("run", BigInteger, primary_key=True),
    Column("from_offset", BigInteger, primary_key=True),
    Column("lines", LargeBinary, nullable=False),  # zlib
)

agent_files = Table(  # the agent program's own transcript, from which a lost conversation is made anew
    "agent_files",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", Text, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # zlib
)

held_answers = Table(  # of the model, read to their end while the sandbox that asked was paused
    "held_answers",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("request", Text, primary_key=True),  # SHA-256 of what was asked
    Column("status", Integer, nullable=False),
    Column("headers", JsonText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)

diffs = Table(
    "diffs",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("base_commit", Text, nullable=False),
    Column("patch", JsonText, nullable=False),
    Column("is_truncated", Boolean, nullable=False),
    Column("files", JsonText, nullable=False),
    Column("taken_at", Instant, nullable=False),
)

pull_requests = Table(
    "pull_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("session_id", Text, ForeignKey("sessions.id", ondelete="SET NULL"), index=True),
    Column("number", Integer, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("body", CleanText, nullable=False),
    Column("base_branch", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("head_commit", Text, nullable=False),
    Column("state", Word(PullRequestState), nullable=False),
    Column("url", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("project_id", "number"),
)

model_usage = Table(
    "model_usage",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", Text, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("cost_usd", Double),  # None: the price of that model is not known
)

_MEASURES = (
    ("seconds_on", Double),
    ("compute_units", Double),
    ("input_tokens", BigInteger),
    ("output_tokens", BigInteger),
    ("cache_read_tokens", BigInteger),
    ("cache_write_tokens", BigInteger),
    ("cost_usd", Double),
)

session_usage_days = Table(
    "session_usage_days",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("day", Text, primary_key=True),
    *(Column(name, kind, nullable=False) for name, kind in _MEASURES),
)

usage_days = Table(  # stays when the project goes, hence no foreign key
    "usage_days",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    *(Column(name, kind, nullable=False) for name, kind in _MEASURES),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", CREDENTIAL, nullable=False),
)

defaults = Table(  # one row at most: what users have chosen; what is NULL is as the configuration has it
    "defaults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("provider", Text),  # of `model`
    Column("model", Text),
    Column("effort", Text),
    Column("mode", Word(AgentMode)),
    Column("size", Text),
    Column("idle_countdown_s", Double),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    Column("created_at", Instant, nullable=False),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("user_agent", CleanText, nullable=False),
    Column("address", CleanText, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", CleanText, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
)

identities = Table(  # accounts elsewhere that users sign in with
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
)

push_devices = Table(
    "push_devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "browser_session_id",
        Text,
        ForeignKey("browser_sessions.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("endpoint_digest", Text, nullable=False, unique=True),
    Column("subscription", PUSH_SUBSCRIPTION, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("failure", CleanText),
)
