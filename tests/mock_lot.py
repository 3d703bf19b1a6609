"""A Lot server that keeps everything in memory and misbehaves on demand; for tests of what talks to one."""

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, PlainTextResponse

from lot.api.schemas.defaults import SettingsBody, SettingsChanges
from lot.api.schemas.git_accounts import GitAccountBody, GivenApp, InstallationBody, NewGitAccount, RepositoryBody
from lot.api.schemas.projects import (
    CheckBody,
    EnvironmentBody,
    EnvironmentChanges,
    FindingBody,
    NewEnvironment,
    NewProject,
    ProjectBody,
    ProjectChanges,
    PullRequestBody,
    ReviewCommentBody,
    SizeBody,
    SnapshotBody,
    SnapshotLog,
    VariableBody,
)
from lot.api.schemas.providers import ModelBody, NewProviderKey, ProviderBody
from lot.api.schemas.sessions import (
    AskBody,
    DiffBody,
    DiffFileBody,
    DiskUseBody,
    EventBody,
    EventPage,
    MessageBody,
    NewFork,
    NewMessage,
    NewSession,
    NewTerminal,
    PortBody,
    PortsBody,
    PreviewBody,
    ProcessBody,
    SessionBody,
    SessionChanges,
    UsageBody,
)
from lot.api.schemas.sign_in import (
    ListedUserBody,
    NewSignInLink,
    PasswordMethod,
    SignInBody,
    SignInLinkBody,
    UserBody,
    UserChanges,
)
from lot.api.schemas.usage import UsageDayBody, UsageOverTimeBody, UsageSeriesBody
from lot.client.address import Address
from lot.core.asks import Answer
from lot.core.defaults import NO_EFFORT
from lot.core.environment import parse_dotenv

TOKEN = "token-of-the-mock"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATCH = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-old\n+new\n"
DEFAULTS = SettingsBody.model_validate(
    {
        "model": {
            "value": "opus", "provider": "anthropic", "origin": "chosen",
            "configured": "sonnet", "configured_provider": "anthropic",
        },
        "effort": {"value": "default", "origin": "configuration", "configured": "default"},
        "mode": {"value": "full", "origin": "configuration", "configured": "full"},
        "size": {"value": "small", "origin": "configuration", "configured": "small"},
        "idle_countdown_s": {"value": 300.0, "origin": "configuration", "configured": 300.0},
    }
)  # fmt: skip


