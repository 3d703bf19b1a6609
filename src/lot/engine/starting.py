"""Starts a session: boots its sandbox from the project's snapshot, syncs the newest code, starts the dev server."""

from collections.abc import Callable

from lot.core.events import SessionEvent, StepDone
from lot.core.records import Session
from lot.core.session import Trigger
from lot.engine.concurrently import concurrently
from lot.engine.dev_server import find_dev_order
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.runner.protocol import BringUpOrder, Rung, Step, SyncOrder


async def start_session(
    parts: Parts, moves: Moves, session: Session, holding: Holding, show: Callable[[], None]
) -> Session | None:
    """Carry out BOOTING with a runner that holds the lease; return the session, now on.

    Args:
        show: Called before the rest is done, if what came up serves the newest code already.

    Raises:
        LotError: it did not come up; the session's state is unchanged.
    """
    project = await parts.store.get_project(session.project_id)
    environment = await parts.store.get_environment(project.id)
    order = bring_up_order(parts, session, ladder(parts, session))
    newest, brought = await concurrently(
        lambda: parts.mirrors.fetch(project.id), lambda: holding.client.bring_up(order)
    )
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    if brought.rung == "memory" and newest == snapshot.commit:
        show()
    synced = await holding.client.sync(
        SyncOrder(
            base_branch=session.base_branch,
            session_branch=session.branch,
            newest_commit=newest,
            environment=environment,
        )
    )
    steps = [*brought.steps, *synced.steps]
    dev = await find_dev_order(parts, session)
    if dev is not None:
        await holding.client.start_dev(dev)
    return await moves.apply(
        session.id,
        sandbox=Trigger.BOOTED,
        epoch=holding.epoch,
        reason=brought.reason,
        events=step_events(parts, steps),
        base_commit=synced.commit,
        memory_image=None,
    )


def bring_up_order(parts: Parts, session: Session, rungs: tuple[Rung, ...]) -> BringUpOrder:
    """Return what a session's sandbox is made of.

    Raises:
        LotError: its base image is gone.
    """
    return BringUpOrder(
        layers=parts.folders.session_layers(session),
        upper=str(parts.folders.layer(session.upper)),
        size=session.size,
        rungs=rungs,
        environment=dict(parts.images.environment(session.base_image)),
    )


def ladder(parts: Parts, session: Session) -> tuple[Rung, ...]:
    """Return the ways to bring a session's sandbox up, best first."""
    memory = session.memory_image
    image = (Rung(kind="memory", image=str(parts.folders.image(memory))),) if memory is not None else ()
    return (Rung(kind="adopt"), *image, Rung(kind="disk"))


def step_events(parts: Parts, steps: list[Step]) -> list[SessionEvent]:
    """Return the events that tell of steps."""
    return [StepDone(at=parts.now(), step=step.step, seconds=step.seconds, detail=step.detail) for step in steps]
