"""Frames of the stream of everything, one field each; clients skip frames whose field they do not know."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from lot.api.schemas.projects import ProjectBody, SnapshotBody
from lot.api.schemas.sessions import SessionBody


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResyncFrame(_Frame):
    """List everything now: nothing that changes from here on is left out. First of all frames, and after a jam."""

    resync: Literal[True] = True


class SessionFrame(_Frame):
    """A session is new, or another than it was."""

    session: SessionBody


class SessionDeletedFrame(_Frame):
    """The session of that id is gone."""

    session_deleted: str


class ProjectFrame(_Frame):
    """A project is new, or another than it was."""

    project: ProjectBody


class ProjectDeletedFrame(_Frame):
    """The project of that id is gone."""

    project_deleted: str


class SnapshotFrame(_Frame):
    """A snapshot, or the step that its build is at, is another than it was."""

    snapshot: SnapshotBody


OverviewFrame = ResyncFrame | SessionFrame | SessionDeletedFrame | ProjectFrame | ProjectDeletedFrame | SnapshotFrame