@dataclass
class MockLot:
    """The server's state; tests set it before they act and read it afterwards."""

    setup_fails: bool = False
    provider: str = "anthropic"
    drop_after: list[int] = field(default_factory=list)
    """Of each coming event stream: after how many events it is cut."""
    events_sent: int = 0
    """By all event streams together."""
    repeat: int = 0
    """How many events before the one asked for each stream sends once more."""
    skip_once: set[int] = field(default_factory=set)
    """Events left out of the next stream that would have brought them."""
    shell_output: bytes = b"$ "
    shell_echoes: bool = True
    projects: dict[str, ProjectBody] = field(default_factory=dict)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, SessionBody] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    messages: list[NewMessage] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)
    shell_input: bytes = b""
    shell_runs: bool = True
    calls: list[str] = field(default_factory=list)
    pull_requests: list[PullRequestBody] = field(default_factory=list)
    published: dict[str, Any] = field(default_factory=dict)
    """What is told of the next pull request, in place of an open one that Lot can merge."""
    asks: dict[str, list[AskBody]] = field(default_factory=dict)
    parts: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    """Of each session, what its streams bring after the event of that number, beside the events."""
    asks_in_return: bool = False
    """Whether a message is answered by a question."""
    agent_lines: dict[int, list[str]] = field(default_factory=dict)
    """Of each run of the agent; each line stands for one byte, and two come at a time."""
    answers: list[Answer] = field(default_factory=list)
    users: list[str] = field(default_factory=lambda: ["ada"])
    links: list[NewSignInLink] = field(default_factory=list)
    """What one-time links were asked for."""
    findings: list[FindingBody] = field(default_factory=list)
    """What examining any project finds."""
    accounts: dict[str, GitAccountBody] = field(default_factory=dict)
    connected: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of requests to connect an account, as they came."""
    installations: int = 2
    """Of any app: from number 70 on, only the first one of which is in use."""
    has_usage: bool = True
    key: dict[str, Any] | None = None
    """Body of the newest request to store a provider's key, as it came."""
    checks: list[CheckBody] | None = None
    comments: list[ReviewCommentBody] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of PATCH requests, as they came."""
    defaults: SettingsBody = DEFAULTS
    created: list[NewProject] = field(default_factory=list)
    started: list[NewSession] = field(default_factory=list)
    processes: list[ProcessBody] = field(default_factory=list)
    """Durable processes of each session, besides a shell."""
    ports: list[PortBody] = field(default_factory=list)
    logs_read: list[str] = field(default_factory=list)
    """Names of the processes whose logs were asked for."""
    changes_told: dict[str, int] = field(default_factory=dict)
    """Of each session, how often its next stream says at its beginning that ports have changed."""

    def add_port(self, port: int, name: str, process: str | None = None, **fields: Any) -> None:
        """Let something listen in every sandbox that is on."""
        body = PortBody(
            port=port,
            name=name,
            is_main=not self.ports,
            url=f"http://{port}--x.test/",
            sign_in_url=f"http://{port}--x.test/.lot?t=1",
            addresses=["0.0.0.0"],
            process=process,
            pid=7,
            command="node",
        )
        self.ports.append(body.model_copy(update=fields))

    def add_project(self, name: str = "shop") -> ProjectBody:
        """Put a project with a ready snapshot there."""
        project = ProjectBody(
            id=f"p{len(self.projects) + 1}",
            name=name,
            source="/srv/shop",
            branch="main",
            setup_command="npm ci",
            dev_command="npm run dev",
            port=5173,
            size="small",
            environment_keys=[],
            environment_version=1,
            retry_needed=False,
            snapshot=self._snapshot(),
            ready_snapshot=None if self.setup_fails else "snap1",
            sessions=0,
            created_at=NOW,
            budget_tokens=None,
            budget_usd=None,
            spent_tokens=0,
            spent_usd=0.0,
            has_browser=False,
            rebuilds_when_stale=False,
            processes={},
            image=None,
        )
        self.projects[project.id] = project
        return project

    def add_session(self, id: str = "abcdefghij", **fields: Any) -> SessionBody:
        """Put a session there that is on and idle, unless `fields` say otherwise."""
        values: dict[str, Any] = {
            "id": id,
            "project_id": "p1",
            "project_name": "shop",
            "parent_id": None,
            "title": "A title",
            "label": "Idle",
            "agent": "idle",
            "sandbox": "on",
            "reason": None,
            "is_scripted": self.provider == "rehearsal",
            "provider": self.provider,
            "model": None,
            "size": "small",
            "cpus": 2,
            "memory_bytes": 4 << 30,
            "compute_units": 1.0,
            "restart_needed": False,
            "branch": f"lot/a-title-{id}",
            "base_branch": "main",
            "base_commit": "c0ffee" * 6,
            "pause_at": None,
            "pause_reason": None,
            "preview": PreviewBody(url="http://5173--x.test/", sign_in_url="http://5173--x.test/.lot?t=1", port=5173),
            "events": 0,
            "kept_messages": 0,
            "program": "claude",
            "effort": None,
            "mode": "full",
            "open_asks": 0,
            "budget_tokens": None,
            "budget_usd": None,
            "spent_tokens": 0,
            "spent_usd": 0.0,
            "created_at": NOW + timedelta(seconds=len(self.sessions)),
            "changed_at": NOW,
            "last_activity_at": NOW,
            "last_event": 0,
            "seen_event": 0,
            "processes": [],
            "pull_request": None,
        }
        session = SessionBody(**{**values, **fields})
        self.sessions[id] = session
        self.events.setdefault(id, [])
        return session

    def tell(self, session: str, kind: str, **fields: Any) -> None:
        """Add an event to a transcript."""
        self.events[session].append({"kind": kind, "at": NOW.isoformat(), **fields})
        self.sessions[session] = self.sessions[session].model_copy(update={"events": len(self.events[session])})

    def ask(self, session: str, ask_id: str, **event: Any) -> None:
        """Let the agent ask something, which is open from then on."""
        self.tell(session, ask_id=ask_id, **event)
        number = len(self.events[session])
        kinds = {"question_asked": "question", "plan_proposed": "plan", "permission_asked": "permission"}
        asked = AskBody(
            id=ask_id,
            kind=kinds[event["kind"]],
            state="open",
            event=EventBody(number=number, event=self.events[session][number - 1]),
            answer=None,
            asked_at=NOW,
            answered_at=None,
        )
        self.asks.setdefault(session, []).append(asked)

    def close(self, session: str, ask_id: str, state: str, answer: Answer | None = None) -> AskBody:
        """Let something that is asked be over: taken with an answer, or withdrawn."""
        asked = self.asks[session]
        place = next(place for place, each in enumerate(asked) if each.id == ask_id)
        asked[place] = asked[place].model_copy(update={"state": state, "answer": answer, "answered_at": NOW})
        if answer is not None:
            self.tell(session, "ask_answered", ask_id=ask_id, answer=answer.model_dump(mode="json"))
        self.tell(session, "ask_closed", ask_id=ask_id, outcome=state)
        return asked[place]

    def _snapshot(self) -> SnapshotBody:
        return SnapshotBody(
            id="snap1",
            project_id="p1",
            generation=1,
            state="failed" if self.setup_fails else "ready",
            commit=None,
            has_memory=not self.setup_fails,
            failure="the setup command ended with exit code 7" if self.setup_fails else None,
            build_s=None if self.setup_fails else 2.5,
            created_at=NOW,
        )

    def app(self) -> FastAPI:
        """Return the server."""
        app = FastAPI()
        _sign_in_routes(app, self)
        _account_routes(app, self)
        _project_routes(app, self)
        _session_routes(app, self)
        _sockets(app, self)

        @app.middleware("http")
        async def need_token(request: Request, call_next: Any) -> Response:
            self.calls.append(f"{request.method} {request.url.path}")
            if request.headers.get("authorization") != f"Bearer {TOKEN}" and request.url.path != "/api/health":
                return JSONResponse({"code": "auth.required", "message": "No valid token."}, 401)
            try:
                answer: Response = await call_next(request)
            except KeyError as error:
                return JSONResponse({"code": "not_found", "message": f"There is no {error}"}, 404)
            return answer

        return app


def _sign_in_routes(app: FastAPI, lot: MockLot) -> None:
    @app.get("/api/sign-in")
    def who_am_i() -> SignInBody:
        return SignInBody(is_signed_in=True, user=None, has_users=bool(lot.users), methods=[PasswordMethod()])

    @app.post("/api/sign-in-links", status_code=201)
    def make_link(new: NewSignInLink) -> SignInLinkBody:
        lot.links.append(new)
        user = None if new.is_new or not lot.users else new.user or lot.users[0]
        return SignInLinkBody(url="http://lot.test/sign-in?link=s3cret", user=user, ends_at=NOW)

    @app.get("/api/users")
    def users() -> list[ListedUserBody]:
        return [
            ListedUserBody(
                id=f"id-of-{name}", name=name, created_at=NOW, last_seen_at=NOW if name == "ada" else None,
                has_password=name == "ada", providers=[] if name == "ada" else ["github"], is_current=False,
            )
            for name in lot.users
        ]  # fmt: skip

    @app.patch("/api/users/{user}")
    def rename(user: str, changes: UserChanges) -> UserBody:
        lot.users[_place(user)] = changes.name
        return UserBody(name=changes.name)

    @app.delete("/api/users/{user}", status_code=204)
    def remove(user: str) -> None:
        del lot.users[_place(user)]

    def _place(user: str) -> int:
        if user not in lot.users:
            raise KeyError(user)
        return lot.users.index(user)


def _account_routes(app: FastAPI, lot: MockLot) -> None:
    @app.post("/api/git-accounts", status_code=201)
    async def connect(new: NewGitAccount, request: Request) -> GitAccountBody:
        lot.connected.append(await request.json())
        account = GitAccountBody(
            id="a1", name=new.name or "ada", kind=new.kind, url=new.url or "https://github.com", login="ada",
            author_name="Ada", author_email="ada@host", projects=[], created_at=NOW,
        )  # fmt: skip
        lot.accounts[account.name] = account
        return account

    @app.post("/api/git-accounts/installations")
    def installations(given: GivenApp) -> list[InstallationBody]:
        assert given.private_key.get_secret_value() == "a key"
        return [
            InstallationBody(id=number, account="ada", has_all_repositories=number > 70, is_suspended=number > 70)
            for number in range(70, 70 + lot.installations)
        ]

    @app.get("/api/git-accounts")
    def accounts() -> list[GitAccountBody]:
        return list(lot.accounts.values())

    @app.get("/api/git-accounts/{account}/repositories")
    def repositories(account: str) -> list[RepositoryBody]:
        return [RepositoryBody(full_name="ada/app", default_branch="main", is_private=True, can_push=True)]

    @app.delete("/api/git-accounts/{account}", status_code=204)
    def remove(account: str) -> None:
        del lot.accounts[account]

    @app.get("/api/projects/{project}/pull-requests/{number}/checks")
    def checks(project: str, number: int) -> Response:
        if lot.checks is None:
            return JSONResponse({"code": "git.not_supported", "message": "it has none"}, 409)
        return JSONResponse([check.model_dump() for check in lot.checks])

    @app.get("/api/projects/{project}/pull-requests/{number}/comments")
    def comments(project: str, number: int) -> Response:
        if not lot.comments:
            return JSONResponse({"code": "git.unreachable", "message": "the host does not answer"}, 502)
        return JSONResponse([comment.model_dump() for comment in lot.comments])


def _project_routes(app: FastAPI, lot: MockLot) -> None:
    def find(name: str) -> ProjectBody:
        return next((each for each in lot.projects.values() if each.name == name), None) or lot.projects[name]

    @app.get("/api/health")
    def health() -> dict[str, Any]:
        return {"ok": True, "version": "1"}

    @app.post("/api/projects", status_code=201)
    def create(new: NewProject) -> ProjectBody:
        lot.created.append(new)
        kept = {"budget_tokens", "budget_usd", "has_browser", "dev_command", "processes", "image"}
        given = {"source": new.source, **new.model_dump(include=kept)}
        project = lot.add_project(new.name or "shop").model_copy(update=given)
        lot.projects[project.id] = project
        lot.environments[project.id] = new.environment
        return project

    @app.get("/api/projects")
    def list_projects() -> list[ProjectBody]:
        return list(lot.projects.values())

    @app.get("/api/projects/{project}")
    def get(project: str) -> ProjectBody:
        return find(project)

    @app.patch("/api/projects/{project}")
    async def change_project(project: str, changes: ProjectChanges, request: Request) -> ProjectBody:
        lot.changes.append(await request.json())
        found = find(project)
        changed = changes.model_dump(exclude_unset=True)
        if changed.keys() & {"setup_command", "dev_command", "port", "processes"}:
            changed["retry_needed"] = True
        lot.projects[found.id] = found.model_copy(update=changed)
        return lot.projects[found.id]

    def environment(project: ProjectBody, reveal: bool) -> EnvironmentBody:
        values = lot.environments.setdefault(project.id, {})
        return EnvironmentBody(
            version=project.environment_version,
            variables=[
                VariableBody(name=name, value=value if reveal else None, changed_at=NOW)
                for name, value in sorted(values.items())
            ],
            sessions_to_restart=[session.id for session in lot.sessions.values() if session.restart_needed],
        )

    @app.get("/api/projects/{project}/environment")
    def get_environment(project: str, reveal: bool = False) -> EnvironmentBody:
        return environment(find(project), reveal)

    @app.put("/api/projects/{project}/environment")
    def replace_environment(project: str, new: NewEnvironment) -> EnvironmentBody:
        lot.environments[find(project).id] = {**parse_dotenv(new.text or ""), **new.variables}
        return environment(find(project), False)

    @app.patch("/api/projects/{project}/environment")
    def change_environment(project: str, changes: EnvironmentChanges) -> EnvironmentBody:
        values = lot.environments.setdefault(find(project).id, {})
        values.update({**parse_dotenv(changes.text or ""), **changes.set})
        for name in changes.unset:
            del values[name]
        return environment(find(project), False)

    @app.get("/api/sizes")
    def sizes() -> list[SizeBody]:
        return [SizeBody(name="huge", cpus=16, memory_bytes=64 << 30, compute_units=12.5)]

    @app.get("/api/settings")
    def settings() -> SettingsBody:
        return lot.defaults

    @app.patch("/api/settings")
    async def change_settings(changes: SettingsChanges, request: Request) -> Response:
        lot.changes.append(await request.json())
        if changes.size == "nosuch":
            message = "default size: there is no size 'nosuch'. Next step: choose one of huge"
            return JSONResponse({"code": "input.invalid", "message": message}, 422)
        changed = lot.defaults.model_dump()
        for name, value in changes.model_dump(exclude_unset=True, exclude={"provider"}).items():
            before = changed[name]
            origin = "configuration" if value is None else "chosen"
            changed[name] = before | {"origin": origin, "value": before["configured"] if value is None else value}
        lot.defaults = SettingsBody.model_validate(changed)
        return JSONResponse(changed)

    @app.get("/api/usage")
    def usage(days: int, project: str | None = None) -> UsageOverTimeBody:
        nothing = dict.fromkeys(("seconds_on", "compute_units", "cost_usd"), 0.0)
        nothing |= dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"), 0)
        quiet = UsageDayBody(day=NOW.date() - timedelta(days=1), **nothing)
        busy = UsageDayBody(
            day=NOW.date(), **nothing | {"seconds_on": 600.0, "compute_units": 1200.0, "input_tokens": 4_000}
        )
        series = [quiet, busy] if lot.has_usage else [quiet] * days

        def of(id: str | None, name: str | None) -> UsageSeriesBody:
            return UsageSeriesBody(id=id, name=name, days=series)

        sessions = [of("abcdefghij", "A title")] if project else []
        return UsageOverTimeBody(total=of(None, None), projects=[of("p1", "shop"), of("p0", None)], sessions=sessions)

    @app.get("/api/providers")
    def providers() -> list[ProviderBody]:
        model = ModelBody(id="rehearsal-small", name="Small (scripted)")
        return [
            ProviderBody(
                name="anthropic", is_scripted=False, is_ready=lot.key is not None, models=[],
                reason=None if lot.key else "No key is set", needs_key=True, base_url="https://models",
                key_kind=lot.key["kind"] if lot.key else None, key_origin="stored" if lot.key else None,
            ),
            ProviderBody(
                name="rehearsal", is_scripted=True, is_ready=True, reason=None, models=[model], needs_key=False,
                key_kind=None, key_origin=None, base_url=None,
            ),
        ]  # fmt: skip

    @app.put("/api/providers/{name}/credential")
    async def store_key(name: str, new: NewProviderKey, request: Request) -> ProviderBody:
        lot.key = await request.json()
        return next(each for each in providers() if each.name == name)

    @app.delete("/api/providers/{name}/credential", status_code=204)
    def remove_key(name: str) -> None:
        lot.key = None

    @app.delete("/api/projects/{project}", status_code=204)
    def delete(project: str, cascade: bool = False) -> None:
        del lot.projects[find(project).id]

    @app.post("/api/projects/{project}/examination")
    def examine(project: str) -> list[FindingBody]:
        find(project)
        return lot.findings

    @app.post("/api/projects/{project}/snapshots", status_code=201)
    def retry(project: str) -> SnapshotBody:
        lot.setup_fails = False
        found = find(project)
        lot.projects[found.id] = found.model_copy(update={"snapshot": lot._snapshot(), "ready_snapshot": "snap1"})
        return lot._snapshot()

    @app.get("/api/snapshots/{snapshot}/log")
    def log(snapshot: str, after: int = 0) -> SnapshotLog:
        text = "[lot] running npm ci\nadded 64 packages\n"[after:]
        return SnapshotLog(text=text, next_offset=after + len(text))

    @app.get("/api/projects/{project}/pull-requests")
    def list_pull_requests(project: str) -> list[PullRequestBody]:
        return lot.pull_requests

    @app.get("/api/projects/{project}/pull-requests/{number}")
    def get_pull_request(project: str, number: int) -> PullRequestBody:
        return lot.pull_requests[number - 1]

    @app.get("/api/projects/{project}/pull-requests/{number}/patch")
    def patch(project: str, number: int) -> PlainTextResponse:
        return PlainTextResponse(PATCH)

    @app.post("/api/projects/{project}/pull-requests/{number}/merge")
    def merge(project: str, number: int) -> PullRequestBody:
        merged = lot.pull_requests[number - 1].model_copy(update={"state": "merged"})
        lot.pull_requests[number - 1] = merged
        return merged


def _session_routes(app: FastAPI, lot: MockLot) -> None:
    def change(session: str, **fields: Any) -> SessionBody:
        lot.sessions[session] = lot.sessions[session].model_copy(update=fields)
        return lot.sessions[session]

    @app.post("/api/sessions", status_code=201)
    def create(new: NewSession) -> SessionBody:
        if new.provider:
            lot.provider = new.provider
        lot.started.append(new)
        kept = {"effort", "mode", "program", "model", "budget_tokens", "budget_usd"}
        chosen = new.model_dump(include=kept, exclude_none=True)
        if new.effort == NO_EFFORT:
            del chosen["effort"]
        title = new.title or "New session"
        session = lot.add_session("newsession", title=title, label="Starting", sandbox="booting", **chosen)
        lot.messages.extend([new.message] if new.message else [])
        lot.tell(session.id, "step_done", step="restoring memory", seconds=0.4)
        lot.tell(session.id, "state_changed", agent="idle", sandbox="on", label="Idle")
        return change(session.id, label="Idle", sandbox="on")

    @app.get("/api/sessions")
    def list_sessions(project: str | None = None) -> list[SessionBody]:
        return list(lot.sessions.values())

    @app.get("/api/sessions/{session}")
    def get(session: str) -> SessionBody:
        return lot.sessions[session]

    @app.delete("/api/sessions/{session}", status_code=204)
    def delete(session: str) -> None:
        del lot.sessions[session]

    @app.post("/api/sessions/{session}/messages", status_code=202)
    def send(session: str, message: NewMessage) -> MessageBody:
        lot.messages.append(message)
        lot.tell(session, "message_added", message_id=message.id, text=message.text[:100])
        lot.tell(session, "message_delivered", message_id=message.id)
        if lot.asks_in_return:
            choices = [{"label": "Red"}, {"label": "Blue"}]
            questions = [{"question": "Which colour?", "choices": choices}]
            lot.ask(session, f"toolu_{len(lot.messages)}", kind="question_asked", questions=questions)
            lot.tell(session, "state_changed", agent="waiting", sandbox="on", label="Waiting for user")
        elif message.text == "fail":
            lot.tell(session, "turn_failed", reason="the key was refused", status=401)
        else:
            lot.tell(session, "agent_text", text="Done, **really**.")
            lot.tell(session, "turn_ended", outcome="completed", duration_s=1.5, input_tokens=1200, output_tokens=34)
        return MessageBody(id=message.id, text=message.text[:100], delivery="kept", created_at=NOW)

    _conversation_routes(app, lot)

    @app.delete("/api/sessions/{session}/terminals/{name}", status_code=204)
    def close_terminal(session: str, name: str) -> None:
        lot.shell_runs = False

    @app.post("/api/sessions/{session}/dev-server/restart")
    def restart(session: str) -> SessionBody:
        return change(session, restart_needed=False)

    @app.post("/api/sessions/{session}/{verb}")
    def move(session: str, verb: str, wait_s: float = 0) -> Response:
        if verb == "stop":
            said = {"code": "session.transition_not_allowed", "message": "stop does not apply while idle"}
            return JSONResponse(said, 409)
        fields = {
            "pause": {"label": "Paused", "sandbox": "paused"},
            "resume": {"label": "Idle", "sandbox": "on"},
        }.get(verb)
        if fields is None:
            return _made(lot, session, verb)
        return JSONResponse(change(session, **fields).model_dump(mode="json"))

    @app.get("/api/sessions/{session}/events")
    def events(session: str, after: int = 0, limit: int = 500) -> EventPage:
        all_events = _numbered(lot, session)
        return EventPage(events=all_events[after : after + limit], newest=len(all_events))

    @app.get("/api/sessions/{session}/diff")
    def diff(session: str) -> DiffBody:
        file = DiffFileBody(path="a.txt", old_path=None, status="modified", added=1, removed=1, is_binary=False)
        is_live = lot.sessions[session].sandbox == "on"
        return DiffBody(
            base_commit="c0ffee", patch=PATCH, is_truncated=False, is_live=is_live, files=[file], taken_at=NOW
        )

    @app.get("/api/sessions/{session}/logs")
    def logs(session: str, process: str = "dev") -> PlainTextResponse:
        lot.logs_read.append(process)
        return PlainTextResponse("ready in 254 ms\n\x1b]0;evil title\x07\x1b[32mgreen\x1b[0m\n")

    @app.get("/api/sessions/{session}/processes")
    def processes(session: str) -> list[ProcessBody]:
        return [_shell(lot), *lot.processes]

    @app.get("/api/sessions/{session}/ports")
    def ports(session: str) -> PortsBody:
        if lot.sessions[session].sandbox != "on":
            return PortsBody(ports=[], reason="the session is paused: its ports can be seen while its sandbox is on")
        return PortsBody(ports=lot.ports, reason=None)


def _conversation_routes(app: FastAPI, lot: MockLot) -> None:
    @app.patch("/api/sessions/{session}")
    async def change_session(session: str, changes: SessionChanges, request: Request) -> SessionBody:
        lot.changes.append(await request.json())
        lot.sessions[session] = lot.sessions[session].model_copy(update=changes.model_dump(exclude_unset=True))
        return lot.sessions[session]

    @app.get("/api/sessions/{session}/asks")
    def asks(session: str, all: bool = False) -> list[AskBody]:
        return [ask for ask in lot.asks.get(session, []) if all or ask.state == "open"]

    @app.post("/api/sessions/{session}/asks/{ask}/answer")
    def answer(session: str, ask: str, given: Answer) -> Response:
        if not any(each.id == ask and each.state == "open" for each in lot.asks.get(session, [])):
            return JSONResponse({"code": "ask.not_open", "message": "It is not open any more"}, 409)
        lot.answers.append(given)
        return JSONResponse(lot.close(session, ask, "taken", given).model_dump(mode="json"))

    @app.get("/api/sessions/{session}/messages/{message}/attachments/{position}")
    def attachment(session: str, message: str, position: int) -> Response:
        found = next(each for each in lot.messages if each.id == message)
        return Response(base64.b64decode(found.attachments[position].data))

    @app.get("/api/sessions/{session}/agent-lines")
    def agent_lines(session: str, run: int, after: int = 0) -> Response:
        lines = lot.agent_lines.get(run, [])[after : after + 2]
        text = "".join(f"{line}\n" for line in lines)
        headers = {"X-Lot-Next": str(after + len(lines))}
        return Response(text, media_type="application/x-ndjson", headers=headers)

    @app.get("/api/sessions/{session}/disk")
    def disk(session: str) -> DiskUseBody:
        return DiskUseBody(own_bytes=5 << 20, shared_bytes=300 << 20)

    @app.get("/api/sessions/{session}/usage")
    def usage(session: str) -> UsageBody:
        return UsageBody(
            seconds_on=90.0,
            compute_units=180.0,
            memory_bytes=200 << 20,
            runner_memory_bytes=50 << 20,
            input_tokens=12_000,
            output_tokens=300,
            cache_read_tokens=5,
            cache_write_tokens=0,
            cost_usd=0.0123,
            models={"rehearsal": 12_300},
        )


def _made(lot: MockLot, session: str, verb: str) -> Response:
    if verb == "fork":
        body: Any = lot.add_session("forkedfork", parent_id=session, title=NewFork().title or "A title")
        return JSONResponse(body.model_dump(mode="json"), 201)
    if verb == "terminals":
        lot.sizes.append(NewTerminal().model_dump_json())
        return JSONResponse(_shell(lot).model_dump(mode="json"), 201)
    number = 1
    body = PullRequestBody(
        project_id="p1",
        session_id=session,
        number=number,
        title="A title",
        body="",
        base_branch="main",
        branch="lot/x",
        head_commit="beef",
        **({"state": "open", "url": "http://lot/pr/1", "can_merge": True} | lot.published),
        created_at=NOW,
        updated_at=NOW,
    )
    lot.pull_requests[:] = [body]
    return JSONResponse(body.model_dump(mode="json"))


def _shell(lot: MockLot) -> ProcessBody:
    return ProcessBody(
        name="terminal-1",
        pid=7,
        is_running=lot.shell_runs,
        exit_code=None if lot.shell_runs else 0,
        starts={"out": 0},
        ends={"out": len(lot.shell_output)},
    )


def _numbered(lot: MockLot, session: str) -> list[EventBody]:
    return [EventBody(number=number, event=event) for number, event in enumerate(lot.events[session], 1)]


def _sockets(app: FastAPI, lot: MockLot) -> None:
    @app.websocket("/api/sessions/{session}/events/stream")
    async def stream(socket: WebSocket, session: str, after: int = 0) -> None:
        if socket.headers.get("authorization") != f"Bearer {TOKEN}":
            await socket.close(4401)
            return
        await socket.accept()
        lot.calls.append(f"WS {socket.url.path}")
        limit = lot.drop_after.pop(0) if lot.drop_after else None
        sent = 0
        number = max(0, after - lot.repeat)
        parts = list(lot.parts.get(session, []))
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while session in lot.sessions:
                if limit is not None and sent >= limit:
                    await socket.close(1011)
                    return
                for _ in range(lot.changes_told.pop(session, 0)):
                    await socket.send_text(json.dumps({"changed": "ports"}))
                for part in [part for place, part in parts if place == number]:
                    await socket.send_text(json.dumps({"part": part}))
                parts = [(place, part) for place, part in parts if place != number]
                pending = _numbered(lot, session)[number:]
                if not pending:
                    await asyncio.sleep(0.005)
                    continue
                number += 1
                if number in lot.skip_once:
                    lot.skip_once.discard(number)
                    continue
                await socket.send_text(pending[0].model_dump_json())
                sent += 1
                lot.events_sent += 1
            await socket.close(4404)

    @app.websocket("/api/sessions/{session}/processes/{name}/stream")
    async def shell(socket: WebSocket, session: str, name: str, offset: int = 0) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            await socket.send_bytes(offset.to_bytes(8, "big") + lot.shell_output[offset:])
            offset = len(lot.shell_output)
            while lot.shell_runs:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("text"):
                    lot.sizes.append(message["text"])
                    continue
                lot.shell_input += message["bytes"]
                if lot.shell_echoes:
                    await socket.send_bytes(offset.to_bytes(8, "big") + message["bytes"])
                    offset += len(message["bytes"])
                if b"\x04" in message["bytes"]:
                    lot.shell_runs = False
            await socket.close()


@contextmanager
def served(lot: MockLot) -> Iterator[Address]:
    """Serve a mock on a port of its own for the length of the block."""
    server = uvicorn.Server(uvicorn.Config(lot.app(), port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            threading.Event().wait(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Address(f"http://127.0.0.1:{port}", TOKEN)
    finally:
        server.should_exit = True
        thread.join()
