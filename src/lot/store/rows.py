"""Turns rows into the frozen values of `core/records.py` and back."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import RowMapping

from lot.core.asks import Answer
from lot.core.events import AttachmentName
from lot.core.records import (
    Ask,
    DiffFile,
    GitAccount,
    Lease,
    Message,
    Project,
    PullRequest,
    Session,
    Snapshot,
    SnapshotManifest,
    StoredDiff,
)

_NAMES: dict[type, tuple[str, ...]] = {
    record: tuple(field.name for field in fields(record) if field.name != "lease")
    for record in (Project, GitAccount, Snapshot, Session, Message, Ask, PullRequest, StoredDiff, DiffFile)
}


def values_of(
    record: Project | GitAccount | Snapshot | Session | Message | PullRequest | StoredDiff | DiffFile,
) -> dict[str, Any]:
    """Return the columns of a record; a lease takes three."""
    values = {name: getattr(record, name) for name in _NAMES[type(record)]}
    if isinstance(record, Message):
        values["attachments"] = [name.model_dump() for name in record.attachments]
    if isinstance(record, Snapshot):
        values["manifest"] = None if record.manifest is None else asdict(record.manifest)
    if isinstance(record, Snapshot | Session):
        values |= {
            "epoch": record.lease.epoch,
            "owner": record.lease.owner,
            "lease_until": record.lease.lease_until,
        }
    return values


def project_from(row: RowMapping) -> Project:
    """Return the project of a row."""
    return Project(**_attributes(Project, row))


def git_account_from(row: RowMapping) -> GitAccount:
    """Return the git account of a row."""
    return GitAccount(**_attributes(GitAccount, row))


def snapshot_from(row: RowMapping) -> Snapshot:
    """Return the snapshot of a row."""
    stored = row["manifest"]
    manifest = None
    if stored is not None:
        manifest = SnapshotManifest(**stored | {"environment_keys": tuple(stored["environment_keys"])})
    parsed = {"manifest": manifest, "stale_files": tuple(row["stale_files"])}
    return Snapshot(**_attributes(Snapshot, row) | parsed, lease=_lease_from(row))


def session_from(row: RowMapping) -> Session:
    """Return the session of a row."""
    return Session(**_attributes(Session, row) | {"layers": tuple(row["layers"])}, lease=_lease_from(row))


def message_from(row: RowMapping) -> Message:
    """Return the message of a row."""
    attachments = tuple(AttachmentName.model_validate(name) for name in row["attachments"])
    return Message(**_attributes(Message, row) | {"attachments": attachments})


def ask_from(row: RowMapping) -> Ask:
    """Return the question, plan or request for permission of a row."""
    answer = None if row["answer"] is None else Answer.model_validate(row["answer"])
    return Ask(**_attributes(Ask, row) | {"answer": answer})


def pull_request_from(row: RowMapping) -> PullRequest:
    """Return the pull request of a row."""
    return PullRequest(**_attributes(PullRequest, row))


def diff_from(row: RowMapping) -> StoredDiff:
    """Return the diff of a row."""
    files = tuple(DiffFile(**file) for file in row["files"])
    return StoredDiff(**_attributes(StoredDiff, row) | {"files": files})


def changed_columns(record: type[Project | Session | PullRequest], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `changes` if each names an attribute that callers may change.

    Raises:
        TypeError: one does not.
    """
    fixed = {"id", "version", "events", "created_at", "changed_at", "last_event", "last_activity_at", "seen_event"}
    wrong = [name for name in changes if name not in _NAMES[record] or name in fixed]
    if wrong:
        raise TypeError(f"{record.__name__} has no attribute to change named {', '.join(wrong)}")
    return changes


def _attributes(record: type, row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in _NAMES[record]}


def _lease_from(row: RowMapping) -> Lease:
    return Lease(epoch=row["epoch"], owner=row["owner"], lease_until=row["lease_until"])
