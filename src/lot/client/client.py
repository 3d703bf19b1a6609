"""`LotClient`: one method per route of the API, in the API's own bodies. Waiting and following are in `follow.py`."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, TypeAdapter
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from lot.api.schemas.defaults import SettingsBody, SettingsChanges
from lot.api.schemas.git_accounts import GitAccountBody, GivenApp, InstallationBody, NewGitAccount, RepositoryBody
from lot.api.schemas.projects import (
    CheckBody,
    EnvironmentBody,
    EnvironmentChanges,
    FindingBody,
    NewEnvironment,
    NewProject,
    NewSetupSession,
    ProjectBody,
    ProjectChanges,
    PullRequestBody,
    ReviewCommentBody,
    SizeBody,
    SnapshotBody,
    SnapshotLog,
)
from lot.api.schemas.providers import NewProviderKey, ProviderBody
from lot.api.schemas.sessions import (
    AskBody,
    DiffBody,
    DiskUseBody,
    EventPage,
    HostBody,
    MessageBody,
    NewFork,
    NewMessage,
    NewPullRequest,
    NewSession,
    NewTerminal,
    PortsBody,
    ProcessBody,
    SessionBody,
    SessionChanges,
    UsageBody,
)
from lot.api.schemas.sign_in import (
    ListedUserBody,
    NewSignInLink,
    SignInBody,
    SignInLinkBody,
    UserBody,
    UserChanges,
)
from lot.api.schemas.usage import UsageOverTimeBody
from lot.client.address import Address
from lot.client.errors import RefusedError, ServerUnreachableError
from lot.core.asks import Answer
from lot.core.errors import CommandTimedOutError

TIMEOUT_S = 60.0
"""For a call that waits for nothing."""
EXAMINATION_TIMEOUT_S = 600.0
MAX_SOCKET_MESSAGE_BYTES = 16 << 20

_Body = TypeVar("_Body", bound=BaseModel)


class LotClient:
    """A connection to one Lot server. Every method raises `RefusedError` or `ServerUnreachableError`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._http = httpx.Client(base_url=address.url, headers=address.headers, timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # Signing in

    def get_sign_in(self) -> SignInBody:
        """Return whether the server knows us, and whether it has users; needs no token."""
        return self._get(SignInBody, "/api/sign-in")

    def make_sign_in_link(self, user: str | None = None, *, is_new: bool = False) -> SignInLinkBody:
        """Make a one-time link with which a browser signs in."""
        return self._send(SignInLinkBody, "/api/sign-in-links", NewSignInLink(user=user, is_new=is_new))

    def list_users(self) -> list[ListedUserBody]:
        """Return everybody who may sign in."""
        return self._get_list(ListedUserBody, "/api/users")

    def rename_user(self, user: str, name: str) -> UserBody:
        """Give a user another name."""
        return self._change(UserBody, f"/api/users/{_part(user)}", UserChanges(name=name))

    def remove_user(self, user: str) -> None:
        """Remove a user, with all that lets them in."""
        self._ask("DELETE", f"/api/users/{_part(user)}")

    # The host

    def is_healthy(self) -> bool:
        """Return whether the server answers; needs no token."""
        return bool(self._ask("GET", "/api/health").json().get("ok"))

    def get_host(self) -> HostBody:
        """Return the host and what runs on it."""
        return self._get(HostBody, "/api/host")

    def list_providers(self) -> list[ProviderBody]:
        """Return the providers of models, whether they can be used, and their models."""
        return self._get_list(ProviderBody, "/api/providers")

    def store_provider_key(self, provider: str, key: NewProviderKey) -> ProviderBody:
        """Store with what a provider is asked; it is tried first."""
        body = key.model_dump(mode="json", exclude_none=True) | {"value": key.value.get_secret_value()}
        answer = self._ask("PUT", f"/api/providers/{_part(provider)}/credential", json=body)
        return ProviderBody.model_validate_json(answer.content)

    def remove_provider_key(self, provider: str) -> None:
        """Forget a provider's stored key."""
        self._ask("DELETE", f"/api/providers/{_part(provider)}/credential")

    def get_settings(self) -> SettingsBody:
        """Return what new sessions and projects start from."""
        return self._get(SettingsBody, "/api/settings")

    def change_settings(self, changes: SettingsChanges) -> SettingsBody:
        """Change what is set in `changes`, and nothing else."""
        return self._change(SettingsBody, "/api/settings", changes)

    def get_usage_over_time(self, days: int, project: str | None = None) -> UsageOverTimeBody:
        """Return what was used on each of the newest days, of everything or of one project and its sessions."""
        asked = {"days": days} if project is None else {"days": days, "project": project}
        return self._get(UsageOverTimeBody, f"/api/usage?{urlencode(asked)}")

    # Git accounts

    def connect_git_account(self, account: NewGitAccount) -> GitAccountBody:
        """Connect a git account; its host is asked who it is."""
        body = account.model_dump(mode="json", exclude_none=True)
        secrets = {"token": account.token, "private_key": account.private_key}
        body |= {name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None}
        return GitAccountBody.model_validate_json(self._ask("POST", "/api/git-accounts", json=body).content)

    def list_installations(self, app: GivenApp) -> list[InstallationBody]:
        """Return where an app is installed; its key is not stored."""
        body = app.model_dump(mode="json", exclude_none=True) | {"private_key": app.private_key.get_secret_value()}
        answer = self._ask("POST", "/api/git-accounts/installations", json=body)
        return TypeAdapter(list[InstallationBody]).validate_json(answer.content)

    def list_git_accounts(self) -> list[GitAccountBody]:
        """Return all git accounts."""
        return self._get_list(GitAccountBody, "/api/git-accounts")

    def list_repositories(self, account: str) -> list[RepositoryBody]:
        """Return the repositories that a git account was granted."""
        return self._get_list(RepositoryBody, f"/api/git-accounts/{_part(account)}/repositories")

    def remove_git_account(self, account: str) -> None:
        """Remove a git account that no project uses."""
        self._ask("DELETE", f"/api/git-accounts/{_part(account)}")

    # Projects

    def create_project(self, project: NewProject) -> ProjectBody:
        """Create a project; its snapshot starts to build."""
        return self._send(ProjectBody, "/api/projects", project)

    def list_projects(self) -> list[ProjectBody]:
        """Return all projects."""
        return self._get_list(ProjectBody, "/api/projects")

    def get_project(self, project: str) -> ProjectBody:
        """Return a project by id or name."""
        return self._get(ProjectBody, f"/api/projects/{_part(project)}")

    def change_project(self, project: str, changes: ProjectChanges) -> ProjectBody:
        """Change what is set in `changes`, and nothing else."""
        return self._change(ProjectBody, f"/api/projects/{_part(project)}", changes)

    def list_sizes(self) -> list[SizeBody]:
        """Return the sizes that projects and sessions can be given."""
        return self._get_list(SizeBody, "/api/sizes")

    def get_environment(self, project: str, *, is_revealed: bool = False) -> EnvironmentBody:
        """Return a project's environment; its values only if they are to be revealed."""
        params = {"reveal": "true"} if is_revealed else None
        return self._get(EnvironmentBody, f"/api/projects/{_part(project)}/environment", params)

    def change_environment(self, project: str, changes: EnvironmentChanges) -> EnvironmentBody:
        """Set and unset some variables of a project."""
        return self._change(EnvironmentBody, f"/api/projects/{_part(project)}/environment", changes)

    def replace_environment(self, project: str, environment: NewEnvironment) -> EnvironmentBody:
        """Replace all variables of a project."""
        path = f"/api/projects/{_part(project)}/environment"
        return self._change(EnvironmentBody, path, environment, method="PUT")

    def delete_project(self, project: str, *, cascade: bool = False) -> None:
        """Delete a project, with its sessions if `cascade`."""
        params = {"cascade": "true" if cascade else "false"}
        self._ask("DELETE", f"/api/projects/{_part(project)}", params=params, timeout=300.0)

    def redo_setup(self, project: str) -> SnapshotBody:
        """Start to build a new snapshot."""
        return self._send(SnapshotBody, f"/api/projects/{_part(project)}/snapshots")

    def begin_setup(self, project: str, new: NewSetupSession) -> SessionBody:
        """Start a session in which an agent sets a project up."""
        return self._send(SessionBody, f"/api/projects/{_part(project)}/setup-sessions", new)

    def examine_project(self, project: str) -> list[FindingBody]:
        """Have a project's snapshot examined; takes as long as a session's start."""
        answer = self._ask("POST", f"/api/projects/{_part(project)}/examination", timeout=EXAMINATION_TIMEOUT_S)
        return TypeAdapter(list[FindingBody]).validate_json(answer.content)

    def list_snapshots(self, project: str) -> list[SnapshotBody]:
        """Return a project's snapshots."""
        return self._get_list(SnapshotBody, f"/api/projects/{_part(project)}/snapshots")

    def get_snapshot_log(self, snapshot: str, after: int = 0) -> SnapshotLog:
        """Return what was added to a build's log since `after`."""
        return self._get(SnapshotLog, f"/api/snapshots/{_part(snapshot)}/log", {"after": after})

    # Pull requests

    def list_pull_requests(self, project: str) -> list[PullRequestBody]:
        """Return a project's pull requests."""
        return self._get_list(PullRequestBody, f"/api/projects/{_part(project)}/pull-requests")

    def get_pull_request(self, project: str, number: int) -> PullRequestBody:
        """Return one pull request."""
        return self._get(PullRequestBody, f"/api/projects/{_part(project)}/pull-requests/{number}")

    def get_pull_request_patch(self, project: str, number: int) -> str:
        """Return a pull request's changes as a patch."""
        return self._ask("GET", f"/api/projects/{_part(project)}/pull-requests/{number}/patch").text

    def list_checks(self, project: str, number: int) -> list[CheckBody]:
        """Return what programs say of a pull request; refused with 409 where the host has no checks."""
        return self._get_list(CheckBody, f"/api/projects/{_part(project)}/pull-requests/{number}/checks")

    def list_review_comments(self, project: str, number: int) -> list[ReviewCommentBody]:
        """Return what reviewers say of a pull request; refused with 409 where the host has no comments."""
        return self._get_list(ReviewCommentBody, f"/api/projects/{_part(project)}/pull-requests/{number}/comments")

    def merge_pull_request(self, project: str, number: int) -> PullRequestBody:
        """Merge a pull request into its base branch."""
        return self._send(PullRequestBody, f"/api/projects/{_part(project)}/pull-requests/{number}/merge")

    # Sessions

    def create_session(self, session: NewSession) -> SessionBody:
        """Start a session; returns at once, while it starts."""
        return self._send(SessionBody, "/api/sessions", session)

    def list_sessions(self, project: str | None = None) -> list[SessionBody]:
        """Return all sessions, or those of one project."""
        return self._get_list(SessionBody, "/api/sessions", {"project": project} if project else None)

    def get_session(self, session: str) -> SessionBody:
        """Return a session by its whole id."""
        return self._get(SessionBody, f"/api/sessions/{_part(session)}")

    def delete_session(self, session: str) -> None:
        """Delete a session and all it left on the host."""
        self._ask("DELETE", f"/api/sessions/{_part(session)}", timeout=120.0)

    def change_session(self, session: str, changes: SessionChanges) -> SessionBody:
        """Change what is set in `changes`, and nothing else."""
        return self._change(SessionBody, f"/api/sessions/{_part(session)}", changes)

    def send_message(self, session: str, message: NewMessage) -> MessageBody:
        """Give a session a message; the same id again does nothing."""
        return self._send(MessageBody, f"/api/sessions/{_part(session)}/messages", message)

    def get_attachment(self, session: str, message: str, position: int) -> bytes:
        """Return the file that came with a message at this place, the first being 0."""
        return self._ask(
            "GET", f"/api/sessions/{_part(session)}/messages/{_part(message)}/attachments/{position}"
        ).content

    def list_asks(self, session: str, *, is_all: bool = False) -> list[AskBody]:
        """Return what the agent asks and waits for; with `is_all`, also what is answered or withdrawn."""
        params = {"all": "true"} if is_all else None
        return self._get_list(AskBody, f"/api/sessions/{_part(session)}/asks", params)

    def answer_ask(self, session: str, ask: str, answer: Answer) -> AskBody:
        """Answer what the agent asks; refused with 409 when it is no longer open."""
        return self._send(AskBody, f"/api/sessions/{_part(session)}/asks/{_part(ask)}/answer", answer)

    def stop_session(self, session: str, wait_s: float = 0.0) -> SessionBody:
        """Interrupt the agent's turn."""
        return self._move(session, "stop", wait_s)

    def pause_session(self, session: str, wait_s: float = 0.0) -> SessionBody:
        """Hibernate a session."""
        return self._move(session, "pause", wait_s)

    def resume_session(self, session: str, wait_s: float = 0.0) -> SessionBody:
        """Bring a session back without starting the agent."""
        return self._move(session, "resume", wait_s)

    def restart_dev_server(self, session: str) -> SessionBody:
        """Restart a session's dev server with the newest environment; returns before it answers."""
        return self._send(SessionBody, f"/api/sessions/{_part(session)}/dev-server/restart")

    def fork_session(self, session: str, fork: NewFork, wait_s: float = 0.0) -> SessionBody:
        """Make a second session out of one, with its memory, disk and transcript."""
        return self._send(SessionBody, f"/api/sessions/{_part(session)}/fork", fork, wait_s)

    def list_events(self, session: str, after: int = 0, limit: int = 500) -> EventPage:
        """Return a stretch of a transcript."""
        return self._get(EventPage, f"/api/sessions/{_part(session)}/events", {"after": after, "limit": limit})

    def agent_lines(self, session: str, run: int, after: int = 0) -> Iterator[str]:
        """Yield the agent program's own lines, as far as they are kept.

        Args:
            session: Its whole id.
            run: Which start of the program, from 1.
            after: Begin at this byte of what it printed.
        """
        while True:
            path = f"/api/sessions/{_part(session)}/agent-lines"
            answer = self._ask("GET", path, params={"run": run, "after": after})
            if not answer.content:
                return
            # Not `splitlines`, which also breaks at separators that JSON leaves as they are.
            yield from answer.content.decode(errors="replace").removesuffix("\n").split("\n")
            after = int(answer.headers["x-lot-next"])

    def get_diff(self, session: str) -> DiffBody:
        """Return what differs from the session's start."""
        return self._get(DiffBody, f"/api/sessions/{_part(session)}/diff")

    def open_pull_request(self, session: str, request: NewPullRequest) -> PullRequestBody:
        """Commit, push, and open a session's pull request or bring it up to date."""
        return self._send(PullRequestBody, f"/api/sessions/{_part(session)}/pull-request", request, 120.0, waits=False)

    def get_session_pull_request(self, session: str) -> PullRequestBody:
        """Return a session's pull request."""
        return self._get(PullRequestBody, f"/api/sessions/{_part(session)}/pull-request")

    def list_processes(self, session: str) -> list[ProcessBody]:
        """Return the durable processes in a session's sandbox."""
        return self._get_list(ProcessBody, f"/api/sessions/{_part(session)}/processes")

    def list_ports(self, session: str) -> PortsBody:
        """Return the listening ports in a session's sandbox, or why they cannot be seen."""
        return self._get(PortsBody, f"/api/sessions/{_part(session)}/ports")

    def get_log(self, session: str, process: str = "dev") -> str:
        """Return what is kept of a process's output, also while the session is paused."""
        return self._ask("GET", f"/api/sessions/{_part(session)}/logs", params={"process": process}).text

    def open_terminal(self, session: str, terminal: NewTerminal) -> ProcessBody:
        """Start a shell in the sandbox."""
        return self._send(ProcessBody, f"/api/sessions/{_part(session)}/terminals", terminal)

    def get_disk_use(self, session: str) -> DiskUseBody:
        """Return what a session takes of the host's disk."""
        return self._get(DiskUseBody, f"/api/sessions/{_part(session)}/disk")

    def get_usage(self, session: str) -> UsageBody:
        """Return what a session uses."""
        return self._get(UsageBody, f"/api/sessions/{_part(session)}/usage")

    # Sockets

    def events_socket(self, session: str, after: int) -> AbstractContextManager[ClientConnection]:
        """Connect to a session's events from number `after` + 1 on."""
        return self.socket(f"/api/sessions/{_part(session)}/events/stream?after={after}")

    def process_socket(self, session: str, process: str, offset: int) -> AbstractContextManager[ClientConnection]:
        """Connect to a process's output from byte `offset` on."""
        path = f"/api/sessions/{_part(session)}/processes/{_part(process)}/stream"
        return self.socket(f"{path}?stream=out&offset={offset}")

    def socket(self, path: str) -> AbstractContextManager[ClientConnection]:
        """Connect to a WebSocket of the server."""
        return _socket(self.address, path)

    # How requests are made

    def _get(self, body: type[_Body], path: str, params: Mapping[str, Any] | None = None) -> _Body:
        return body.model_validate_json(self._ask("GET", path, params=params).content)

    def _get_list(self, body: type[_Body], path: str, params: Mapping[str, Any] | None = None) -> list[_Body]:
        return TypeAdapter(list[body]).validate_json(  # type: ignore[valid-type]
            self._ask("GET", path, params=params).content
        )

    def _send(
        self, body: type[_Body], path: str, content: BaseModel | None = None, wait_s: float = 0.0, *, waits: bool = True
    ) -> _Body:
        answer = self._ask(
            "POST",
            path,
            params={"wait_s": wait_s} if wait_s and waits else None,
            content=content.model_dump_json() if content else None,
            headers={"Content-Type": "application/json"} if content else None,
            timeout=TIMEOUT_S + wait_s,
        )
        return body.model_validate_json(answer.content)

    def _change(self, body: type[_Body], path: str, changes: BaseModel, method: str = "PATCH") -> _Body:
        """Send only the fields that are set: null is a value."""
        content = changes.model_dump_json(exclude_unset=True)
        answer = self._ask(method, path, content=content, headers={"Content-Type": "application/json"})
        return body.model_validate_json(answer.content)

    def _move(self, session: str, verb: str, wait_s: float) -> SessionBody:
        return self._send(SessionBody, f"/api/sessions/{_part(session)}/{verb}", None, wait_s)

    def _ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **how)
        except httpx.ConnectError as error:
            raise ServerUnreachableError(self.address.url, str(error) or "no connection") from error
        except httpx.TimeoutException as error:
            raise CommandTimedOutError(
                f"{method} {path}: the server did not answer in time. Next step: see its own output, then try again."
            ) from error
        except httpx.TransportError as error:
            raise ServerUnreachableError(self.address.url, str(error) or type(error).__name__) from error
        if answer.is_error:
            raise refusal(answer.status_code, answer.content)
        return answer


