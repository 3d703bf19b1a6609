"""What tests of the whole of Lot share: a server in a process of its own, a tiny project, and a client of the API.

Leaves nothing on the host; every process that is killed here is known from the installation's own records.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
import sandbox_rig
from websockets.sync.client import ClientConnection, connect

from lot.config import Settings
from lot.core.ids import SandboxId
from lot.fleet.local import LocalFleet
from lot.sandbox.gvisor import open_driver
from lot.sandbox.home import Installation

PATIENCE_S = 60.0
"""Longer than anything here takes; beyond it something hangs."""
POLL_S = 0.02
PORT = 5000
DEV_COMMAND = "python3 app.py"
TURN_ENDS = ("turn_ended", "turn_failed")

Event = dict[str, Any]
Body = dict[str, Any]

_LOT = (sys.executable, "-m", "lot.cli.main")
APP = Path(__file__).with_name("acceptance_app.py")


class Server:
    """`lot up` in a process of its own, over a data folder that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = _free_port()
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.data_dir.mkdir(parents=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """What lets a client in."""
        return (self.data_dir / "api-token").read_text().strip()

    @property
    def installation(self) -> Installation:
        """Where things of its sandboxes are on this host."""
        return Installation(self.data_dir)

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def start(self, **settings: object) -> None:
        """Start it and wait until it answers; `settings` are those of `lot.config` in place of the defaults."""
        chosen = {
            "memory_reserve_bytes": 256 << 20,
            "disk_reserve_bytes": 256 << 20,
            "warm_runners": 1,
            "model_attempts": 3,
            **settings,
        }
        environment = {
            # Nothing of this machine's: a key or a setting that it happens to have is none of a test's business.
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LOT_DATA_DIR": str(self.data_dir),
            **{f"LOT_{name.upper()}": str(value) for name, value in chosen.items()},
        }
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                # With standard input it ends in order when this process is killed.
                [*_LOT, "up", "--while-stdin", "--provider", "rehearsal", "--port", str(self.port)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._is_up)

    def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def stop(self) -> int:
        """Stop it in order, if it runs, and return its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            exit_code = self._process.wait(2 * PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process.communicate()
        return exit_code

    def runner_pid(self, subject: str) -> int:
        """Return the process of the runner that serves a session or a build, as the runner itself recorded it."""
        for folder in (self.data_dir / "run" / "runners").iterdir():
            assignment, processes = _read_json(folder / "assignment.json"), _read_json(folder / "processes.json")
            if assignment.get("id") == subject and _is_alive(processes["runner"]["pid"]):
                pid: int = processes["runner"]["pid"]
                return pid
        raise AssertionError(f"no runner serves {subject}")

    def has_runner(self, subject: str) -> bool:
        """Return whether a live runner serves a session or a build."""
        try:
            return self.runner_pid(subject) > 0
        except AssertionError:
            return False

    def sandbox_pid(self, sandbox: str) -> int:
        """Return the process of a sandbox's runtime, as the runtime itself recorded it."""
        return int(self.installation.home(SandboxId(sandbox)).pid_file.read_text())

    def resident_bytes(self, pid: int | None = None) -> int:
        """Return how much memory a process holds; by default the server's."""
        pages = Path(f"/proc/{pid or self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def last_lines(self) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.last_lines()
        try:
            return httpx.get(f"{self.url}/api/health", trust_env=False).is_success
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Lot:
    """A client of one server, which says in words of the API what a user does."""

    server: Server
    folder: Path
    http: httpx.Client
    ids: list[str] = field(default_factory=list)
    """Of all sessions that were made."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **how: Any) -> Any:
        """Return what a GET answers with success."""
        return _said(self.http.get(f"/api{path}", **how))

    def post(self, path: str, body: Body | None = None, **how: Any) -> Any:
        """Return what a POST answers with success."""
        return _said(self.http.post(f"/api{path}", json=body, **how))

    def delete(self, path: str, **how: Any) -> None:
        """DELETE with success."""
        _said(self.http.delete(f"/api{path}", **how))

    # Projects

    def create_project(self, source: Path | str, **settings: Any) -> Body:
        """Create a project; its snapshot starts to build. Without a setup session, unless that is asked for."""
        chosen = {"name": f"p{uuid.uuid4().hex[:8]}", "setup_command": "true", "dev_command": DEV_COMMAND, "port": PORT}
        made: Body = self.post("/projects", {**chosen, "has_setup_session": False, "source": str(source), **settings})
        return made

    def built(self, project: str) -> Body:
        """Return a project once the build of its newest snapshot is over."""
        return until(
            lambda: _once(self.get(f"/projects/{project}"), lambda seen: seen["snapshot"]["state"] != "building")
        )

    def ready_project(self, **settings: Any) -> Body:
        """Return a tiny project whose snapshot is ready."""
        made = self.create_project(make_repository(self.folder), **settings)
        built = self.built(made["id"])
        assert built["snapshot"]["state"] == "ready", built["snapshot"]
        return built

    def build_log(self, snapshot: str) -> str:
        """Return the log of a snapshot's build."""
        text: str = self.get(f"/snapshots/{snapshot}/log")["text"]
        return text

    # Sessions

    def begin(self, project: str, **settings: Any) -> str:
        """Create a session, return its id at once, while it starts."""
        made: Body = self.post("/sessions", {"project": project, **settings})
        self.ids.append(made["id"])
        session: str = made["id"]
        return session

    def session(self, project: str, **settings: Any) -> str:
        """Return the id of a new session once its app answers."""
        session = self.begin(project, **settings)
        self.settled(session, "Idle")
        self.count(session)
        return session

    def show(self, session: str) -> Body:
        """Return a session."""
        shown: Body = self.get(f"/sessions/{session}")
        return shown

    def settled(self, session: str, *labels: str) -> Body:
        """Return a session once it bears one of these labels."""
        return until(
            lambda: _once(self.show(session), lambda seen: seen["label"] in labels), lambda: self.story(session)
        )

    def move(self, session: str, verb: str, wait_s: float = PATIENCE_S) -> Body:
        """Ask for a move and return the session as it is after it."""
        moved: Body = self.post(f"/sessions/{session}/{verb}", params={"wait_s": wait_s})
        return moved

    def send(self, session: str, text: str, message_id: str | None = None) -> str:
        """Give a session a message and return the message's id."""
        message_id = message_id or str(uuid.uuid4())
        self.post(f"/sessions/{session}/messages", {"id": message_id, "text": text})
        return message_id

    def turn(self, session: str, text: str) -> list[Event]:
        """Give a session a message and return the events from then on to the end of the turn that takes it."""
        before = self.show(session)["events"]
        message_id = self.send(session, text)
        return self.turn_of(session, message_id, before)

    def turn_of(self, session: str, message_id: str, after: int = 0) -> list[Event]:
        """Return the events up to the end of the turn that takes a message."""
        taken: list[Event] = []

        def is_over(event: Event) -> bool:
            taken.append(event)
            kinds = [seen["kind"] for seen in taken if seen.get("message_id", message_id) == message_id]
            return "message_delivered" in kinds and event["kind"] in TURN_ENDS

        return self.follow(session, is_over, after)

    def follow(self, session: str, is_last: Callable[[Event], bool], after: int = 0) -> list[Event]:
        """Return a session's events after a number, live, up to the first that is the last."""
        events: list[Event] = []
        with self.socket(f"/api/sessions/{session}/events/stream?after={after}") as stream:
            give_up_at = time.monotonic() + PATIENCE_S
            while not events or not is_last(events[-1]):
                try:
                    frame = json.loads(stream.recv(give_up_at - time.monotonic()))
                    if "event" in frame:
                        events.append(frame["event"])
                except TimeoutError:
                    raise AssertionError(f"the event never came; there were:\n{self.story(session)}") from None
        return events

    def until_event(self, session: str, kind: str, after: int = 0, **fields: Any) -> Event:
        """Return the first event of a kind with these fields after a number, which may be still to come."""
        wanted = {"kind": kind, **fields}
        return self.follow(session, lambda event: wanted.items() <= event.items(), after)[-1]

    def transcript(self, session: str) -> list[Event]:
        """Return all events, numbered without gap or double, each message added and delivered at most once."""
        page = self.get(f"/sessions/{session}/events", params={"limit": 5000})
        assert [one["number"] for one in page["events"]] == list(range(1, page["newest"] + 1))
        events: list[Event] = [one["event"] for one in page["events"]]
        for kind in ("message_added", "message_delivered"):
            often = Counter(event["message_id"] for event in events if event["kind"] == kind)
            assert all(times == 1 for times in often.values()), (kind, often)
        return events

    def story(self, session: str) -> str:
        """Return a transcript in short lines, for the message of a failure."""
        page = self.get(f"/sessions/{session}/events", params={"limit": 5000})
        return "\n".join(f"{one['number']} {json.dumps(one['event'])[:300]}" for one in page["events"])

    # The app in a sandbox

    def preview(self, session: str, path: str = "/", *, port: int = PORT, **how: Any) -> httpx.Response:
        """Return what a session's preview answers, whatever it is."""
        return self.http.get(path, headers={"Host": self.preview_host(session, port), **how.pop("headers", {})}, **how)

    def preview_host(self, session: str, port: int = PORT) -> str:
        """Return the host of a session's preview."""
        return urlsplit(f"http://{port}--{session}.preview.localhost:{self.server.port}").netloc

    def count(self, session: str) -> tuple[int, int]:
        """Have the app count in memory; return how far it is, and its process id, once it answers."""
        answer = until(
            lambda: _once(self.preview(session, "/count"), lambda seen: seen.is_success),
            lambda: self.preview(session, "/count").text,
        )
        told = answer.json()
        return told["count"], told["pid"]

    def page_kind(self, session: str, port: int = PORT) -> str | None:
        """Return which of Lot's own pages a preview shows; None: the app itself."""
        return self.preview(session, port=port).headers.get("X-Lot-Preview")

    @contextmanager
    def socket(self, path: str, *, host: str | None = None, token: str | None = None) -> Iterator[ClientConnection]:
        """Connect to a WebSocket of the server, or of the host that is named."""
        token = self.server.token if token is None else token
        with connect(
            f"ws://{host or urlsplit(self.server.url).netloc}{path}",
            sock=socket.create_connection(("127.0.0.1", self.server.port)),
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            max_size=16 << 20,
            close_timeout=1,  # one that we have stopped reading cannot say goodbye
            proxy=None,
        ) as connection:
            yield connection

    def delete_everything(self) -> None:
        """Delete all projects and sessions."""
        for project in self.get("/projects"):
            self.delete(f"/projects/{project['id']}", params={"cascade": "true"})


def until(condition: Callable[[], Any], explain: Callable[[], str] = lambda: "it never came") -> Any:
    """Return the first result that is true of something that tells no event."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        assert time.monotonic() < give_up_at, explain()
        time.sleep(POLL_S)
    return result


@contextmanager
def lot_server(disk_bytes: int | None = None, **settings: object) -> Iterator[Lot]:
    """Keep a server for the length of the block; afterwards delete all it has and check that nothing is left.

    `disk_bytes`: its data folder is on a disk of its own, of that size and in memory.
    """
    shared = Settings()
    base = shared.images_dir / "base" / "rootfs"
    if os.geteuid() != 0 or not base.exists() or not (shared.runtime_dir / "runtime.json").exists():
        pytest.skip("needs root, a proven runsc and the base image: `make setup`")
    # Not pytest's folder: an overlay must lie on a real disk.
    folder = shared.images_dir.parent / f"test-{uuid.uuid4().hex[:8]}"
    server = Server(folder)
    if disk_bytes is not None:
        size = f"size={disk_bytes},mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "lot-test", server.data_dir], check=True)
    own = shared.model_copy(update={"data_dir": server.data_dir})
    traces = sandbox_rig.Rig(driver=open_driver(own), base=base.resolve(), folder=folder)
    try:
        server.start(**settings)
        with httpx.Client(base_url=server.url, timeout=3 * PATIENCE_S, trust_env=False) as http:
            http.headers["Authorization"] = f"Bearer {server.token}"
            lot = Lot(server, folder, http)
            yield lot
            if server._process.poll() is not None:
                server.start()
            lot.delete_everything()
            assert server.stop() == 0, server.last_lines()
        assert set(traces.remains()) <= {f"mount {server.data_dir}"} if disk_bytes else not traces.remains()
        assert not _left(server.data_dir)
    except BaseException:
        print(server.last_lines())
        raise
    finally:
        anyio.run(_end, server, own, traces)
        if disk_bytes is not None:
            subprocess.run(["umount", "--lazy", server.data_dir], check=True)
        shutil.rmtree(folder)
        shutil.rmtree(server.installation.run_dir, ignore_errors=True)


def make_repository(folder: Path) -> Path:
    """Make a repository with the tiny app, and return it."""
    repository = folder / f"repository-{uuid.uuid4().hex[:6]}"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    shutil.copy(APP, repository / "app.py")
    commit(repository, "README.md", "A tiny app.\n")
    return repository


def commit(repository: Path, file: str, text: str) -> None:
    """Write a file of a repository and commit everything."""
    (repository / file).write_text(text)
    git(repository, "add", "--all")
    git(repository, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", f"Change {file}")


def git(repository: Path, *arguments: str) -> str:
    """Run git in a repository with no configuration of this machine's."""
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(
        ["git", *arguments], cwd=repository, env=environment, check=True, capture_output=True, text=True
    ).stdout


async def _end(server: Server, settings: Settings, traces: sandbox_rig.Rig) -> None:
    """End what a test that failed has left."""
    if server._process is not None and server._process.poll() is None:
        server.kill()
    fleet = LocalFleet(settings)
    for handle in await fleet.list_runners():
        await fleet.stop(handle.runner)
    await traces.destroy_all()


def _left(data_dir: Path) -> list[Path]:
    """Return disks, images and mirrors that nothing refers to after everything was deleted."""
    return [path for folder in ("layers", "hibernation", "mirrors", "logs") for path in data_dir.glob(f"{folder}/*")]


def _said(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    is_json = answer.content and answer.headers.get("content-type", "").startswith("application/json")
    return answer.json() if is_json else answer.text


def _once(value: Any, is_it: Callable[[Any], bool]) -> Any:
    return value if is_it(value) else None


def _read_json(path: Path) -> Body:
    try:
        read: Body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return read


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
