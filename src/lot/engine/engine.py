"""The engine: what users may do with projects and sessions, handed to whose subject it is; orderly start and stop."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import anyio

from lot.core.asks import Answer
from lot.core.budgets import BudgetName
from lot.core.commands import require_dev_command
from lot.core.defaults import KnownDefaults
from lot.core.environment import Environment
from lot.core.errors import (
    CallerError,
    NotFoundError,
    TransitionNotAllowedError,
)
from lot.core.events import ModelRetried
from lot.core.ids import AskId, MessageId, ProjectId, SessionId
from lot.core.records import Ask, Attachment, Message, Project, PullRequest, Session, Snapshot, StoredDiff
from lot.core.session import SandboxState
from lot.engine.budgets import find_reached
from lot.engine.building import Builds
from lot.engine.bus import Told, follow
from lot.engine.conversation import Conversation
from lot.engine.creating import Draft, SessionOptions, create_project, create_session
from lot.engine.defaults import choose_defaults, know_defaults, read_defaults
from lot.engine.deleting import free
from lot.engine.detecting import log_text
from lot.engine.dev_server import restart_dev_server
from lot.engine.diffs import FilePatch
from lot.engine.drift import Drift
from lot.engine.environment import Edit, change_environment
from lot.engine.forking import split
from lot.engine.git_accounts import GitAccounts
from lot.engine.limits import Limits
from lot.engine.looking import Looking
from lot.engine.meter import Meter
from lot.engine.model_keys import ModelKeys
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.pausing import BEING_FORKED
from lot.engine.ports import SessionPort
from lot.engine.project_doctor import Finding, examine
from lot.engine.projects import change_project
from lot.engine.pull_requests import PullRequests
from lot.engine.reaping import reap_folders, reap_runners, reap_sandboxes
from lot.engine.settings import change_session
from lot.engine.setup_sessions import SetupSessions
from lot.engine.setup_story import SetupStory
from lot.engine.sleeping import Sleeping
from lot.engine.stopping import Stopping
from lot.engine.timer import Timer
from lot.engine.waiting import wait_until
from lot.engine.workers import Workers
from lot.runner.client import RunnerClient
from lot.runner.protocol import ProcessBody


class Engine:
    """Everything that a user or a timer sets going. Made and opened by `compose.py`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._moves = Moves(parts)
        self._workers = Workers(parts, self._moves)
        self.pull_requests = PullRequests(parts, self._moves)
        self.git_accounts = GitAccounts(parts)
        self.model_keys = ModelKeys(parts)
        self.meter = Meter(parts)
        self._story = SetupStory(parts, self._moves, lambda session_id: self._workers.ensure(session_id).wake())
        self.builds = Builds(parts, self._story, self._workers.start_soon)
        self._drift = Drift(parts, self.builds.begin)
        self.setups = SetupSessions(parts, self.builds)
        self._sleeping = Sleeping(parts, self._moves, self._workers.ensure)
        self._stopping = Stopping(
            parts, self._moves, self._workers.ensure, self._sleeping.resume, self._workers.start_soon
        )
        self._limits = Limits(parts, self._moves, self._stopping.interrupt, self._workers.start_soon)
        self._looking = Looking(parts, self._workers.client_of)
        self._timer = Timer(parts, self._moves, self._limits, self._workers.ensure)
        self._conversation = Conversation(parts, self._moves, self._workers.ensure)

    @asynccontextmanager
    async def running(self, *, pause_on_stop: bool) -> AsyncIterator[None]:
        """Run the engine for the length of the block.

        Goes on with what an earlier control plane left: adopts sessions, finishes moves, reaps orphans.

        Args:
            pause_on_stop: Whether to pause every session at the end (an orderly stop) or leave them running.
        """
        await self.model_keys.take_up()
        await self.parts.fleet.open()
        await reap_runners(self.parts)
        await reap_sandboxes(self.parts)
        await reap_folders(self.parts)
        try:
            async with anyio.create_task_group() as group:
                self._workers.run_in(group)
                for session in await self.parts.store.list_sessions():
                    self._workers.ensure(session.id)
                await self._story.settle()
                await self.builds.take_up()
                group.start_soon(self._timer.run)
                group.start_soon(self.meter.run)
                group.start_soon(self._drift.run)
                try:
                    yield
                finally:
                    with anyio.CancelScope(shield=True):
                        if pause_on_stop:
                            await self._sleeping.pause_all()
                    group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self.parts.fleet.close()

    async def know_defaults(self) -> KnownDefaults:
        """Return what new sessions and projects start from, and what of it users have chosen."""
        return await know_defaults(self.parts)

    async def choose_defaults(self, choices: Mapping[str, Any], provider: str | None = None) -> KnownDefaults:
        """Change what new sessions and projects start from; raises as `defaults.choose_defaults` does."""
        return await choose_defaults(self.parts, choices, provider)

    async def create_project(self, *, has_setup_session: bool = True, **wanted: Any) -> Project:
        """Mirror a repository, store the project, and start to set it up, with a session in which one can follow that.

        Where nobody gave commands an agent does that, if a model can be asked; else what its files say is built.

        Args:
            has_setup_session: False: just build, by the commands given or by what the files say.
            wanted: See `creating.create_project`, which says what is raised.
        """
        project, proposal = await create_project(self.parts, **wanted)
        self.parts.bus.overview.project(project.id)
        provider = self.parts.get_provider((await read_defaults(self.parts)).model.provider)
        log = log_text(proposal) if proposal else ""
        if not has_setup_session:
            await self.builds.begin(project, log=log)
        elif proposal is not None and not provider.is_scripted and provider.readiness() is None:
            options = SessionOptions(title=f"Set up {project.name}")
            await self.begin_setup(project, options, None, (*proposal.reasons, *proposal.notes))
        else:
            session, snapshot = await self.setups.follow_build(project, log)
            self._workers.ensure(session.id)
            self.builds.launch(snapshot)
        return project

    async def change_project(self, project_id: ProjectId, changes: Mapping[str, Any]) -> Project:
        """Change what a project is set to; what waited for a budget goes on. Raises as `projects.change_project`."""
        require_dev_command(await self.parts.store.get_project(project_id), changes)
        project = await change_project(self.parts, project_id, changes)
        self.parts.bus.overview.project(project_id)
        for session in await self.parts.store.list_sessions(project_id):
            self.parts.bus.overview.session(session.id)
            self._workers.ensure(session.id).wake()
        return project

    async def change_environment(
        self, project_id: ProjectId, edit: Edit, seen_version: int | None = None
    ) -> tuple[Environment, list[Session]]:
        """Change a project's environment; nothing is restarted by that. Raises as `environment.change_environment`.

        Returns it as it is now, and the sessions whose dev server has other values.
        """
        changed = await change_environment(self.parts, self._moves, project_id, edit, seen_version)
        self.parts.bus.overview.project(project_id)
        for session in await self.parts.store.list_sessions(project_id):
            # One that is told nothing may have had other values until now.
            self.parts.bus.overview.session(session.id)
        return changed

    async def redo_setup(self, project_id: ProjectId) -> Snapshot:
        """Build a new snapshot from a clean base; the last good one serves until it is ready."""
        return await self.builds.begin(await self.parts.store.get_project(project_id))

    async def begin_setup(
        self, project: Project, options: SessionOptions, guidance: str | None, seen: Sequence[str] = ()
    ) -> Session:
        """Start a session in which an agent sets a project up; see `SetupSessions.begin`."""
        session = await self.setups.begin(project, options, guidance, seen)
        self._tell_new(session)
        self._workers.ensure(session.id)
        return await self.parts.store.get_session(session.id)

    async def examine_project(self, project: Project) -> list[Finding]:
        """Look whether sessions can start from a project's snapshot, by starting one that is deleted again."""
        return await examine(self.parts, self._drift, self, project)

    async def delete_project(self, project_id: ProjectId, *, cascade: bool) -> None:
        """Delete a project with its snapshots and mirror; with `cascade` also its sessions.

        A setup session that nobody wrote to goes with it.
        """
        sessions = await self.parts.store.list_sessions(project_id)
        others = [session for session in sessions if session.is_used or not session.is_setup]
        if others and not cascade:
            raise CallerError(f"the project still has {len(others)} sessions; delete them first, or use --cascade")
        for session in sessions:
            await self.delete_session(session.id)
        await self.builds.cancel(project_id)
        await self.parts.store.delete_project(project_id, cascade=True)
        self.parts.bus.overview.project_deleted(project_id)
        await self.parts.mirrors.delete(project_id)
        await reap_folders(self.parts)

    async def create_session(
        self, project: Project, options: SessionOptions | None = None, draft: Draft | None = None
    ) -> Session:
        """Start a session from the project's newest ready snapshot; a first message is kept until it is on.

        Raises as `creating.create_session` does.
        """
        session = await create_session(self.parts, project, options or SessionOptions(), draft)
        self._tell_new(session)
        self._workers.ensure(session.id)
        return await self.parts.store.get_session(session.id)

    async def change_session(self, session_id: SessionId, changes: Mapping[str, Any]) -> Session:
        """Change title, model, effort, mode or budgets of a session; raises as `settings.change_session` does."""
        session = await change_session(self.parts, self._moves, self._workers.ensure(session_id), session_id, changes)
        self._workers.ensure(session_id).wake()
        return session

    async def send(
        self, session_id: SessionId, message_id: MessageId, text: str, attachments: Sequence[Attachment] = ()
    ) -> Message:
        """Keep a message and have it delivered exactly once, whatever state the session is in.

        The same id again does nothing. A session that is off wakes up for it. While exactly one thing is asked of the
        user, a message without files is the answer to it.

        Raises:
            BudgetReachedError: no model may be asked; the message is not kept.
        """
        draft = Draft(id=message_id, text=text, attachments=tuple(attachments))
        return await self._conversation.send(session_id, draft)

    async def answer(self, session_id: SessionId, ask_id: AskId, answer: Answer) -> Ask:
        """Answer what the agent asked; a session that is off wakes up for it. The same answer again does nothing.

        Raises:
            TransitionNotAllowedError: it is not asked any more, or was answered otherwise.
            InvalidInputError: that is no answer to it. BudgetReachedError: no model may be asked; nothing is kept.
        """
        return await self._conversation.answer(session_id, ask_id, answer)

    async def stop_turn(self, session_id: SessionId) -> Session:
        """Stop the running turn and the commands that it started; what was asked is withdrawn.

        Raises:
            TransitionNotAllowedError: there is nothing to stop.
        """
        return await self._stopping.stop(session_id)

    async def budget_reached(self, session_id: SessionId, limit: BudgetName, detail: str) -> None:
        """Stop and pause a session whose budget, or its project's, is used up; repeatable.

        Args:
            detail: What was seen; the next step is added.
        """
        with contextlib.suppress(NotFoundError):
            reached = await find_reached(self.parts, session_id)
            await self._limits.reach(session_id, limit, f"{detail}: {reached.next_step}" if reached else detail)

    async def model_waits(
        self, session_id: SessionId, attempt: int, delay_s: float, status: int | None, reason: str | None
    ) -> None:
        """Tell that the broker waits before it asks the model again; nothing happens when the session is gone."""
        told = ModelRetried(
            at=self.parts.now(), attempt=attempt, delay_s=delay_s, status=status, reason=reason, by="broker"
        )
        with contextlib.suppress(NotFoundError):
            await self._moves.tell(session_id, told)

    async def pause(self, session_id: SessionId, reason: str = "paused by hand") -> Session:
        """Pause a session that is on; nothing happens when it is paused already."""
        return await self._sleeping.pause(session_id, reason)

    async def resume(self, session_id: SessionId) -> Session:
        """Wake a session without starting its agent; nothing happens when it is on or on its way."""
        return await self._sleeping.resume(session_id)

    async def keep_awake(self, session_id: SessionId, until: datetime) -> Session:
        """Do not pause a session for being idle before `until`; never shortens what is left."""
        return await self._sleeping.keep_awake(session_id, until)

    async def extend(self, session_id: SessionId, reason: str) -> None:
        """Begin the idle countdown anew because somebody uses the session; often called, seldom written."""
        await self._sleeping.extend(session_id, reason)

    async def wait_until(self, session_id: SessionId, is_reached: Callable[[Session], bool], wait_s: float) -> Session:
        """Return the session once `is_reached`, or as it is when the time is over."""
        return await wait_until(self.parts, session_id, is_reached, wait_s)

    async def mark_seen(self, session_id: SessionId, event: int) -> Session:
        """Note that its user has seen a session's events up to a number; others who watch are told."""
        session = await self.parts.store.mark_seen(session_id, event)
        self.parts.bus.overview.session(session_id)
        return session

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
            parent = await self._sleeping.paused(session_id, BEING_FORKED)
            async with self._workers.ensure(session_id).acting:
                child = await split(self.parts, self._moves, parent.id, title)
        self._tell_new(child)
        self._workers.ensure(child.id)
        await self.resume(child.id)
        if was_on:
            await self.resume(parent.id)
        return await self.parts.store.get_session(child.id)

    async def delete_session(self, session_id: SessionId) -> None:
        """Delete a session for good: its rows first, so that nothing can revive it, then all it held on the host."""
        session = await self.parts.store.get_session(session_id)
        worker = self._workers.take_away(session_id)
        holding = worker.attachment.holding if worker and worker.attachment else None
        await self.meter.look()
        await self.parts.store.delete_session(session_id)
        self.parts.bus.publish(session_id)
        self.parts.bus.overview.session_deleted(session_id)
        self.parts.bus.overview.project(session.project_id)
        self.parts.bus.live.forget(session_id)
        self.pull_requests.forget(session_id)
        await free(self.parts, session, worker, holding)

    def follow_live(self, session_id: SessionId, after: int) -> AsyncIterator[Told]:
        """Yield the session's events from number `after + 1` on, then what comes; and live parts in their places.

        Between them comes what has changed beside the events.
        """
        return follow(self.parts.store, self.parts.bus, session_id, after)

    def client_of(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session that is on.

        Raises:
            SandboxUnavailableError: it is not on.
        """
        return self._workers.client_of(session_id)

    async def preview_client(self, session_id: SessionId) -> RunnerClient:
        """Return the runner of a session as soon as its app can be seen; raises as `Workers.preview_client` does."""
        return await self._workers.preview_client(session_id)

    async def diff(self, session_id: SessionId) -> tuple[StoredDiff, bool]:
        """Return the session's diff and whether it is live; raises as `Looking.diff` does."""
        return await self._looking.diff(session_id)

    async def file_patch(self, session_id: SessionId, path: str) -> FilePatch:
        """Return what differs in one file of the session's diff; raises as `diffs.file_patch` does."""
        return await self._looking.file_patch(session_id, path)

    async def logs(self, session_id: SessionId, process: str) -> bytes:
        """Return what a process printed, live or as it was at the last pause."""
        return await self._looking.logs(session_id, process)

    async def processes(self, session_id: SessionId) -> tuple[list[ProcessBody], set[str] | None]:
        """Return a session's durable processes; see `Looking.processes`."""
        return await self._looking.processes(session_id)

    async def ports(self, session_id: SessionId) -> tuple[tuple[SessionPort, ...], str | None]:
        """Return what listens in a session's sandbox, and why nothing can be seen of it, where that is so."""
        return await self._looking.ports(session_id)

    async def restart_dev_server(self, session_id: SessionId) -> bool:
        """Write the newest environment to the session's `.env`, end its dev server and start it again.

        Returns before it answers, and whether there is a dev server at all.

        Raises:
            SandboxUnavailableError: it is not on. GitError: `.env` could not be written; nothing was ended.
        """
        await self.parts.store.get_session(session_id)
        async with self._workers.ensure(session_id).restarting:
            return await restart_dev_server(self.parts, self._moves, session_id, self._workers.holding_of(session_id))

    async def publish(self, session_id: SessionId, title: str | None, body: str | None) -> PullRequest:
        """Open or update the session's pull request; a paused session is resumed for it."""
        await self.resume(session_id)
        session = await self.wait_until(
            session_id, lambda seen: seen.sandbox_state not in (SandboxState.RESUMING, SandboxState.BOOTING), 120.0
        )
        return await self.pull_requests.publish(session, await self._workers.client_soon(session_id), title, body)

    async def publish_for_agent(self, session_id: SessionId, title: str | None, body: str | None) -> str:
        """Open or update the session's pull request on its running agent's behalf; return what to tell the agent.

        Raises:
            SandboxUnavailableError: it is not on. NothingToDoError: there is nothing to publish.
            GitError: the push was refused; the work is kept.
        """
        session = await self.parts.store.get_session(session_id)
        before = await self.pull_requests.find_of(session)
        seen = await self.pull_requests.publish(session, self.client_of(session_id), title, body)
        is_updated = before is not None and before.id == seen.id
        base = f"http://localhost:{self.parts.settings.port}"
        address = f"{base}{seen.url}" if seen.url.startswith("/") else seen.url
        done = "was updated" if is_updated else "was opened"
        return f"Pull request {seen.number} {done}: {address} (branch {seen.branch}, commit {seen.head_commit[:12]})"

    def _tell_new(self, session: Session) -> None:
        """Tell those who watch everything of a session that is new, which its project counts."""
        self.parts.bus.overview.session(session.id)
        self.parts.bus.overview.project(session.project_id)
