"""What tests of the agent share: the real CLI as a plain process behind real guest, gateway, broker and rehearsal.

Only the sandbox is missing. The CLI gets a clean environment and a home of its own.
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import anyio
from guest_rig import GuestProcess
from model_accounts import RememberedAccounts
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from lot.broker.app import create_broker_app
from lot.broker.backoff import Backoff
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl, Passes
from lot.broker.providers import Credential, Provider, rehearsal
from lot.broker.usage import Usage
from lot.core.credentials import CredentialKind
from lot.core.errors import StaleEpochError
from lot.core.events import LivePart
from lot.core.ids import MessageId, SessionId
from lot.core.records import Attachment
from lot.guest.build import build_guest
from lot.harness.claude import ClaudeHarness, ClaudePlace, agent_binary
from lot.harness.harness import AgentOptions, AgentRecord
from lot.rehearsal.app import Rehearsal
from lot.rehearsal.script import Scenario, load_scenarios
from lot.rehearsal.serve import serve_on_socket, serve_rehearsal
from lot.runner.gateway import SandboxGateway
from lot.runner.parts import Credentials
from lot.sandbox.link import ProcessStatus
from lot.sandbox.tcp_link import TcpLink

REAL_KEY = "sk-a-secret-that-no-sandbox-may-see"
SESSION = "s0me5ess10n"
EPOCH = 3
PATIENCE_S = 45.0
"""Against a machine that is busy with other tests; each wait here ends in a second or two on an idle one."""


def directive(scenario: str, **arguments: object) -> str:
    """Return a message that names a scenario of the rehearsal."""
    return f"@@{scenario} {json.dumps(arguments)}"


async def read_journal(link: TcpLink, name: str) -> bytes:
    """Return everything that a running process has written so far."""
    status = next(status for status in await link.processes() if status.name == name)
    data = b""
    async for chunk in link.attach(name, "out", status.starts["out"]):
        data += chunk.data
        if len(data) >= status.ends["out"]:
            break
    return data


class CleanGuest(GuestProcess):
    """A guest whose programs inherit nothing of the machine that runs the tests."""

    def start(self) -> subprocess.Popen[bytes]:
        """Start it; the caller ends it."""
        self.port = free_port()
        command = [sys.executable, "-I", "-S", build_guest(self.folder), "--listen", f"{self.address}:{self.port}"]
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                [*command, "--peer", "127.0.0.1", "--state", self.folder / "state"],
                stderr=log,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            )
        self._wait_ready()
        return process


class Followed:
    """Records of one run as they come."""

    def __init__(self) -> None:
        self.records: list[AgentRecord] = []
        self._changed = anyio.Event()

    @property
    def events(self) -> list[object]:
        """All events so far."""
        return [event for record in self.records for event in record.events]

    @property
    def delivered(self) -> list[str]:
        """All messages said to be taken."""
        return [message for record in self.records for message in record.delivered]

    @property
    def parts(self) -> list[LivePart]:
        """All that was said to be written, in its order."""
        return [part for record in self.records for part in record.parts]

    @property
    def states(self) -> list[str]:
        """The agent's states in their order."""
        return [record.agent for record in self.records if record.agent is not None]

    def of(self, kind: str) -> list[object]:
        """Return the events of one kind."""
        return [event for event in self.events if event.kind == kind]  # type: ignore[attr-defined]

    async def follow(self, records: AsyncIterator[AgentRecord]) -> None:
        """Take in records to their end."""
        async for record in records:
            self.records.append(record)
            self._changed.set()
            self._changed = anyio.Event()

    async def until(self, condition: Callable[["Followed"], bool], limit_s: float = PATIENCE_S) -> "Followed":
        """Return when a condition holds."""
        with anyio.fail_after(limit_s):
            while not condition(self):
                await self._changed.wait()
        return self

    async def turns(self, count: int, limit_s: float = PATIENCE_S) -> "Followed":
        """Return when so many turns have ended, well or not, and the program has said what it does then."""

        def have_ended(self: "Followed") -> bool:
            return len(self.of("turn_ended")) + len(self.of("turn_failed")) >= count

        return await self.until(have_ended, limit_s)


