"""A GitHub on loopback: its API and git over HTTP. What does not fit GitHub's own description is refused.

Its answers are the published examples with the mock's own values in them, and are held against the description, too.
"""

import base64
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import anyio.to_thread
import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github_description import Description, Operation
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

API = "/api/v3"
TOKEN = "ghp_token-of-ada"
APP, INSTALLATION, SLUG = 7, 70, "lot-app"
GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    **{f"GIT_{who}_NAME": "GitHub" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "noreply@github.com" for who in ("AUTHOR", "COMMITTER")},
}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, {"message": message, "documentation_url": "https://docs.github.com", **more}


@dataclass
class Pull:
    """A pull request."""

    number: int
    title: str
    body: str
    head: str
    base: str
    state: str = "open"
    merged: bool = False
    draft: bool = False
    head_sha: str = ""


@dataclass
class Seen:
    """A request that came."""

    method: str
    path: str
    authorization: str


@dataclass
class MockGitHub:
    """The host's state; tests set it before they act and read it afterwards."""

    description: Description
    folder: Path
    """Holds a checkout, `host`, of the one repository: `ada/sample`."""
    url: str = ""
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    email: str | None = None
    down_for: int = 0
    """How many of the coming requests find it down, git's included."""
    api_down_for: int = 0
    """How many of the coming API requests that write find it down."""
    rate_limited_s: int | None = None
    installation_token_s: float = 3600.0
    installations: int = 1
    """How many the app has, numbered from `INSTALLATION` on."""
    suspended: set[int] = field(default_factory=set)
    pulls: list[Pull] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    may_read_checks: bool = True
    seen: list[Seen] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What did not fit the description, of requests or of answers."""
    made_tokens: int = 0

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """Return the app's key."""
        return rsa.generate_private_key(65537, 2048)

    @property
    def private_key(self) -> str:
        """The app's key as it is downloaded."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()

    def git(self, *arguments: str) -> str | None:
        """Run git in the repository; None when it fails."""
        done = subprocess.run(
            ["git", "-C", str(self.folder / "host"), *arguments], env=GIT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    def app(self) -> Starlette:
        """Return the host."""
        routes = [
            Route(API + "/{path:path}", self._api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/ada/sample.git/{path:path}", self._git, methods=["GET", "POST"]),
        ]
        return Starlette(routes=routes)

    async def _api(self, request: Request) -> Response:
        path, body = "/" + request.path_params["path"], await request.body()
        self.seen.append(Seen(request.method, path, request.headers.get("authorization", "")))
        operation = self.description.find(request.method, path)
        if operation is None:
            self.faults.append(f"{request.method} {path} is not described")
            return JSONResponse({"message": "Not Found"}, 404)
        faults = operation.faults_of_request(request.query_params, request.headers.get("content-type"), body)
        if faults:
            self.faults += [f"{request.method} {path}: {fault}" for fault in faults]
            return JSONResponse({"message": "; ".join(faults)}, 400)
        headers = {}
        try:
            self._admit(request, path)
            status, answer = await anyio.to_thread.run_sync(self._answer, operation, request, body)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
            if self.rate_limited_s is not None:
                headers = {"retry-after": str(self.rate_limited_s), "x-ratelimit-remaining": "0"}
        self.faults += [f"answer to {path}: {fault}" for fault in operation.faults_of_answer(status, answer)]
        return JSONResponse(answer, status, headers)

    def _admit(self, request: Request, path: str) -> None:
        self._be_down()
        if self.api_down_for and request.method != "GET":
            self.api_down_for -= 1
            raise Refusal(502, "Server Error")
        if self.rate_limited_s is not None:
            raise Refusal(429, "API rate limit exceeded")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if path.startswith("/app/"):
            public = self.key.public_key()
            try:
                claims = jwt.decode(token, public, algorithms=["RS256"])
            except jwt.InvalidTokenError as error:
                raise Refusal(401, "A JSON web token could not be decoded") from error
            if scheme != "Bearer" or claims["iss"] != str(APP):
                raise Refusal(401, "Integration not found")
        elif scheme.lower() not in ("token", "bearer") or token not in self.tokens:
            raise Refusal(401, "Bad credentials")

    def _be_down(self) -> None:
        if self.down_for:
            self.down_for -= 1
            raise Refusal(503, "Service unavailable")

    def _answer(self, operation: Operation, request: Request, body: bytes) -> tuple[int, Any]:
        answers = {
            "GET /user": self._user,
            "GET /users/{username}": self._bot,
            "GET /user/repos": self._repositories,
            "GET /installation/repositories": self._installed_repositories,
            "GET /app/installations": self._list_installations,
            "GET /app/installations/{installation_id}": self._installation,
            "POST /app/installations/{installation_id}/access_tokens": self._installation_token,
            "GET /repos/{owner}/{repo}": self._repository,
            "GET /repos/{owner}/{repo}/pulls": self._list_pulls,
            "POST /repos/{owner}/{repo}/pulls": self._create_pull,
            "GET /repos/{owner}/{repo}/pulls/{pull_number}": self._show_pull,
            "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge": self._merge,
            "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": self._check_runs,
            "GET /repos/{owner}/{repo}/commits/{ref}/status": self._combined_status,
            "GET /repos/{owner}/{repo}/pulls/{pull_number}/comments": self._comments,
        }
        values = operation.values
        if "repo" in values and (values["owner"], values["repo"]) != ("ada", "sample"):
            raise Refusal(404, "Not Found")
        given = {**request.query_params, **(json.loads(body) if body else {}), **values}
        return answers[f"{request.method} {operation.template}"](operation, given)

    # Who asks

    def _user(self, operation: Operation, _: Any) -> tuple[int, Any]:
        user = {"login": "ada", "id": 42, "name": "Ada Lovelace", "email": self.email, "user_view_type": "private"}
        return 200, operation.example() | user

    def _bot(self, operation: Operation, given: Any) -> tuple[int, Any]:
        user = {"login": given["username"], "id": 43, "name": None, "email": None, "user_view_type": "public"}
        return 200, operation.example() | user

    def _installation(self, operation: Operation, given: Any) -> tuple[int, Any]:
        if given["installation_id"] != str(INSTALLATION):
            raise Refusal(404, "Not Found")
        return 200, operation.example() | {"id": INSTALLATION, "app_slug": SLUG}

    def _list_installations(self, operation: Operation, given: Any) -> tuple[int, Any]:
        size, page = int(given.get("per_page", "30")), int(given.get("page", "1"))
        numbers = range(INSTALLATION, INSTALLATION + self.installations)[(page - 1) * size : page * size]
        example = operation.example()[0]
        # As it is described here, an account is a user and an enterprise at once.
        enterprise = {"name": "Ada", "slug": "ada-s", "created_at": None, "updated_at": None}
        account = example["account"] | enterprise | {"login": "ada"}
        told = {"app_slug": SLUG, "account": account, "repository_selection": "selected"}
        return 200, [
            example | told | {"id": each, "suspended_at": "2026-01-01T00:00:00Z" if each in self.suspended else None}
            for each in numbers
        ]

    def _installation_token(self, operation: Operation, given: Any) -> tuple[int, Any]:
        self._installation(self.description.find("GET", f"/app/installations/{INSTALLATION}"), given)  # type: ignore[arg-type]
        self.made_tokens += 1
        token = f"ghs_installation-{self.made_tokens}"
        self.tokens.add(token)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.installation_token_s))
        return 201, {"token": token, "expires_at": expires, "permissions": {"contents": "write"}}

    # Repositories

    def _shown(self, example: Any) -> Any:
        return example | {
            "name": "sample",
            "full_name": "ada/sample",
            "private": True,
            "clone_url": f"{self.url}/ada/sample.git",
            "default_branch": "main",
            "permissions": {"admin": False, "push": True, "pull": True},
        }

    def _repository(self, operation: Operation, _: Any) -> tuple[int, Any]:
        # The example is of a fork, and lacks what its own description requires.
        example = {name: value for name, value in operation.example().items() if name not in ("parent", "source")}
        return 200, self._shown(example | {"language": None})

    def _repositories(self, operation: Operation, given: Any) -> tuple[int, Any]:
        return 200, [self._shown(operation.example()[0])] if given.get("page", "1") == "1" else []

    def _installed_repositories(self, operation: Operation, given: Any) -> tuple[int, Any]:
        example = operation.example()
        return 200, example | {"total_count": 1, "repositories": [self._shown(example["repositories"][0])]}

    # Pull requests

    def _brought_up_to_date(self, pull: Pull) -> Pull:
        if pull.state == "open":
            pull.head_sha = self.git("rev-parse", f"refs/heads/{pull.head}") or pull.head_sha
            if self.git("merge-base", "--is-ancestor", pull.head_sha, pull.base) is not None:
                pull.state, pull.merged = "closed", True
        return pull

    def _told(self, example: Any, pull: Pull) -> Any:
        head = example["head"] | {"ref": pull.head, "sha": pull.head_sha, "label": f"ada:{pull.head}"}
        merged_at = "2026-01-01T00:00:00Z" if pull.merged else None
        told = example | {
            "number": pull.number,
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "draft": pull.draft,
            "html_url": f"{self.url}/ada/sample/pull/{pull.number}",
            "head": head,
            "requested_teams": [],
            "base": example["base"] | {"ref": pull.base},
            "merged_at": merged_at,
            "closed_at": None if pull.state == "open" else "2026-01-01T00:00:00Z",
        }
        return told | {"merged": pull.merged} if "merged" in example else told

    def _found(self, given: Any) -> Pull:
        for pull in self.pulls:
            if str(pull.number) == given["pull_number"]:
                return self._brought_up_to_date(pull)
        raise Refusal(404, "Not Found")

    def _list_pulls(self, operation: Operation, given: Any) -> tuple[int, Any]:
        open_ones = [pull for pull in self.pulls if self._brought_up_to_date(pull).state == "open"]
        wanted = [pull for pull in open_ones if given.get("head") in (None, f"ada:{pull.head}")]
        return 200, [self._told(operation.example()[0], pull) for pull in wanted]

    def _create_pull(self, operation: Operation, given: Any) -> tuple[int, Any]:
        base, head = (self.git("rev-parse", f"refs/heads/{given[name]}") for name in ("base", "head"))
        if head is None or base is None:
            field_ = "head" if head is None else "base"
            raise _invalid({"resource": "PullRequest", "field": field_, "code": "invalid"})
        if any(self._brought_up_to_date(one).state == "open" and one.head == given["head"] for one in self.pulls):
            raise _invalid(_custom(f"A pull request already exists for ada:{given['head']}."))
        if self.git("merge-base", "--is-ancestor", head, base) is not None:
            raise _invalid(_custom(f"No commits between {given['base']} and {given['head']}"))
        number = len(self.pulls) + 11
        pull = Pull(number, given["title"], given.get("body", ""), given["head"], given["base"], head_sha=head)
        self.pulls.append(pull)
        return 201, self._told(operation.example(201), pull)

    def _show_pull(self, operation: Operation, given: Any) -> tuple[int, Any]:
        return 200, self._told(operation.example(), self._found(given))

    def _merge(self, operation: Operation, given: Any) -> tuple[int, Any]:
        pull = self._found(given)
        if pull.state != "open" or pull.draft:
            raise Refusal(405, "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable")
        if given.get("sha") not in (None, pull.head_sha):
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        message = f"Merge pull request #{pull.number} from ada/{pull.head}"
        if self.git("merge", "--no-ff", "--message", message, pull.head_sha) is None:
            self.git("merge", "--abort")
            raise Refusal(405, "Pull Request is not mergeable")
        self._brought_up_to_date(pull)
        return 200, operation.example() | {"sha": self.git("rev-parse", "HEAD"), "merged": True}

    def _check_runs(self, operation: Operation, given: Any) -> tuple[int, Any]:
        if not self.may_read_checks:
            raise Refusal(403, "Resource not accessible by personal access token")
        example = operation.example()
        runs = [example["check_runs"][0] | run | {"head_sha": given["ref"]} for run in self.checks]
        return 200, example | {"total_count": len(runs), "check_runs": runs}

    def _combined_status(self, operation: Operation, given: Any) -> tuple[int, Any]:
        example = operation.example()
        statuses = [example["statuses"][0] | status for status in self.statuses]
        return 200, example | {"sha": given["ref"], "total_count": len(statuses), "statuses": statuses}

    def _comments(self, operation: Operation, given: Any) -> tuple[int, Any]:
        self._found(given)
        return 200, [operation.example()[0] | comment for comment in self.comments]

    # Git

    async def _git(self, request: Request) -> Response:
        self.seen.append(Seen(request.method, request.url.path, request.headers.get("authorization", "")))
        try:
            self._be_down()
        except Refusal as refusal:
            return Response(str(refusal), refusal.status)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic" or base64.b64decode(given).decode().partition(":")[2] not in self.tokens:
            return Response("Authentication required", 401, {"www-authenticate": 'Basic realm="GitHub"'})
        return await anyio.to_thread.run_sync(self._run_backend, request, await request.body())

    def _run_backend(self, request: Request, body: bytes) -> Response:
        environment = GIT | {
            "GIT_PROJECT_ROOT": str(self.folder / "host"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/.git/{request.path_params['path']}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.url.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "REMOTE_USER": "ada",
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r?$", head.decode()))
        return Response(content, int(headers.pop("Status", "200").split()[0]), headers)


def _invalid(error: dict[str, str]) -> Refusal:
    return Refusal(422, "Validation Failed", errors=[error])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}


@contextmanager
def serving(mock: MockGitHub) -> Iterator[MockGitHub]:
    """Serve a mock on a port of its own for the length of the block; then nothing may have been out of shape."""
    server = uvicorn.Server(uvicorn.Config(mock.app(), port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            threading.Event().wait(0.005)
        mock.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield mock
        assert not mock.faults, "\n".join(mock.faults)
    finally:
        server.should_exit = True
        thread.join()
