"""Shapes records of the store into the bodies that the API answers with."""

from collections.abc import Sequence

from lot.api.asking import find_asking
from lot.api.schemas.git_accounts import GitAccountBody
from lot.api.schemas.projects import EnvironmentBody, ProjectBody, PullRequestBody, SnapshotBody, VariableBody
from lot.api.schemas.sessions import (
    AskBody,
    EventBody,
    MessageBody,
    PortBody,
    PortsBody,
    PreviewBody,
    PullRequestMark,
    SessionBody,
)
from lot.api.tickets import TICKET_S, Tickets
from lot.config import Settings
from lot.core.commands import is_retry_needed
from lot.core.environment import Environment
from lot.core.errors import NotFoundError
from lot.core.events import StoredEvent
from lot.core.ids import SessionId
from lot.core.records import Ask, GitAccount, Message, Project, PullRequest, PullRequestState, Session, Snapshot
from lot.engine.dev_server import is_restart_needed
from lot.engine.engine import Engine
from lot.engine.ports import SessionPort
from lot.engine.previews import preview_host, preview_url
from lot.store.session_marks import SessionMarks


class Views:
    """Makes bodies; knows the addresses that they name."""

    def __init__(self, engine: Engine, settings: Settings, tickets: Tickets) -> None:
        self._engine, self._settings, self._tickets = engine, settings, tickets

    async def project(self, project: Project) -> ProjectBody:
        """Return a project with its newest snapshot and its counts."""
        store = self._engine.parts.store
        snapshots = await store.list_snapshots(project.id)
        ready = await store.current_snapshot(project.id)
        spent_tokens, spent_usd = await store.spending(project.id)
        sessions = await store.list_sessions(project.id)
        setups = [session for session in sessions if session.is_setup]
        newest = max(snapshots, key=lambda snapshot: snapshot.generation, default=None)
        return ProjectBody(
            id=project.id,
            name=project.name,
            source=project.source,
            branch=project.branch,
            setup_command=project.setup_command,
            dev_command=project.dev_command,
            port=project.port,
            size=project.size,
            environment_keys=sorted((await store.get_environment(project.id)).variables),
            environment_version=project.environment_version,
            retry_needed=is_retry_needed(project, newest),
            snapshot=self.snapshot(newest) if newest else None,
            ready_snapshot=ready.id if ready else None,
            sessions=len(sessions),
            setup_session=max(setups, key=lambda session: session.created_at).id if setups else None,
            created_at=project.created_at,
            budget_tokens=project.budget_tokens,
            budget_usd=project.budget_usd,
            spent_tokens=spent_tokens,
            spent_usd=spent_usd,
            has_browser=project.has_browser,
            rebuilds_when_stale=project.rebuilds_when_stale,
            image=project.image,
            processes=dict(project.processes),
            account=(await store.get_git_account(project.account_id)).name if project.account_id else None,
        )

    async def git_account(self, account: GitAccount) -> GitAccountBody:
        """Return a git account with the projects that use it."""
        projects = await self._engine.parts.store.list_projects()
        return GitAccountBody(
            id=account.id,
            name=account.name,
            kind=account.kind,
            url=account.url,
            login=account.login,
            author_name=account.author_name,
            author_email=account.author_email,
            projects=[project.name for project in projects if project.account_id == account.id],
            created_at=account.created_at,
        )

    def snapshot(self, snapshot: Snapshot) -> SnapshotBody:
        """Return a snapshot and what its build is doing."""
        manifest = snapshot.manifest
        return SnapshotBody(
            id=snapshot.id,
            project_id=snapshot.project_id,
            generation=snapshot.generation,
            state=snapshot.state,
            step=self._engine.builds.step(snapshot.id),
            commit=snapshot.commit,
            has_memory=snapshot.memory_image is not None,
            failure=snapshot.failure,
            build_s=snapshot.build_s,
            created_at=snapshot.created_at,
            environment_keys=list(manifest.environment_keys) if manifest else [],
            layer_bytes=manifest.layer_bytes if manifest else 0,
            memory_bytes=manifest.memory_bytes if manifest else 0,
            stale_files=list(snapshot.stale_files),
        )

    async def session(self, session: Session) -> SessionBody:
        """Return a session as its user sees it."""
        [body] = await self.sessions([session])
        return body

    async def sessions(self, sessions: Sequence[Session]) -> list[SessionBody]:
        """Return sessions as their users see them; what belongs to several is read once."""
        store = self._engine.parts.store
        marks = await store.read_marks([session.id for session in sessions])
        projects = {id: await store.get_project(id) for id in {session.project_id for session in sessions}}
        snapshots = {id: await store.get_snapshot(id) for id in {session.snapshot_id for session in sessions}}
        return [
            self._session(one, projects[one.project_id], snapshots[one.snapshot_id], marks[one.id]) for one in sessions
        ]

    def _session(self, session: Session, project: Project, snapshot: Snapshot, marks: SessionMarks) -> SessionBody:
        port, opened = snapshot.port or project.port, marks.pull_request
        return SessionBody(
            id=session.id,
            project_id=session.project_id,
            project_name=project.name,
            parent_id=session.parent_id,
            title=session.title,
            label=session.label,
            agent=session.agent,
            sandbox=session.sandbox_state,
            reason=session.reason,
            is_scripted=self._engine.parts.get_provider(session.provider).is_scripted,
            provider=session.provider,
            model=session.model,
            size=session.size,
            cpus=session.cpus,
            memory_bytes=session.memory_bytes,
            compute_units=session.compute_units,
            restart_needed=is_restart_needed(session, snapshot, project.environment_version),
            branch=session.branch,
            base_branch=session.base_branch,
            base_commit=session.base_commit,
            pause_at=session.pause_at,
            pause_reason=session.pause_reason,
            preview=None if port is None else self._preview(session.id, port),
            events=session.events,
            kept_messages=marks.kept_messages,
            program=session.program,
            effort=session.effort,
            mode=session.mode,
            open_asks=marks.open_asks,
            budget_tokens=session.budget_tokens,
            budget_usd=session.budget_usd,
            spent_tokens=marks.spent_tokens,
            spent_usd=marks.spent_usd,
            created_at=session.created_at,
            changed_at=session.changed_at,
            last_activity_at=session.last_activity_at,
            last_event=session.last_event,
            seen_event=session.seen_event,
            is_setup=session.is_setup,
            processes=list(snapshot.processes),
            pull_request=PullRequestMark(number=opened.number, state=opened.state, url=opened.url) if opened else None,
        )

    def ports(self, session: SessionId, ports: Sequence[SessionPort], reason: str | None) -> PortsBody:
        """Return what listens in a session's sandbox, with the previews' addresses."""
        return PortsBody(ports=[self._port(session, port) for port in ports], reason=reason)

    def _port(self, session: SessionId, port: SessionPort) -> PortBody:
        preview = self._preview(session, port.port)
        return PortBody(
            port=port.port,
            name=port.name,
            is_main=port.is_main,
            url=preview.url,
            sign_in_url=preview.sign_in_url,
            addresses=list(port.addresses),
            process=port.process,
            pid=port.pid,
            command=port.command,
        )

    def environment(
        self, environment: Environment, outdated: Sequence[Session], *, is_revealed: bool = False
    ) -> EnvironmentBody:
        """Return an environment; its values only where they were asked for."""
        variables = [
            VariableBody(name=name, value=one.value if is_revealed else None, changed_at=one.changed_at)
            for name, one in sorted(environment.variables.items())
        ]
        return EnvironmentBody(
            version=environment.version,
            variables=variables,
            sessions_to_restart=[session.id for session in outdated],
        )

    async def ask(self, ask: Ask) -> AskBody:
        """Return what an agent asked, with the event that says what exactly.

        Raises:
            NotFoundError: the session is gone.
        """
        page = await self._engine.parts.store.read_events(ask.session_id, after=ask.event - 1, limit=1)
        if not page:
            raise NotFoundError(f"there is no session {ask.session_id}")
        return AskBody(
            id=ask.id,
            kind=ask.kind,
            state=ask.state,
            event=event_body(page[0]),
            answer=ask.answer,
            asked_at=ask.asked_at,
            answered_at=ask.answered_at,
        )

    def _preview(self, session: SessionId, port: int) -> PreviewBody:
        host = preview_host(port, session, self._settings.preview_domain)
        url = preview_url(self._settings, session, port)
        asking = find_asking()
        if asking is None or asking.principal is None:
            # Told to nobody in particular: the address itself leads through the application.
            return PreviewBody(url=url, sign_in_url=url, port=port)
        ticket = self._tickets.issue("link", host, asking.principal.holder, TICKET_S)
        return PreviewBody(url=url, sign_in_url=f"{url}.lot/sign-in?ticket={ticket}", port=port)

    async def pull_requests(self, project: Project, found: Sequence[PullRequest]) -> list[PullRequestBody]:
        """Return some of a project's pull requests."""
        can_merge = await self._engine.pull_requests.can_merge(project)
        return [self._pull_request(each, can_merge=can_merge) for each in found]

    async def pull_request(self, pull_request: PullRequest) -> PullRequestBody:
        """Return a pull request."""
        project = await self._engine.parts.store.get_project(pull_request.project_id)
        [body] = await self.pull_requests(project, [pull_request])
        return body

    def _pull_request(self, pull_request: PullRequest, *, can_merge: bool) -> PullRequestBody:
        return PullRequestBody(
            project_id=pull_request.project_id,
            session_id=pull_request.session_id,
            number=pull_request.number,
            title=pull_request.title,
            body=pull_request.body,
            base_branch=pull_request.base_branch,
            branch=pull_request.branch,
            head_commit=pull_request.head_commit,
            state=pull_request.state,
            can_merge=can_merge and pull_request.state is PullRequestState.OPEN,
            url=pull_request.url,
            created_at=pull_request.created_at,
            updated_at=pull_request.updated_at,
        )


def event_body(stored: StoredEvent) -> EventBody:
    """Return one event with its number."""
    return EventBody(number=stored.number, event=stored.event.model_dump(mode="json"))


def message_body(message: Message) -> MessageBody:
    """Return a message and how far it has come."""
    return MessageBody(
        id=message.id,
        text=message.text,
        delivery=message.delivery,
        created_at=message.created_at,
        attachments=list(message.attachments),
    )