def refusal(status: int, content: bytes) -> RefusedError:
    """Return what the server's refusal says, also where something between it and us answered instead."""
    try:
        said = httpx.Response(status, content=content).json()
        code, message = str(said["code"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        beginning = content[:500].decode(errors="replace")
        code, message = "server.unexpected", f"The server answered HTTP {status}: {beginning}"
    if status == httpx.codes.UNAUTHORIZED:
        message += (
            ". This command reads a token from <data folder>/api-token, which only the user that runs `lot up` may do. "
            "Next step: `export LOT_API_TOKEN=$(sudo cat /var/lib/lot/api-token)` where that is root, "
            "or set LOT_DATA_DIR where the data folder is another"
        )
    return RefusedError(status, code, message)


@contextmanager
def _socket(address: Address, path: str) -> Iterator[ClientConnection]:
    try:
        connection = connect(
            address.socket_url + path,
            additional_headers=address.headers,
            max_size=MAX_SOCKET_MESSAGE_BYTES,
            proxy=None,
        )
    except InvalidStatus as error:
        raise refusal(error.response.status_code, bytes(error.response.body or b"")) from error
    except (OSError, InvalidHandshake) as error:
        raise ServerUnreachableError(address.url, str(error)) from error
    with connection:
        yield connection


def _part(text: str) -> str:
    return quote(text, safe="")
