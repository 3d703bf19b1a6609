"""Where runners renew their leases, and tell of images that they saved when they had lost one.

Served in a thread and over a database connection of its own (`apart.py`), because a late answer costs a sandbox:
whatever keeps the rest of the control plane busy, this is next to nothing and waits for none of it.
"""

from typing import Protocol

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lot.broker.passes import Pass, Passes
from lot.core.errors import LotError, NotFoundError, StaleEpochError, UnauthenticatedError
from lot.core.ids import ImageId, SessionId, SnapshotId
from lot.runner.protocol import SubjectKind

LEASE_TTL_S = 30.0
_MAX_BODY_BYTES = 4096


class _Candidate(BaseModel):
    image: str = Field(pattern=r"^[A-Za-z0-9_-]{1,120}$")


class LeaseStore(Protocol):
    """What leases need of the store."""

    async def renew(self, kind: SubjectKind, subject: SessionId | SnapshotId, epoch: int, ttl_s: float) -> bool:
        """Renew a lease; False: it is lost."""

    async def save_candidate(self, session_id: SessionId, epoch: int, image: ImageId) -> None:
        """Note an image that was saved without a lease."""


class Leases:
    """Serves `/renew` and `/candidate` to runners; their pass names subject and epoch."""

    def __init__(self, passes: Passes, store: LeaseStore) -> None:
        self._passes, self._store = passes, store

    def app(self) -> Starlette:
        """Return the application. 409: the lease is over, for good; 503: ask again."""
        return Starlette(
            routes=[
                Route("/renew", self._renew, methods=["POST"]),
                Route("/candidate", self._note_candidate, methods=["POST"]),
            ]
        )

    async def _renew(self, request: Request) -> Response:
        """Give another `LEASE_TTL_S`."""
        try:
            held = self._passes.shown_by(request)
            kind, subject = _subject(held)
            if not await self._store.renew(kind, subject, held.epoch, LEASE_TTL_S):
                raise StaleEpochError(f"{held.kind} {held.id}: epoch {held.epoch} is over")
        except LotError as error:
            return _refusal(error)
        return Response(status_code=204)

    async def _note_candidate(self, request: Request) -> Response:
        """Note an image for the session's next epoch."""
        try:
            held = self._passes.shown_by(request)
            candidate = _Candidate.model_validate_json((await request.body())[:_MAX_BODY_BYTES])
            if held.kind == "session":
                await self._store.save_candidate(SessionId(held.id), held.epoch, ImageId(candidate.image))
        except ValidationError as error:
            return PlainTextResponse(str(error), 422)
        except LotError as error:
            return _refusal(error)
        return Response(status_code=204)


def _subject(held: Pass) -> tuple[SubjectKind, SessionId | SnapshotId]:
    return ("session", SessionId(held.id)) if held.kind == "session" else ("snapshot", SnapshotId(held.id))


def _refusal(error: LotError) -> Response:
    """Whoever is deleted, forged or of an older epoch has lost its lease; everything else may pass."""
    is_final = isinstance(error, StaleEpochError | NotFoundError | UnauthenticatedError)
    return PlainTextResponse(str(error), 409 if is_final else 503)
