"""The same moves through Lot: over its HTTP API, to the first HTTP 200 at the preview address."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from lot.api.schemas.projects import NewProject, ProjectBody
from lot.api.schemas.sessions import NewFork, NewSession
from lot.bench.figures import Runs
from lot.client.client import LotClient
from lot.client.preview import PreviewClient
from lot.core.errors import BootFailedError, LotError, PauseFailedError, SetupCommandError
from lot.examples import vite_react

TIMEOUT_S = 120.0
BUILD_TIMEOUT_S = 1800.0
POLL_S = 0.01
VALUE = "started-from-the-disk"
BUILD_POLL_S = 0.2
REST_S = 2.0
"""A dev server goes on working after its first answer (Vite prepares dependencies); frozen in the middle of that, it
would finish it after the restore, and that would be measured instead."""
_SETTLED = ("Idle", "Errored")


def create_project(client: LotClient, source: str, *, with_memory: bool) -> ProjectBody:
    """Create the example project and wait for its snapshot.

    Args:
        client: The server.
        source: The repository.
        with_memory: Without, the dev server needs a variable's value, which no snapshot's memory may hold: such a
            snapshot is disk only.

    Raises:
        SetupCommandError: the snapshot failed, or is not of the wanted kind.
    """
    project = client.create_project(
        NewProject(
            source=source,
            name=f"bench-{'memory' if with_memory else 'disk'}-{uuid.uuid4().hex[:8]}",
            setup_command=vite_react.SETUP_COMMAND,
            dev_command=vite_react.DEV_COMMAND
            if with_memory
            else f'test "$LOT_BENCH" = {VALUE} && {vite_react.DEV_COMMAND}',
            port=vite_react.PORT,
            environment={} if with_memory else {"LOT_BENCH": VALUE},
            has_setup_session=False,
        )
    )
    project = wait_for_build(client, project)
    if project.snapshot is None or project.snapshot.has_memory != with_memory:
        raise SetupCommandError(f"the snapshot of the example is not as wanted: {project.snapshot}")
    return project


def wait_for_build(client: LotClient, project: ProjectBody) -> ProjectBody:
    """Return a project once its newest snapshot is ready.

    Raises:
        SetupCommandError: the build failed, or was not over in time.
    """
    until = time.monotonic() + BUILD_TIMEOUT_S
    while (project.snapshot is None or project.snapshot.state == "building") and time.monotonic() < until:
        time.sleep(BUILD_POLL_S)
        project = client.get_project(project.id)
    if project.snapshot is None or project.snapshot.state != "ready":
        raise SetupCommandError(f"the snapshot of {project.name} was not made: {project.snapshot}")
    return project


class MeasuredSession:
    """A session whose moves are timed, each to its app's first HTTP 200 where one is waited for."""

    def __init__(self, client: LotClient, id: str, preview: PreviewClient) -> None:
        self._client, self.id, self._preview = client, id, preview
        self.start_s = 0.0

    def pause(self) -> float:
        """Return the seconds until the session is paused."""
        began = time.monotonic()
        session = self._client.pause_session(self.id, TIMEOUT_S)
        seconds = time.monotonic() - began
        if session.sandbox != "paused":
            raise PauseFailedError(f"the session is {session.label}: {session.reason}")
        return seconds

    def resume(self) -> float:
        """Return the seconds until the app answers again.

        Raises:
            BootFailedError: it came back, but not from memory.
        """
        known = self._client.get_session(self.id).events
        time.sleep(REST_S)
        began = time.monotonic()
        self._client.resume_session(self.id)
        self._preview.wait_for_answer(TIMEOUT_S)
        seconds = time.monotonic() - began
        self.settle()
        events = self._client.list_events(self.id, known).events
        rungs = [body.event["rung"] for body in events if body.event["kind"] == "came_back"]
        if rungs != ["memory"]:
            raise BootFailedError(f"the session did not come back from memory: {rungs}")
        return seconds

    def fork(self) -> float:
        """Return the seconds until the fork's app answers; the fork is deleted again."""
        began = time.monotonic()
        child = self._client.fork_session(self.id, NewFork())
        try:
            with _preview(self._client, child.id) as preview:
                preview.wait_for_answer(TIMEOUT_S)
                return time.monotonic() - began
        finally:
            self._client.delete_session(child.id)

    def runner_memory_bytes(self) -> int:
        """Return the resident memory of the session's runner."""
        return self._client.get_usage(self.id).runner_memory_bytes

    def steps(self) -> set[str]:
        """Return the names of what was done when it started, once all of it is."""
        self.wait_until_idle()
        events = [body.event for body in self._client.list_events(self.id).events]
        return {str(event["step"]) for event in events if event["kind"] == "step_done"}

    def wait_until_idle(self) -> None:
        """Wait until the session is on, and all of its start or resume is done.

        Raises:
            BootFailedError: it did not come up.
        """
        until = time.monotonic() + TIMEOUT_S
        while (session := self._client.get_session(self.id)).label not in _SETTLED and time.monotonic() < until:
            time.sleep(POLL_S)
        if session.label != "Idle":
            raise BootFailedError(f"the session is {session.label}: {session.reason}")

    def settle(self) -> None:
        """Wait until the session is on and the app at rest; what is measured next begins from there."""
        self.wait_until_idle()
        time.sleep(REST_S)


@contextmanager
def noted(runs: Runs) -> Iterator[list[float]]:
    """Yield where a run's seconds go; what goes wrong in the block ends it, and is noted as one that failed."""
    try:
        yield runs.seconds
    except LotError as error:
        runs.failures.append(str(error))


@contextmanager
def started(client: LotClient, project: ProjectBody, size: str | None = None) -> Iterator[MeasuredSession]:
    """Start a session and time it to its app's first HTTP 200; delete it at the end of the block.

    Args:
        client: The server.
        project: Its snapshot is what the session starts from.
        size: By default the project's.
    """
    began = time.monotonic()
    made = client.create_session(NewSession(project=project.id, size=size, provider="rehearsal"))
    try:
        with _preview(client, made.id) as preview:
            preview.wait_for_answer(TIMEOUT_S)
            measured = MeasuredSession(client, made.id, preview)
            measured.start_s = time.monotonic() - began
            yield measured
    finally:
        client.delete_session(made.id)


@contextmanager
def session(client: LotClient, project: ProjectBody) -> Iterator[MeasuredSession]:
    """Start a session and time it; yield it once it is settled, delete it at the end of the block."""
    with started(client, project) as measured:
        measured.settle()
        yield measured


@contextmanager
def _preview(client: LotClient, session: str) -> Iterator[PreviewClient]:
    shown = client.get_session(session).preview
    if shown is None:
        raise BootFailedError(f"session {session} has no preview address")
    with PreviewClient(client.address, shown.url) as preview:
        yield preview
