"""Brings a runner and a session (or a snapshot's build) together: the lease is claimed, then the runner is told."""

from dataclasses import dataclass

import structlog
from anyio import move_on_after

from lot.core.errors import LotError, RunnerGoneError
from lot.core.ids import RunnerId, SandboxId, SessionId, SnapshotId
from lot.core.records import Lease
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient
from lot.runner.protocol import Assignment, SubjectKind

logger = structlog.get_logger(__name__)

RELEASE_TIMEOUT_S = 20.0

Subject = SessionId | SnapshotId
"""What a lease is about."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A runner that holds the lease of a session or build, and the epoch it does so under."""

    client: RunnerClient
    runner: RunnerId
    epoch: int
    is_on: bool = False
    """Whether its sandbox was on when the runner was found; a fresh runner has none."""


async def take_over(parts: Parts, kind: SubjectKind, subject: Subject, sandbox: SandboxId, lease: Lease) -> Holding:
    """Return the runner that serves a subject already, or claim the subject for a fresh one.

    Raises:
        LeaseHeldError: an owner that cannot be proved dead may still act; try again when its lease is over.
        UnavailableError: no runner could be started.
    """
    if lease.owner is not None:
        present = await _find_present(parts, kind, subject, lease.owner, lease.epoch)
        if present is not None:
            return present
        await parts.fleet.stop(lease.owner)
        if await parts.fleet.is_dead(lease.owner):
            await parts.store.release(kind, subject, lease.epoch)
    handle, client = await parts.fleet.take()
    try:
        epoch = await parts.store.claim(kind, subject, lease.epoch, handle.runner)
        await client.assign(
            Assignment(
                kind=kind,
                id=subject,
                epoch=epoch,
                sandbox=sandbox,
                runner=handle.runner,
                pass_token=parts.passes.issue(kind, subject, epoch),
            )
        )
    except BaseException:
        # Cancelled or refused: nobody else would ever use, or end, a runner that was taken.
        with move_on_after(RELEASE_TIMEOUT_S, shield=True):
            await parts.fleet.stop(handle.runner)
        raise
    return Holding(client, handle.runner, epoch)


async def find_holding(parts: Parts, kind: SubjectKind, subject: Subject, lease: Lease) -> Holding | None:
    """Return the live runner that serves a subject under its present epoch, or None."""
    if lease.owner is None:
        return None
    return await _find_present(parts, kind, subject, lease.owner, lease.epoch)


async def _find_present(
    parts: Parts, kind: SubjectKind, subject: Subject, owner: RunnerId, epoch: int
) -> Holding | None:
    found = await parts.fleet.find(owner)
    if found is None:
        return None
    _, client = found
    try:
        state = await client.state()
    except RunnerGoneError:
        return None
    if (state.assignment_kind, state.assignment_id, state.epoch) != (kind, subject, epoch):
        return None
    return Holding(client, owner, epoch, state.sandbox_is_on)


async def let_go(
    parts: Parts, kind: SubjectKind, subject: Subject, holding: Holding, *, destroy: SandboxId | None = None
) -> None:
    """End a runner, give its lease back; with `destroy` end that sandbox too. Bounded, repeatable."""
    with move_on_after(RELEASE_TIMEOUT_S, shield=True):
        try:
            if destroy is not None:
                await holding.client.destroy_sandbox()
            await holding.client.retire()
            await holding.client.close()
        except LotError as error:
            logger.warning("runner did not retire in order", runner_id=holding.runner, error=str(error))
        await parts.fleet.stop(holding.runner)
        if destroy is not None:
            await parts.fleet.reap_sandbox(destroy)
        try:
            await parts.store.release(kind, subject, holding.epoch)
        except LotError as error:
            logger.info("lease was not ours to release", subject=subject, error=str(error))
