"""Starts a session: boots its sandbox from the project's snapshot, syncs the newest code, starts the dev server."""

from collections.abc import Callable
from dataclasses import dataclass

from lot.core.events import Notice, SessionEvent, StepDone
from lot.core.records import Session, Snapshot
from lot.core.session import Trigger
from lot.engine.authors import author_of
from lot.engine.concurrently import concurrently
from lot.engine.dev_server import came_with_others, find_dev_order
from lot.engine.drift import changed_dependencies
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.engine.setup_command import SETUP_TIMEOUT_S, last_lines
from lot.runner.client import RunnerClient
from lot.runner.protocol import BringUpOrder, CommandOrder, Rung, Step, SyncOrder


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
    order = bring_up_order(parts, session, ladder(parts, session))
    newest, brought = await concurrently(
        lambda: parts.mirrors.fetch(project.id), lambda: holding.client.bring_up(order)
    )
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    # As late as can be: what is saved from here on needs a restart.
    environment = await parts.store.get_environment(project.id)
    is_outdated = came_with_others(session, snapshot, brought, environment)
    if brought.rung == "memory" and newest == snapshot.commit and not is_outdated:
        show()
    author = await author_of(parts, project)
    synced = await holding.client.sync(
        SyncOrder(
            base_branch=session.base_branch,
            session_branch=session.branch,
            newest_commit=newest,
            environment=environment.values,
            author_name=author.name,
            author_email=author.email,
        )
    )
    renewed = _Renewed()
    if not session.is_bare:
        renewed = await _install_changed(parts, snapshot, holding.client, synced.commit, environment.values)
    steps = [*brought.steps, *synced.steps, *renewed.steps]
    dev = await find_dev_order(parts, session, environment, restart=is_outdated or bool(renewed.steps))
    if dev is not None:
        await holding.client.start_dev(dev)
    return await moves.apply(
        session.id,
        sandbox=Trigger.BOOTED,
        epoch=holding.epoch,
        reason=brought.reason,
        events=[*step_events(parts, steps), *renewed.events],
        base_commit=synced.commit,
        memory_image=None,
        environment_version=environment.version,
    )


@dataclass(frozen=True, slots=True)
class _Renewed:
    """What was done because packages changed since the snapshot."""

    steps: tuple[Step, ...] = ()
    events: tuple[SessionEvent, ...] = ()


async def _install_changed(
    parts: Parts, snapshot: Snapshot, client: RunnerClient, commit: str, environment: dict[str, str]
) -> _Renewed:
    """Run the setup once more where the newest code asks for other packages; failing holds nobody up, and is said."""
    changed = await changed_dependencies(parts, snapshot, commit)
    if not changed or not snapshot.setup_command:
        return _Renewed()
    order = CommandOrder(
        name="install", command=snapshot.setup_command, environment=environment, timeout_s=SETUP_TIMEOUT_S
    )
    outcome = await client.run_command(order)
    names = ", ".join(changed)
    step = Step(step="install packages", seconds=outcome.seconds, detail=f"{names} changed since the snapshot")
    if outcome.exit_code == 0:
        return _Renewed((step,))
    text = (
        f"{names} changed since the snapshot, and the setup command `{snapshot.setup_command}` ended with exit code "
        f"{outcome.exit_code}: {last_lines(outcome.tail)}. The session goes on with the packages of the snapshot; the "
        "log `install` has it all"
    )
    return _Renewed((step,), (Notice(at=parts.now(), text=text),))


def bring_up_order(parts: Parts, session: Session, rungs: tuple[Rung, ...]) -> BringUpOrder:
    """Return what a session's sandbox is made of.

    Raises:
        LotError: its base image is gone.
    """
    return BringUpOrder(
        layers=parts.folders.session_layers(session),
        upper=str(parts.folders.layer(session.upper)),
        cpus=session.cpus,
        memory_bytes=session.memory_bytes,
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
