"""The engine: what users may do with projects and sessions, each carried out once; owner of all workers and timers."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import anyio
import structlog
from anyio.abc import TaskGroup

from lot.core.errors import (
    CallerError,
    InvalidInputError,
    LotError,
    NotFoundError,
    ProjectNotReadyError,
    SandboxUnavailableError,
    StaleWriteError,
    TransitionNotAllowedError,
    UnavailableError,
)
from lot.core.events import Forked, Notice, SessionEvent, StateChanged
from lot.core.ids import LayerId, MessageId, ProjectId, SandboxId, SessionId, new_id
from lot.core.pausing import PauseReason
from lot.core.records import Delivery, Lease, Message, Project, PullRequest, Session, Snapshot, StoredDiff
from lot.core.session import AgentState, SandboxState, Trigger, label
from lot.engine.building import Builds
from lot.engine.bus import follow
from lot.engine.dev_server import restart_dev_server
from lot.engine.diffs import keep_diff
from lot.engine.logs import kept_log, read_log
from lot.engine.moves import Moves, reason_to_keep
from lot.engine.parts import Parts
from lot.engine.pausing import BEING_FORKED
from lot.engine.pull_requests import PullRequests
from lot.engine.reaping import reap_folders, reap_runners, reap_sandboxes
from lot.engine.worker import SessionWorker
from lot.runner.client import RunnerClient
from lot.sandbox.driver import SIZES

logger = structlog.get_logger(__name__)

TICK_S = 0.5
EXTEND_STEP_S = 10.0
"""Use of a session moves its due time at most this often."""
CRASHED_WORKER_WAIT_S = 1.0
SHUTDOWN_PAUSE_S = 120.0
"""The longest that an orderly stop waits for sessions to be paused."""
DELETE_LIMIT_S = 60.0
CLIENT_WAIT_S = 10.0
PREVIEW_WAIT_S = 2.0
"""A browser rather waits so long for a session that is on its way than for a page that asks again in a second."""


class Engine:
    """Everything that a user or a timer sets going. Made and opened by `compose.py`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._moves = Moves(parts)
        self._workers: dict[SessionId, SessionWorker] = {}
        self._group: TaskGroup | None = None
        self.pull_requests = PullRequests(parts, self._moves)
        self.builds = Builds(parts, self._start_soon)

    @asynccontextmanager
    async def running(self, *, pause_on_stop: bool) -> AsyncIterator[None]:
        """Run the engine for the length of the block.

        Goes on with what an earlier control plane left: adopts sessions, finishes moves, reaps orphans.

        Args:
            pause_on_stop: Whether to pause every session at the end (an orderly stop) or leave them running.
        """
        await self.parts.fleet.open()
        await reap_runners(self.parts)
        await reap_sandboxes(self.parts)
        await reap_folders(self.parts)
        try:
            async with anyio.create_task_group() as self._group:
                for session in await self.parts.store.list_sessions():
                    self._worker(session.id)
                await self.builds.take_up()
                self._group.start_soon(self._keep_time)
                try:
                    yield
                finally:
                    with anyio.CancelScope(shield=True):
                        if pause_on_stop:
                            await self._pause_all()
                    self._group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self.parts.fleet.close()

    async def create_project(
        self, *, source: str, name: str | None, branch: str | None, environment: Mapping[str, str], **settings: Any
    ) -> Project:
        """Mirror a repository, store the project, and start building its snapshot.

        Raises:
            RepositoryError: unreachable, empty, or without that branch. InvalidInputError: a bad name or size.
        """
        if settings["size"] not in SIZES:
            raise InvalidInputError(f"size {settings['size']!r} is unknown; use one of {', '.join(SIZES)}")
        project_id = ProjectId(new_id())
        name = name or _name_of(source)
        if any(project.name == name for project in await self.parts.store.list_projects()):
            raise InvalidInputError(f"a project named {name} exists already; give another with --name")
        head = await self.parts.mirrors.create(project_id, source, branch)
        project = Project(
            id=project_id,
            name=name,
            source=source,
            branch=head.branch,
            created_at=self.parts.now(),
            **settings,
        )
        try:
            await self.parts.store.add_project(project, environment)
        except LotError:
            await self.parts.mirrors.delete(project_id)
            raise
        await self.builds.begin(project)
        return project

    async def redo_setup(self, project_id: ProjectId) -> Snapshot:
        """Build a new snapshot from a clean base; the last good one serves until it is ready."""
        return await self.builds.begin(await self.parts.store.get_project(project_id))

    async def delete_project(self, project_id: ProjectId, *, cascade: bool) -> None:
        """Delete a project with its snapshots and mirror; with `cascade` also its sessions."""
        sessions = await self.parts.store.list_sessions(project_id)
        if sessions and not cascade:
            raise CallerError(f"the project still has {len(sessions)} sessions; delete them first, or use --cascade")
        for session in sessions:
            await self.delete_session(session.id)
        await self.builds.cancel(project_id)
        await self.parts.store.delete_project(project_id, cascade=True)
        await self.parts.mirrors.delete(project_id)
        await reap_folders(self.parts)

    async def create_session(
        self,
        project: Project,
        *,
        title: str | None,
        message: tuple[MessageId, str] | None,
        size: str | None,
        provider: str | None,
        model: str | None,
    ) -> Session:
        """Start a session from the project's newest ready snapshot; a first message is kept until it is on.

        Raises:
            ProjectNotReadyError: there is no snapshot yet. InvalidInputError: there is no such provider.
        """
        snapshot = await self.parts.store.current_snapshot(project.id)
        if snapshot is None:
            raise ProjectNotReadyError(
                f"project {project.name} has no snapshot yet; wait for its setup, or retry it if it failed"
            )
        provider = provider or self.parts.settings.provider
        model = model or self.parts.settings.model or self.parts.get_provider(provider).models[0]
        session_id = SessionId(new_id())
        now = self.parts.now()
        title = title or (_title_of(message[1]) if message else "New session")
        session = Session(
            id=session_id,
            project_id=project.id,
            snapshot_id=snapshot.id,
            parent_id=None,
            title=title,
            agent=AgentState.IDLE,
            sandbox_state=SandboxState.BOOTING,
            reason=None,
            version=1,
            lease=Lease(),
            sandbox=SandboxId(session_id),
            size=size or project.size,
            provider=provider,
            model=model,
            base_image=snapshot.base_image,
            layers=(snapshot.layer,),
            upper=LayerId(new_id()),
            memory_image=snapshot.memory_image,
            candidate_image=None,
            candidate_epoch=None,
            base_branch=project.branch,
            base_commit=None,
            branch=_branch_of(title, session_id),
            agent_session=None,
            agent_run=0,
            agent_offset=0,
            pause_at=None,
            pause_reason=None,
            is_used=False,
            events=0,
            created_at=now,
            changed_at=now,
        )
        await self.parts.store.add_session(session, [self._told(session)])
        if message is not None:
            await self._add_message(session_id, *message)
        self._worker(session_id)
        return await self.parts.store.get_session(session_id)

    async def send(self, session_id: SessionId, message_id: MessageId, text: str) -> Message:
        """Keep a message and have it delivered exactly once, whatever state the session is in.

        The same id again does nothing. A session that is off wakes up for it.
        """
        message = await self._add_message(session_id, message_id, text)
        self._worker(session_id).wake()
        return message

    async def stop_turn(self, session_id: SessionId) -> Session:
        """Stop the running turn and the commands that it started."""
        session = await self.parts.store.get_session(session_id)
        if session.agent not in (AgentState.RUNNING, AgentState.WAITING):
            raise TransitionNotAllowedError(f"the agent is {session.agent}", "stop")
        await self.client_of(session_id).interrupt()
        return session

    async def pause(self, session_id: SessionId, reason: str = "paused by hand") -> Session:
        """Pause a session that is on; nothing happens when it is paused already."""
        session = await self.parts.store.get_session(session_id)
        if session.sandbox_state in (SandboxState.PAUSED, SandboxState.PAUSING):
            return session
        moved = await self._moves.apply(session_id, sandbox=Trigger.PAUSE_DUE, reason=reason)
        self._worker(session_id).wake()
        return moved or session

    async def resume(self, session_id: SessionId) -> Session:
        """Wake a session without starting its agent; nothing happens when it is on or on its way."""
        session = await self.parts.store.get_session(session_id)
        trigger = {SandboxState.PAUSED: Trigger.RESUME_ASKED, SandboxState.ABSENT: Trigger.BOOT_ASKED}.get(
            session.sandbox_state
        )
        if trigger is None and session.sandbox_state is not SandboxState.PAUSING:
            return session
        if trigger is None:
            await self.wait_until(session_id, lambda seen: seen.sandbox_state is not SandboxState.PAUSING, 60.0)
            return await self.resume(session_id)
        moved = await self._moves.apply(
            session_id,
            sandbox=trigger,
            reason=reason_to_keep(session),
            only_if=lambda seen: seen.sandbox_state in (SandboxState.PAUSED, SandboxState.ABSENT),
        )
        self._worker(session_id).wake()
        return moved or await self.parts.store.get_session(session_id)

    async def keep_awake(self, session_id: SessionId, until: datetime) -> Session:
        """Do not pause a session for being idle before `until`; never shortens what is left."""
        kept = await self._moves.apply(
            session_id,
            only_if=lambda seen: (
                seen.sandbox_state is SandboxState.ON and (seen.pause_at is None or seen.pause_at < until)
            ),
            pause_at=until,
            pause_reason=PauseReason.KEPT_AWAKE,
        )
        return kept or await self.parts.store.get_session(session_id)

    async def extend(self, session_id: SessionId, reason: str) -> None:
        """Begin the idle countdown anew because somebody uses the session; often called, seldom written."""
        session = await self.parts.store.get_session(session_id)
        until = self.parts.now() + timedelta(seconds=self.parts.settings.idle_countdown_s)
        is_due_later = session.pause_at is None or session.pause_at > until - timedelta(seconds=EXTEND_STEP_S)
        if session.sandbox_state is not SandboxState.ON or session.agent is AgentState.RUNNING or is_due_later:
            return
        with contextlib.suppress(StaleWriteError):
            await self.parts.store.change_session(
                session_id, seen_version=session.version, now=self.parts.now(), pause_at=until, pause_reason=reason
            )

    async def fork(self, session_id: SessionId, title: str | None) -> Session:
        """Make a second session with the same memory, disk and transcript; both go on.

        The parent is paused for a moment: its disk becomes a layer that both share, its image is what both resume.

        Raises:
            TransitionNotAllowedError: the session is only just starting.
        """
        parent = await self.parts.store.get_session(session_id)
        if parent.sandbox_state in (SandboxState.ABSENT, SandboxState.BOOTING):
            raise TransitionNotAllowedError(f"the sandbox is {parent.sandbox_state}", "fork")
        was_on = parent.sandbox_state is not SandboxState.PAUSED
        child: Session | None = None
        while child is None:
            parent = await self._paused(session_id, BEING_FORKED)
            async with self._worker(session_id).acting:
                child = await self._split(parent.id, title)
        self._worker(child.id)
        await self.resume(child.id)
        if was_on:
            await self.resume(parent.id)
        return await self.parts.store.get_session(child.id)

    async def delete_session(self, session_id: SessionId) -> None:
        """Delete a session for good: its rows first, so that nothing can revive it, then all it held on the host."""
        session = await self.parts.store.get_session(session_id)
        worker = self._workers.pop(session_id, None)
        attachment = worker.attachment if worker else None
        await self.parts.store.delete_session(session_id)
        self.parts.bus.publish(session_id)
        with anyio.move_on_after(DELETE_LIMIT_S, shield=True):
            if worker is not None:
                await worker.stop()
            if attachment is not None:
                await self._quietly(attachment.holding.client.destroy_sandbox)
            runners = await self.parts.fleet.list_runners()
            for handle in runners:
                await self._stop_if_serving(handle.runner, session)
            await self.parts.fleet.reap_sandbox(session.sandbox)
            await self.parts.mirrors.delete_session_refs(session.project_id, session_id)
            await reap_folders(self.parts)

    async def wait_until(self, session_id: SessionId, is_reached: Callable[[Session], bool], wait_s: float) -> Session:
        """Return the session once `is_reached`, or as it is when the time is over."""
        session = await self.parts.store.get_session(session_id)
        with anyio.move_on_after(wait_s):
            while not is_reached(session):
                ticket = self.parts.bus.ticket(session_id)
                session = await self.parts.store.get_session(session_id)
                if is_reached(session):
                    break
                await ticket.wait()
        return session

    def follow(self, session_id: SessionId, after: int) -> AsyncIterator[Any]:
        """Yield the session's events from number `after + 1` on, then what comes."""
        return follow(self.parts.store, self.parts.bus, session_id, after)

    def client_of(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session that is on.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        worker = self._workers.get(session_id)
        if worker is None or worker.attachment is None or worker.attachment.lost is not None:
            raise SandboxUnavailableError(f"the sandbox of session {session_id} is not on; resume it first")
        return worker.attachment.holding.client

    async def diff(self, session_id: SessionId) -> tuple[StoredDiff, bool]:
        """Return the session's diff and whether it is live; while it is off, the last that was computed.

        Raises:
            NotFoundError: there is none yet.
        """
        session = await self.parts.store.get_session(session_id)
        try:
            return await keep_diff(self.parts, session, self.client_of(session_id)), True
        except UnavailableError:
            kept = await self.parts.store.find_diff(session_id)
        if kept is None:
            raise NotFoundError(f"session {session_id} has no diff yet; it is computed when the session is on")
        return kept, False

    async def logs(self, session_id: SessionId, process: str) -> bytes:
        """Return what a process printed, live or as it was at the last pause."""
        await self.parts.store.get_session(session_id)
        try:
            return await read_log(self.client_of(session_id), process)
        except UnavailableError:
            return await kept_log(self.parts, session_id, process)

    async def restart_dev_server(self, session_id: SessionId) -> None:
        """End the session's dev server and start it again."""
        session = await self.parts.store.get_session(session_id)
        await restart_dev_server(self.parts, session, self.client_of(session_id))

    async def publish(self, session_id: SessionId, title: str | None, body: str | None) -> PullRequest:
        """Open or update the session's pull request; a paused session is resumed for it."""
        await self.resume(session_id)
        session = await self.wait_until(
            session_id, lambda seen: seen.sandbox_state not in (SandboxState.RESUMING, SandboxState.BOOTING), 120.0
        )
        return await self.pull_requests.publish(session, await self.client_soon(session_id), title, body)

    async def client_soon(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session that is on, waiting a moment where it has only just come on.

        Raises:
            SandboxUnavailableError: it is not on. NotFoundError: there is no such session.
        """
        await self._wait_for_client(session_id, (SandboxState.ON,), CLIENT_WAIT_S, lambda worker: worker.attachment)
        return self.client_of(session_id)

    async def preview_client(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session as soon as its app can be seen, waiting a moment where it is on its way.

        Raises:
            SandboxUnavailableError: it is not to be seen. NotFoundError: there is no such session.
        """
        on_its_way = (SandboxState.ON, SandboxState.BOOTING, SandboxState.RESUMING)
        await self._wait_for_client(session_id, on_its_way, PREVIEW_WAIT_S, lambda worker: worker.shown)
        worker = self._workers.get(session_id)
        return worker.shown if worker is not None and worker.shown is not None else self.client_of(session_id)

    async def _wait_for_client(
        self,
        session_id: SessionId,
        states: Sequence[SandboxState],
        wait_s: float,
        find: Callable[[SessionWorker], object | None],
    ) -> None:
        """Wait while the session is in one of `states`, until its worker has what is looked for."""
        with anyio.move_on_after(wait_s):
            while True:
                ticket = self.parts.bus.ticket(session_id)
                is_expected = (await self.parts.store.get_session(session_id)).sandbox_state in states
                worker = self._workers.get(session_id)
                if not is_expected or (worker is not None and find(worker) is not None):
                    return
                await ticket.wait()

    def _start_soon(self, function: Callable[..., Any], *arguments: Any) -> None:
        if self._group is None:
            raise UnavailableError("the engine is not running; start Lot with `lot up`")
        self._group.start_soon(function, *arguments)

    def _worker(self, session_id: SessionId) -> SessionWorker:
        worker = self._workers.get(session_id)
        if worker is None:
            worker = self._workers[session_id] = SessionWorker(self.parts, self._moves, session_id)
            self._start_soon(self._run_worker, worker, session_id)
        return worker

    async def _run_worker(self, worker: SessionWorker, session_id: SessionId) -> None:
        """Run a worker; one that failed by a defect of ours is logged and started anew, so that no session is stuck."""
        try:
            await worker.run()
        except Exception:
            logger.exception("session worker failed", session_id=session_id)
            await anyio.sleep(CRASHED_WORKER_WAIT_S)
            if self._workers.get(session_id) is worker:
                del self._workers[session_id]
                self._worker(session_id)

    async def _keep_time(self) -> None:
        """Pause what is due. Due times are stored, so that a restart loses none."""
        while True:
            await anyio.sleep(TICK_S)
            try:
                await self._pause_due()
            except Exception:
                logger.exception("timer failed")

    async def _pause_due(self) -> None:
        now = self.parts.now()
        for session in await self.parts.store.due_sessions(now):
            if await self.parts.store.kept_messages(session.id):
                self._worker(session.id).wake()
                continue
            moved = await self._moves.apply(
                session.id,
                sandbox=Trigger.PAUSE_DUE,
                reason=session.pause_reason,
                only_if=lambda seen: (
                    seen.sandbox_state is SandboxState.ON and seen.pause_at is not None and seen.pause_at <= now
                ),
            )
            if moved is not None:
                self._worker(session.id).wake()

    async def _pause_all(self) -> None:
        """Pause every session that is on, as many at once as the host has cores to do it well."""
        limiter = anyio.CapacityLimiter(2)
        with anyio.move_on_after(SHUTDOWN_PAUSE_S):
            async with anyio.create_task_group() as group:
                for session in await self.parts.store.list_in_sandbox_states([SandboxState.ON, SandboxState.PAUSING]):
                    group.start_soon(self._pause_for_stop, session.id, limiter)

    async def _pause_for_stop(self, session_id: SessionId, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            try:
                await self._paused(session_id, "Lot was stopped")
            except LotError as error:
                logger.warning("session could not be paused", session_id=session_id, error=str(error))

    async def _paused(self, session_id: SessionId, reason: str) -> Session:
        """Pause a session and return it once it is; a refusal is raised."""
        await self.wait_until(
            session_id,
            lambda seen: seen.sandbox_state not in (SandboxState.RESUMING, SandboxState.BOOTING),
            60.0,
        )
        await self.pause(session_id, reason)
        session = await self.wait_until(session_id, lambda seen: seen.sandbox_state is not SandboxState.PAUSING, 120.0)
        if session.sandbox_state is SandboxState.ON:
            raise UnavailableError(session.reason or "the session could not be paused; try again")
        return session

    async def _split(self, parent_id: SessionId, title: str | None) -> Session | None:
        """Give a paused parent and its new child a shared layer and an upper each; None when it was woken meanwhile."""
        parent = await self.parts.store.get_session(parent_id)
        if parent.sandbox_state is not SandboxState.PAUSED:
            return None
        layers = (*parent.layers, parent.upper)
        changed = await self._moves.apply(
            parent_id,
            reason=parent.reason,
            only_if=lambda seen: seen.version == parent.version,
            layers=layers,
            upper=LayerId(new_id()),
        )
        if changed is None:
            return None
        child_id = SessionId(new_id())
        now = self.parts.now()
        child_title = title or f"Fork of {parent.title}"
        child = Session(
            id=child_id,
            project_id=parent.project_id,
            snapshot_id=parent.snapshot_id,
            parent_id=parent.id,
            title=child_title,
            agent=parent.agent,
            sandbox_state=SandboxState.PAUSED,
            reason=None,
            version=1,
            lease=Lease(),
            sandbox=SandboxId(child_id),
            size=parent.size,
            provider=parent.provider,
            model=parent.model,
            base_image=parent.base_image,
            layers=layers,
            upper=LayerId(new_id()),
            memory_image=changed.memory_image,
            candidate_image=None,
            candidate_epoch=None,
            base_branch=parent.base_branch,
            base_commit=parent.base_commit,
            branch=_branch_of(child_title, child_id),
            agent_session=parent.agent_session,
            agent_run=parent.agent_run,
            agent_offset=parent.agent_offset,
            pause_at=None,
            pause_reason=None,
            is_used=parent.is_used,
            events=0,
            created_at=now,
            changed_at=now,
        )
        await self.parts.store.add_session(child, [])
        await self.parts.store.copy_transcript(parent.id, child_id, changed.events)
        await self._moves.tell(
            child_id, Forked(at=now, parent_id=parent.id, parent_event=changed.events), self._told(child)
        )
        await self._moves.tell(parent.id, Notice(at=now, text=f"forked into session {child_id}"))
        return child

    async def _add_message(self, session_id: SessionId, message_id: MessageId, text: str) -> Message:
        now = self.parts.now()
        message, is_new, _ = await self.parts.store.add_message(
            Message(id=message_id, session_id=session_id, text=text, delivery=Delivery.KEPT, created_at=now), now
        )
        if is_new:
            self.parts.bus.publish(session_id)
        return message

    async def _stop_if_serving(self, runner: Any, session: Session) -> None:
        found = await self.parts.fleet.find(runner)
        if found is None:
            return
        try:
            state = await found[1].state()
        except LotError:
            return
        if state.assignment_id == session.id:
            await self.parts.fleet.stop(runner)

    async def _quietly(self, call: Callable[[], Any]) -> None:
        try:
            await call()
        except LotError as error:
            logger.info("ignored while deleting", error=str(error))

    def _told(self, session: Session) -> SessionEvent:
        return StateChanged(
            at=session.created_at,
            agent=session.agent,
            sandbox=session.sandbox_state,
            label=label(session.agent, session.sandbox_state),
            reason=session.reason,
        )


def _name_of(source: str) -> str:
    """Return a project's name from its repository: the last path element without `.git`."""
    name = re.sub(r"\.git/*$", "", source.rstrip("/")).replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "project"


def _title_of(text: str) -> str:
    """Return a session's title from its first message."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "New session")
    return first if len(first) <= 60 else first[:59].rstrip() + "…"


def _branch_of(title: str, session_id: SessionId) -> str:
    """Return a session's branch, `lot/<slug>-<id>`: fixed when the session starts."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    return f"lot/{slug or 'session'}-{session_id}"
