"""Sessions: their course, settings, diff, pull request, processes and terminals."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from lot.api.attachments import take_in
from lot.api.diff_view import diff_body
from lot.api.schemas.projects import PullRequestBody
from lot.api.schemas.sessions import (
    DiffBody,
    DiskUseBody,
    FilePatchBody,
    KeepAwake,
    NewFork,
    NewPullRequest,
    NewSession,
    NewTerminal,
    PortsBody,
    ProcessBody,
    Seen,
    SessionBody,
    SessionChanges,
    UsageBody,
)
from lot.api.views import Views
from lot.core.errors import NotFoundError, UnavailableError
from lot.core.ids import MessageId, ProjectId, SessionId, new_id
from lot.core.records import AgentMode, Session
from lot.core.session import AgentState, SandboxState
from lot.engine.creating import Draft, SessionOptions
from lot.engine.disk_use import disk_use
from lot.engine.engine import Engine
from lot.runner.protocol import ProcessBody as RunnerProcess
from lot.runner.protocol import TerminalOrder

WAIT = Query(default=0.0, ge=0.0, le=600.0, description="Seconds that the call may wait for the move to finish")
BUSY = (AgentState.RUNNING, AgentState.WAITING)
MOVING = (SandboxState.BOOTING, SandboxState.RESUMING, SandboxState.PAUSING)


def session_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/sessions`. 404 everywhere: there is no such session."""
    router = APIRouter(prefix="/api/sessions", tags=["sessions"])
    store = engine.parts.store

    async def settled(session: Session, wait_s: float, is_reached: Callable[[Session], bool]) -> SessionBody:
        return await views.session(await engine.wait_until(session.id, is_reached, wait_s))

    @router.post("", status_code=201)
    async def create_session(new: NewSession) -> SessionBody:
        """Start a session from the project's snapshot. 409: the project has none yet."""
        message, options = new.message, new.model_dump(exclude={"project", "message", "mode"})
        options["mode"] = None if new.mode is None else AgentMode(new.mode)
        draft = (
            Draft(id=MessageId(message.id), text=message.text, attachments=take_in(message.attachments))
            if message
            else None
        )
        project = await store.get_project(new.project)
        session = await engine.create_session(project, SessionOptions(**options), draft)
        return await views.session(session)

    @router.get("")
    async def list_sessions(project: str | None = None) -> list[SessionBody]:
        """Return all sessions, or those of one project (id or name)."""
        project_id: ProjectId | None = (await store.get_project(project)).id if project else None
        return await views.sessions(await store.list_sessions(project_id))

    @router.get("/{session}")
    async def show_session(session: str) -> SessionBody:
        """Return one session."""
        return await views.session(await store.get_session(SessionId(session)))

    @router.delete("/{session}", status_code=204)
    async def delete_session(session: str) -> None:
        """Delete a session for good; its branch and pull request on the git host stay."""
        await engine.delete_session(SessionId(session))

    @router.patch("/{session}")
    async def change_session(session: str, changes: SessionChanges) -> SessionBody:
        """Change what is given; a model or mode is used from the agent's next request on. 422: there is no such model.

        503: the running agent refused; nothing was changed.
        """
        return await views.session(
            await engine.change_session(SessionId(session), changes.model_dump(exclude_unset=True))
        )

    @router.post("/{session}/stop")
    async def stop_turn(session: str, wait_s: float = WAIT) -> SessionBody:
        """Stop the running turn and withdraw what it asks. 409: there is nothing to stop."""
        stopped = await engine.stop_turn(SessionId(session))
        return await settled(stopped, wait_s, lambda seen: seen.agent not in BUSY)

    @router.post("/{session}/pause")
    async def pause_session(session: str, wait_s: float = WAIT) -> SessionBody:
        """Pause a session with all its memory. 409: it is not on."""
        paused = await engine.pause(SessionId(session))
        return await settled(paused, wait_s, lambda seen: seen.sandbox_state not in MOVING)

    @router.post("/{session}/resume")
    async def resume_session(session: str, wait_s: float = WAIT) -> SessionBody:
        """Wake a session without starting its agent."""
        resumed = await engine.resume(SessionId(session))
        return await settled(resumed, wait_s, lambda seen: seen.sandbox_state not in MOVING)

    @router.post("/{session}/fork", status_code=201)
    async def fork_session(session: str, new: NewFork, wait_s: float = WAIT) -> SessionBody:
        """Make a second session with the same memory, disk and transcript; both go on."""
        child = await engine.fork(SessionId(session), new.title)
        return await settled(child, wait_s, lambda seen: seen.sandbox_state not in MOVING)

    @router.post("/{session}/seen")
    async def mark_seen(session: str, seen: Seen) -> SessionBody:
        """Note how far the session was read, for all clients; it never becomes less."""
        return await views.session(await engine.mark_seen(SessionId(session), seen.event))

    @router.post("/{session}/keep-awake")
    async def keep_awake(session: str, keep: KeepAwake) -> SessionBody:
        """Do not pause the session for being idle before a stated time."""
        return await views.session(await engine.keep_awake(SessionId(session), keep.until.astimezone(UTC)))

    @router.get("/{session}/diff")
    async def read_diff(session: str, by_file: bool = False) -> DiffBody:
        """Return what differs from the commit the session started at; while it is off, the last diff computed.

        With `by_file` each file has its own part of the patch, unless that is too large; binary files have none.
        """
        diff, is_live = await engine.diff(SessionId(session))
        return diff_body(diff, is_live=is_live, by_file=by_file)

    @router.get("/{session}/diff/file")
    async def read_file_diff(session: str, path: Annotated[str, Query(max_length=4096)]) -> FilePatchBody:
        """Return what differs in one file of the diff that was read last. 404: it is not in there, or cannot be had."""
        found = await engine.file_patch(SessionId(session), path)
        return FilePatchBody(path=path, patch=found.patch, is_truncated=found.is_truncated, is_live=found.is_live)

    @router.post("/{session}/pull-request", tags=["pull requests"])
    async def publish(session: str, new: NewPullRequest) -> PullRequestBody:
        """Open the session's pull request, or update it. 409: there is nothing to publish. 502: the push failed."""
        return await views.pull_request(await engine.publish(SessionId(session), new.title, new.body))

    @router.get("/{session}/pull-request", tags=["pull requests"])
    async def show_pull_request(session: str) -> PullRequestBody:
        """Return the session's newest pull request with its present state. 404: it has none."""
        found = await store.get_session(SessionId(session))
        pull_request = await engine.pull_requests.find_of(found)
        if pull_request is None:
            raise NotFoundError(f"session {found.id} has no pull request yet")
        return await views.pull_request(pull_request)

    @router.get("/{session}/processes")
    async def list_processes(session: str) -> list[ProcessBody]:
        """Return the durable processes in the sandbox, terminals too; while it is off, those of the last pause."""
        processes, kept_logs = await engine.processes(SessionId(session))
        return [_process(process, kept_logs) for process in processes]

    @router.get("/{session}/ports")
    async def list_ports(session: str) -> PortsBody:
        """Return what listens in the sandbox, the project's own port first; while it is off, nothing, and why.

        The event stream tells of a change with a frame `{"changed": "ports"}`.
        """
        ports, reason = await engine.ports(SessionId(session))
        return views.ports(SessionId(session), ports, reason)

    @router.get("/{session}/logs", response_class=PlainTextResponse)
    async def read_logs(session: str, process: str = "dev") -> Response:
        """Return the newest 256 KiB that a process printed; while the sandbox is off, as of the last pause.

        The dev server is the process `dev`; what runs beside it is `dev-<name>`.
        """
        return PlainTextResponse(await engine.logs(SessionId(session), process))

    @router.post("/{session}/terminals", status_code=201)
    async def open_terminal(session: str, new: NewTerminal) -> ProcessBody:
        """Start a shell behind a terminal; attach to it at `processes/<name>/stream`. 503: the sandbox is not on.

        From offset 0 on the stream begins with what the terminal showed before, the newest 16 MiB.
        """
        await store.get_session(SessionId(session))
        order = TerminalOrder(name=new.name or f"terminal-{new_id(6)}", rows=new.rows, columns=new.columns)
        return _process(await engine.client_of(SessionId(session)).open_terminal(order))

    @router.delete("/{session}/terminals/{name}", status_code=204)
    async def close_terminal(session: str, name: str) -> None:
        """End a terminal's shell and all that it runs. 404: there is no such terminal. 503: the sandbox is not on."""
        await store.get_session(SessionId(session))
        await engine.client_of(SessionId(session)).close_terminal(name)

    @router.post("/{session}/dev-server/restart")
    async def restart_dev_server(session: str) -> SessionBody:
        """Write the newest environment to `.env`, end the dev server and start it again; returns before it answers.

        503: the sandbox is not on. 502: `.env` could not be written; the dev server goes on as it was.
        """
        await engine.restart_dev_server(SessionId(session))
        return await views.session(await store.get_session(SessionId(session)))

    @router.get("/{session}/usage")
    async def usage(session: str) -> UsageBody:
        """Return the host memory that a session holds right now, in bytes, and what it has used of models."""
        found = await store.get_session(SessionId(session))
        used = await store.session_usage(found.id)
        await engine.meter.look()
        days = await store.days_of_session(found.id)
        try:
            state = await engine.client_of(found.id).state()
            sandbox, runner = state.sandbox_memory_bytes, state.memory_bytes
        except UnavailableError:
            sandbox, runner = 0, 0
        return UsageBody(
            seconds_on=sum(day.seconds_on for day in days),
            compute_units=sum(day.compute_units for day in days),
            memory_bytes=sandbox + runner,
            runner_memory_bytes=runner,
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cache_read_tokens=used.cache_read_tokens,
            cache_write_tokens=used.cache_write_tokens,
            cost_usd=used.cost_usd,
            models=dict(used.models),
        )

    @router.get("/{session}/disk")
    async def disk(session: str) -> DiskUseBody:
        """Return what a session takes of the host's disk; looks at every file of it."""
        used = await disk_use(engine.parts, await store.get_session(SessionId(session)))
        return DiskUseBody(own_bytes=used.own_bytes, shared_bytes=used.shared_bytes)

    return router


def _process(process: RunnerProcess, kept_logs: Collection[str] | None = None) -> ProcessBody:
    """Return a process; `kept_logs` are the names of those whose output was kept, where it is not live."""
    return ProcessBody(
        name=process.name,
        pid=process.pid,
        is_running=process.is_running,
        exit_code=process.exit_code,
        starts=process.starts,
        ends=process.ends,
        is_live=kept_logs is None,
        has_log=kept_logs is None or process.name in kept_logs,
        started_at=datetime.fromtimestamp(process.started_at, UTC) if process.started_at > 0 else None,
    )