@dataclass
class AgentRig:
    """One session's worth of everything around the agent."""

    folder: Path
    place: ClaudePlace
    guest: CleanGuest
    rehearsal: Rehearsal
    gateway: SandboxGateway
    provider: Provider
    harness: ClaudeHarness = field(init=False)
    link: TcpLink = field(init=False)
    accounts: RememberedAccounts = field(default_factory=RememberedAccounts)
    agent_session: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_stale: bool = False

    def __post_init__(self) -> None:
        self.harness = ClaudeHarness(self.place)
        self.link = TcpLink(self.guest.open_socket)

    @property
    def metered(self) -> list[tuple[SessionId, str, Usage]]:
        """What the broker noted of each answer."""
        return self.accounts.metered

    @property
    def workspace(self) -> Path:
        """The checkout, with a file `a.txt`."""
        return self.folder / "workspace"

    def options(self, run: int = 1, **changes: object) -> AgentOptions:
        """Return how the agent is started."""
        options = AgentOptions(
            run=run,
            agent_session=self.agent_session,
            is_continuation=run > 1,
            cwd=PurePosixPath(self.workspace),
            model="rehearsal",
            provider="rehearsal",
            is_scripted=True,
        )
        return replace(options, **changes)  # type: ignore[arg-type]

    async def send(self, text: str, message: str | None = None, attachments: Sequence[Attachment] = ()) -> MessageId:
        """Send a message under a new id, or again under an old one."""
        message_id = MessageId(message or str(uuid.uuid4()))
        await self.harness.send(message_id, text, attachments)
        return message_id

    @asynccontextmanager
    async def following(self, run: int = 1, offset: int = 0) -> AsyncIterator[Followed]:
        """Follow a run's records for the length of the block."""
        followed = Followed()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(followed.follow, self.harness.records(self.link, run, offset))
            yield followed
            tasks.cancel_scope.cancel()

    async def status(self, run: int = 1) -> ProcessStatus:
        """Return the agent's process."""
        return next(status for status in await self.link.processes() if status.name == f"agent-{run}")


@asynccontextmanager
async def agent_rig(scenarios: Mapping[str, Scenario] | None = None) -> AsyncIterator[AgentRig]:
    """Keep everything up for the length of the block, with scenarios beside those that Lot ships."""
    folder = Path(tempfile.mkdtemp(prefix="lot-agent-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        user = _prepare(folder)
        listener = socket.create_server(("127.0.0.1", free_port()))
        rehearsed = Rehearsal({**load_scenarios(), **(scenarios or {})})
        await stack.enter_async_context(serve_rehearsal(folder / "rehearsal.sock", rehearsed))
        passes = Passes(b"k" * 32)
        token = passes.issue("session", SESSION, EPOCH)
        gateway = SandboxGateway(listener, Credentials(control_socket=folder / "control.sock", pass_token=token))
        place = ClaudePlace(
            binary=PurePosixPath(_offer_program(folder)),
            home=PurePosixPath(folder / "home"),
            user=user,
            model_url=f"http://127.0.0.1:{listener.getsockname()[1]}/model",
            model_socket=None,
        )
        provider = replace_credential(rehearsal(folder / "rehearsal.sock"))
        stack.push_async_callback(provider.close)
        guest = CleanGuest(folder / "guest")
        rig = AgentRig(folder, place, guest, rehearsed, gateway, provider)
        broker = model_broker(rig, passes)
        await stack.enter_async_context(broker.running())
        await stack.enter_async_context(serve_on_socket(control_plane(broker), folder / "control.sock"))
        await gateway.open()
        stack.push_async_callback(gateway.close)
        process = guest.start()
        stack.callback(_end, process)
        stack.push_async_callback(rig.link.close)
        stack.push_async_callback(lambda: rig.harness.detach())  # of the harness that there is by then
        yield rig


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def replace_credential(provider: Provider) -> Provider:
    """Return a provider that is given a key, so that tests can look where it goes."""
    credential = Credential(kind=CredentialKind.API_KEY, secret=SecretStr(REAL_KEY))
    return replace(provider, credential=credential)


def control_plane(model: ModelBroker) -> Starlette:
    """Return a control plane that is a broker and nothing else."""
    return Starlette(routes=[Mount("/broker", app=create_broker_app(model, git=PlainTextResponse("git")))])


def model_broker(rig: AgentRig, passes: Passes) -> ModelBroker:
    """Return a broker that asks the rig's provider, again after a moment when that fails."""

    async def check_epoch(kind: str, id: str, epoch: int) -> None:
        if (kind, id, epoch) != ("session", SESSION, EPOCH) or rig.is_stale:
            raise StaleEpochError(f"epoch {epoch} of {kind} {id} is over")

    async def provider_of(session_id: SessionId) -> Provider:
        return rig.provider

    backoff = Backoff(attempts=3, first_s=0.1)
    return ModelBroker(PassControl(passes, check_epoch), provider_of, rig.accounts, rig.accounts.on_wait, backoff)


def _prepare(folder: Path) -> str:
    """Make the folders of the agent, and return who owns them: never root, whom the CLI gives fewer rights."""
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    for name in ("home", "workspace", "guest"):
        (folder / name).mkdir()
    (folder / "workspace" / "a.txt").write_text("one two three\n")
    subprocess.run(["git", "init", "--quiet", folder / "workspace"], check=True)
    if os.geteuid() == 0:
        for path in (folder, *(folder / "home", folder / "workspace"), *(folder / "workspace").rglob("*")):
            shutil.chown(path, user)
    folder.chmod(0o755)
    return user


def _offer_program(folder: Path) -> Path:
    """Return the CLI at a place where its user may run it: nobody but root looks into a checkout below /root."""
    source, offered = agent_binary().source, folder / "claude"
    try:
        os.link(source, offered)
    except OSError:  # another file system
        shutil.copy2(source, offered)
    return offered


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(PATIENCE_S)
