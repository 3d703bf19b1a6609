"""A small working world for tests of the engine: runners, sandboxes and agents in memory, that misbehave on demand.

Everything else is real: the store (SQLite), the leases, the moves, the workers. A sandbox of this world has a counter
in memory, so that a test sees whether memory came back.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import anyio
from pydantic import SecretStr

from lot.broker.commit_files import CommitFiles
from lot.broker.mirror import SourceBranches
from lot.core.asks import Answer
from lot.core.credentials import AccountSecret, AppKey, CredentialKind, GitCredential, ModelKey
from lot.core.errors import (
    AgentError,
    LotError,
    NotFoundError,
    RepositoryError,
    RunnerGoneError,
    SandboxUnavailableError,
)
from lot.core.events import (
    AgentGone,
    AgentText,
    AskClosed,
    LivePart,
    PermissionAsked,
    PlanProposed,
    QuestionAsked,
    TurnEnded,
)
from lot.core.ids import AskId, MessageId, ProjectId, RunnerId, SandboxId, new_id
from lot.core.image_source import FetchedImage, ImageSource
from lot.core.records import GitAccount, PullRequest, PullRequestState
from lot.core.session import AgentState
from lot.fleet.fleet import RunnerHandle
from lot.forge.forge import (
    Check,
    ForgeCapability,
    ForgePullRequest,
    HostIdentity,
    HostInstallation,
    HostRepository,
    PullRequestRequest,
    ReviewComment,
)
from lot.harness.harness import AgentRecord
from lot.runner.protocol import (
    AgentOrder,
    Assignment,
    AttachmentBody,
    BringUpOrder,
    BringUpResult,
    CommandOrder,
    CommandOutcome,
    ConfigureOrder,
    DevOrder,
    DevStatus,
    DiffResult,
    PauseResult,
    PortBody,
    ProcessBody,
    PublishOrder,
    PublishResult,
    RunnerNews,
    RunnerState,
    SyncOrder,
    SyncResult,
    TerminalOrder,
)
from lot.sandbox.link import Chunk


@dataclass
class Agent:
    """The agent program of one sandbox: what it printed, and which messages it has seen."""

    records: list[AgentRecord] = field(default_factory=list)
    seen: list[MessageId] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)
    is_running: bool = True
    asks: list[AskId] = field(default_factory=list)
    answers: dict[AskId, Answer] = field(default_factory=dict)

    def copy(self) -> "Agent":
        """Return the agent as it comes back from a memory image."""
        return Agent(
            records=list(self.records),
            seen=list(self.seen),
            is_running=self.is_running,
            asks=list(self.asks),
            answers=dict(self.answers),
        )

    def ask(self, *events: QuestionAsked | PlanProposed | PermissionAsked, run: int = 1) -> None:
        """Ask the user."""
        self.asks += [AskId(event.ask_id) for event in events]
        self.say(run=run, events=events, agent=AgentState.WAITING)

    def take(self, ask: AskId, run: int = 1) -> None:
        """Say that an answer was taken, and go on."""
        closed = AskClosed(at=datetime.now(UTC), ask_id=ask, outcome="taken")
        self.asks.remove(ask)
        self.say(run=run, events=(closed,), agent=AgentState.RUNNING)

    def die(self, run: int = 1) -> None:
        """End at once, as after `kill -9`."""
        self.is_running = False
        self.asks.clear()
        gone = AgentGone(at=datetime.now(UTC), reason="killed by signal 9")
        self.say(run=run, events=(gone,), is_end=True)

    def end(self, run: int = 1) -> None:
        """End in order, as after SIGTERM."""
        self.is_running = False
        self.say(run=run, is_end=True)

    def stream(self, *parts: LivePart, run: int = 1) -> None:
        """Say what is only shown."""
        offset = 10 * sum(not record.is_live for record in self.records)
        self._add(AgentRecord(run=run, from_offset=offset, to_offset=offset, events=(), parts=parts, is_live=True))

    def say(self, **what: object) -> None:
        """Print one record of ten bytes."""
        offset = 10 * sum(not record.is_live for record in self.records)
        fields: dict[str, object] = {"run": 1, "from_offset": offset, "to_offset": offset + 10, "events": ()} | what
        self._add(AgentRecord(**fields))  # type: ignore[arg-type]

    def _add(self, record: AgentRecord) -> None:
        self.records.append(record)
        self.changed.set()
        self.changed = anyio.Event()


@dataclass
class Sandbox:
    """A sandbox that is on."""

    counter: int = 0
    agents: dict[int, Agent] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    dev: DevStatus = field(default_factory=lambda: DevStatus(status="absent"))
    beside: dict[str, ProcessBody] = field(default_factory=dict)
    """What runs beside the dev server, by the names of durable processes."""
    ports: tuple[PortBody, ...] = ()
    dev_starts: list[dict[str, str]] = field(default_factory=list)
    """What the dev server's process was given, each time that one was started."""
    written: anyio.Event = field(default_factory=anyio.Event)
    """Set by the next file that is written."""
    file_watchers: int = 0

    def write_file(self) -> None:
        """Write a file in the workspace."""
        self.written.set()
        self.written = anyio.Event()


class World:
    """All that exists on the pretended host."""

    def __init__(self) -> None:
        self.sandboxes: dict[str, Sandbox] = {}
        self.saved: dict[str, Sandbox] = {}
        self.runners: dict[RunnerId, Runner] = {}
        self.dotenv: dict[str, dict[str, str]] = {}
        """Of each sandbox, what `.env` holds on its disk."""
        self.fail: dict[str, LotError] = {}
        """Method name to the error that it raises until removed."""
        self.hold: dict[str, anyio.Event] = {}
        """Method name to an event for which it waits."""
        self.calls: list[str] = []
        self.taken: list[MessageId] = []
        """Messages as agents took them, repeats included if any got through."""
        self.turns_end_by_themselves = True
        self.answers_are_taken = True
        self.commands: list[str] = []
        self.exit_codes: dict[str, int] = {}
        """Of commands by their name, where they fail."""
        self.command_orders: list[CommandOrder] = []
        self.repository: dict[str, str] = {}
        """Path to text of the files of every commit."""
        self.images = PretendedImages()
        self.orders: list[AgentOrder] = []
        self.brought_up: list[BringUpOrder] = []
        self.configured: list[ConfigureOrder] = []
        self.programs: list[str] = []
        self.files: list[str] = []
        """Names of files as agents were given them."""
        self.newest, self.changed_files = "c0ffee", tuple[str, ...]()
        """The newest commit of every repository, and the files that differ between it and any other."""
        self.environments: list[dict[str, str]] = []
        """What dev servers were told, in the order of their starts."""
        self.restarts = 0
        self.needs: dict[str, str] = {}
        """Variables without whose values a dev server does not start."""
        self.memory = b""
        """What is found in memory images."""
        self.dev_orders: list[DevOrder] = []
        self.printed: dict[str, bytes] = {}
        """What each durable process prints as soon as it is started."""
        self.ends_at_once: dict[str, int] = {}
        """Durable processes that end as soon as they are started, and their exit codes."""
        self.provider = PretendedProvider()
        self.diffs: dict[tuple[str, ...], DiffResult] = {}
        """What differs, by the paths that are asked for; () is everything."""
        self.diffs_asked: list[tuple[str, ...]] = []
        self.forge = PretendedForge()
        self.host = PretendedHost()
        self.sources: list[tuple[str, GitCredential | None]] = []
        """What mirrors were made of."""
        self.published: list[PublishOrder] = []
        self.commit: Callable[[PublishOrder], str] = lambda _: new_id()
        """Makes the commit that a runner publishes."""

    async def enter(self, method: str) -> None:
        """Note a call, then wait or fail as the test has asked for."""
        self.calls.append(method)
        if method in self.hold:
            await self.hold[method].wait()
        if method in self.fail:
            raise self.fail[method]


class Runner:
    """One runner; `kill` is what `kill -9` does to it."""

    def __init__(self, world: World, runner: RunnerId) -> None:
        self.world, self.runner = world, runner
        self.assignment: Assignment | None = None
        self.is_alive = True
        self.news: list[RunnerNews] = []
        self._changed = anyio.Event()

    def kill(self) -> None:
        """End at once; the sandbox stays."""
        self.is_alive = False
        self.world.runners.pop(self.runner, None)
        self._wake()

    def tell(self, news: RunnerNews) -> None:
        """Push news."""
        self.news.append(news)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _enter(self, method: str) -> None:
        await anyio.lowlevel.checkpoint()
        self._check()
        await self.world.enter(method)
        self._check()

    def _check(self) -> None:
        if not self.is_alive:
            raise RunnerGoneError(f"runner {self.runner} is gone")

    @property
    def _sandbox(self) -> Sandbox:
        sandbox = self.world.sandboxes.get(self.assignment.sandbox) if self.assignment else None
        if sandbox is None:
            raise SandboxUnavailableError("the sandbox is not on")
        return sandbox

    async def state(self) -> RunnerState:
        self._check()
        bound = self.assignment
        return RunnerState(
            runner=self.runner,
            pid=1,
            assignment_kind=bound.kind if bound else None,
            assignment_id=bound.id if bound else None,
            epoch=bound.epoch if bound else None,
            sandbox_is_on=bound is not None and bound.sandbox in self.world.sandboxes,
        )

    async def assign(self, assignment: Assignment) -> None:
        await self._enter("assign")
        self.assignment = assignment

    async def bring_up(self, order: BringUpOrder) -> BringUpResult:
        await self._enter("bring_up")
        self.world.brought_up.append(order)
        assert self.assignment is not None
        name, reason = self.assignment.sandbox, None
        Path(order.upper).mkdir(parents=True, exist_ok=True)
        for rung in order.rungs:
            if rung.kind == "adopt" and name in self.world.sandboxes:
                return BringUpResult(rung="adopt")
            if rung.kind == "memory" and rung.image is not None:
                if rung.image in self.world.saved and Path(rung.image).exists():
                    saved = self.world.saved[rung.image]
                    self.world.sandboxes[name] = Sandbox(
                        saved.counter,
                        {run: agent.copy() for run, agent in saved.agents.items()},
                        dev=saved.dev,
                        beside=dict(saved.beside),
                        ports=saved.ports,
                        dev_starts=list(saved.dev_starts),
                    )
                    return BringUpResult(rung="memory")
                reason = "the image is damaged"
            if rung.kind == "disk":
                self.world.sandboxes[name] = Sandbox()
                return BringUpResult(rung="disk", reason=reason)
        raise SandboxUnavailableError("no rung held")

    async def sync(self, order: SyncOrder) -> SyncResult:
        await self._enter("sync")
        assert self.assignment is not None
        self.world.dotenv[self.assignment.sandbox] = dict(order.environment)
        return SyncResult(commit=self.world.newest, is_changed=False)

    async def run_command(self, order: CommandOrder) -> CommandOutcome:
        await self._enter("run_command")
        self._sandbox.commands.append(order.name)
        self.world.commands.append(order.name)
        self.world.command_orders.append(order)
        exit_code = self.world.exit_codes.get(order.name, 0)
        return CommandOutcome(exit_code=exit_code, tail="no luck\n" if exit_code else "", seconds=0.0)

    async def start_dev(self, order: DevOrder) -> DevStatus:
        await self._enter("start_dev")
        if order.restart or self._sandbox.dev.status != "answering":
            self._sandbox.dev_starts.append(dict(order.environment))
        self.world.restarts += order.restart
        self.world.environments.append(order.environment)
        is_well = self.world.needs.items() <= order.environment.items()
        self._sandbox.dev = DevStatus(
            status="answering" if is_well else "exited", port=order.port, http_status=200 if is_well else None
        )
        self.world.dev_orders.append(order)
        for process in order.processes:
            self._start_beside(f"dev-{process.name}", is_anew=order.restart)
        return self._sandbox.dev

    def _start_beside(self, name: str, *, is_anew: bool) -> None:
        known = self._sandbox.beside.get(name)
        if known is not None and known.is_running and not is_anew:
            return
        exit_code = self.world.ends_at_once.get(name)
        self._sandbox.beside[name] = ProcessBody(
            name=name,
            pid=100 if known is None else known.pid + 1,
            is_running=exit_code is None,
            exit_code=exit_code,
            starts={"out": 0},
            started_at=1_767_225_600.0,
            ends={"out": len(self.world.printed.get(name, b""))},
        )

    async def dev_status(self, wait_s: float = 0.0) -> DevStatus:
        await self._enter("dev_status")
        return self._sandbox.dev

    async def stop_dev(self) -> None:
        await self._enter("stop_dev")
        self._sandbox.dev = DevStatus(status="absent")

    async def pause(self, into: str) -> PauseResult:
        await self._enter("pause")
        self.world.saved[into] = self._sandbox
        Path(into).mkdir(parents=True)
        (Path(into) / "memory").write_bytes(self.world.memory)
        (Path(into) / "manifest.json").write_text(json.dumps({}))
        assert self.assignment is not None
        del self.world.sandboxes[self.assignment.sandbox]
        return PauseResult(image=into, total_bytes=1)

    async def start_agent(self, order: AgentOrder) -> None:
        await self._enter("start_agent")
        self.world.orders.append(order)
        self._sandbox.agents.setdefault(order.run, Agent())

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        await self._enter("answer")
        run = max(self._sandbox.agents, default=0)
        agent = self._sandbox.agents.get(run)
        if agent is None or not agent.is_running or ask not in agent.asks:
            return False
        if ask not in agent.answers:
            agent.answers[ask] = answer
            if self.world.answers_are_taken:
                agent.take(ask, run)
        return True

    async def configure_agent(self, order: ConfigureOrder) -> None:
        await self._enter("configure_agent")
        self.world.configured.append(order)

    async def send_message(self, message_id: str, text: str, attachments: Sequence[AttachmentBody] = ()) -> None:
        await self._enter("send_message")
        run = max(self._sandbox.agents)
        agent, message = self._sandbox.agents[run], MessageId(message_id)
        self.world.files += [file.name for file in attachments]
        if message in agent.seen:
            return
        agent.seen.append(message)
        self.world.taken.append(message)
        at = datetime.now(UTC)
        agent.say(run=run, agent=AgentState.RUNNING, delivered=(message,))
        agent.say(run=run, events=(AgentText(at=at, text=f"heard: {text}"),))
        if self.world.turns_end_by_themselves:
            agent.say(run=run, agent=AgentState.IDLE, events=(TurnEnded(at=at, outcome="completed"),))

    async def end_agent(self, run: int) -> None:
        await self._enter("end_agent")
        agent = self._sandbox.agents.get(run)
        if agent is not None and agent.is_running:
            agent.end(run)

    async def interrupt(self) -> None:
        await self._enter("interrupt")
        run = max(self._sandbox.agents)
        if not self._sandbox.agents[run].is_running:
            raise AgentError("the agent program is not attached: start it first")
        ended = TurnEnded(at=datetime.now(UTC), outcome="interrupted")
        self._sandbox.agents[run].say(run=run, agent=AgentState.IDLE, events=(ended,))

    async def agent_records(self, run: int, offset: int, program: str = "claude") -> AsyncIterator[AgentRecord]:
        self.world.programs.append(program)
        sandbox = self._sandbox
        agent = sandbox.agents.setdefault(run, Agent())
        position = next(
            (i for i, record in enumerate(agent.records) if record.from_offset >= offset), len(agent.records)
        )
        while True:
            changed = agent.changed
            while position < len(agent.records):
                yield agent.records[position]
                position += 1
            await changed.wait()
            self._check()
            if self._sandbox is not sandbox:
                raise SandboxUnavailableError("the sandbox ended")

    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult:
        await self._enter("diff")
        self.world.diffs_asked.append(tuple(paths))
        empty = DiffResult(base_commit=base_commit, head_commit=base_commit, patch="", is_truncated=False, files=())
        return self.world.diffs.get(tuple(paths), empty)

    async def file_changes(self) -> AsyncIterator[None]:
        await self._enter("file_changes")
        sandbox = self._sandbox
        sandbox.file_watchers += 1
        try:
            while True:
                written = sandbox.written
                yield
                await written.wait()
        finally:
            sandbox.file_watchers -= 1

    async def publish(self, order: PublishOrder) -> PublishResult:
        await self._enter("publish")
        self.world.published.append(order)
        return PublishResult(commit=self.world.commit(order), is_changed=True)

    async def processes(self) -> tuple[ProcessBody, ...]:
        await self._enter("processes")
        return (
            tuple(
                ProcessBody(
                    name=f"agent-{run}", pid=run, is_running=agent.is_running, exit_code=None, starts={}, ends={}
                )
                for run, agent in self._sandbox.agents.items()
            )
            + tuple(
                ProcessBody(name=name, pid=1, is_running=False, exit_code=0, starts={}, ends={})
                for name in self._sandbox.commands
            )
            + tuple(self._sandbox.beside.values())
        )

    async def open_terminal(self, order: TerminalOrder) -> ProcessBody:
        await self._enter("open_terminal")
        self._start_beside(order.name, is_anew=False)
        return self._sandbox.beside[order.name]

    async def close_terminal(self, name: str) -> None:
        await self._enter("close_terminal")
        if name not in self._sandbox.beside:
            raise NotFoundError(f"there is no process {name}")
        ended = {"is_running": False, "exit_code": -9}
        self._sandbox.beside[name] = self._sandbox.beside[name].model_copy(update=ended)

    @asynccontextmanager
    async def attach(self, name: str, *, stream: str = "out", offset: int = 0) -> AsyncIterator[object]:
        if name not in self._sandbox.beside:
            raise SandboxUnavailableError("no terminals in this world")
        yield _Printed(self.world.printed[name][offset:], offset)

    async def ports(self) -> tuple[PortBody, ...]:
        await self._enter("ports")
        return self._sandbox.ports

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[object]:
        raise SandboxUnavailableError("nothing listens: refused")
        yield

    async def watch(self) -> AsyncIterator[RunnerNews]:
        told = 0
        while True:
            changed = self._changed
            self._check()
            while told < len(self.news):
                yield self.news[told]
                told += 1
            await changed.wait()

    async def destroy_sandbox(self) -> None:
        await self._enter("destroy_sandbox")
        if self.assignment is not None:
            self.world.sandboxes.pop(self.assignment.sandbox, None)

    async def retire(self) -> None:
        await self._enter("retire")
        self.kill()

    async def close(self) -> None:
        return None


class _Printed:
    """The output of a durable process that prints no more."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._chunk = Chunk(offset=offset, data=data)

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        yield self._chunk


class PretendedFleet:
    """Hands out runners of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def open(self) -> None:
        return None

    async def take(self) -> tuple[RunnerHandle, Runner]:
        await self.world.enter("take")
        runner = RunnerId(new_id())
        self.world.runners[runner] = Runner(self.world, runner)
        return RunnerHandle(runner=runner, address=""), self.world.runners[runner]

    async def find(self, runner: RunnerId) -> tuple[RunnerHandle, Runner] | None:
        found = self.world.runners.get(runner)
        return (RunnerHandle(runner=runner, address=""), found) if found else None

    async def is_dead(self, runner: RunnerId) -> bool:
        return runner not in self.world.runners

    async def list_runners(self) -> tuple[RunnerHandle, ...]:
        return tuple(RunnerHandle(runner=runner, address="") for runner in self.world.runners)

    async def stop(self, runner: RunnerId) -> None:
        if runner in self.world.runners:
            self.world.runners[runner].kill()

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        return tuple(SandboxId(name) for name in self.world.sandboxes)

    async def reap_sandbox(self, sandbox: SandboxId) -> None:
        self.world.sandboxes.pop(sandbox, None)

    async def close(self, *, stop_idle: bool = True) -> None:
        return None


@dataclass
class Head:
    """The newest commit of a branch."""

    branch: str
    commit: str


class PretendedMirrors:
    """Repositories that are always there, or fail as the test has asked for."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def create(
        self, project_id: ProjectId, source: str, branch: str | None, *, credential: GitCredential | None = None
    ) -> Head:
        self.world.sources.append((source, credential))
        await self.world.enter("mirror_create")
        return Head(branch or "main", "c0ffee")

    async def list_branches(self, source: str, credential: GitCredential | None = None) -> SourceBranches:
        self.world.sources.append((source, credential))
        await self.world.enter("mirror_list_branches")
        return SourceBranches("main", ("main", "release"))

    async def fetch(self, project_id: ProjectId) -> str:
        await self.world.enter("mirror_fetch")
        return self.world.newest

    async def changed_files(self, project_id: ProjectId, old: str, new: str) -> tuple[str, ...]:
        return () if old == new else self.world.changed_files

    async def choose_branch(self, project_id: ProjectId, branch: str) -> None:
        await self.world.enter("mirror_choose_branch")

    async def read_file(self, project_id: ProjectId, commit: str, path: str, max_bytes: int) -> bytes | None:
        text = self.world.repository.get(path)
        return None if text is None else text.encode()

    async def delete(self, project_id: ProjectId) -> None:
        return None

    async def read_commit(
        self, project_id: ProjectId, commit: str, choose: Callable[[Sequence[str]], Sequence[str]]
    ) -> CommitFiles:
        await self.world.enter("mirror_read")
        return CommitFiles(frozenset(self.world.repository), self.world.repository, is_complete=True, too_large=())

    async def delete_session_refs(self, project_id: ProjectId, session_id: str) -> None:
        return None


@dataclass
class PretendedImages:
    """Images that can all be had; what a test puts into `missing` is lacking."""

    missing: tuple[str, ...] = ()
    can_be_completed: bool = True
    error: LotError | None = None
    fetched: list[str] = field(default_factory=list)
    taken_in: list[Path] = field(default_factory=list)
    handed_over: list[Path] = field(default_factory=list)
    released: list[set[str]] = field(default_factory=list)

    async def fetch(self, source: ImageSource) -> FetchedImage:
        if self.error is not None:
            raise self.error
        self.fetched.append(str(source))
        return FetchedImage(
            image_id="oci-fetched", system="Debian", missing=self.missing, can_be_completed=self.can_be_completed
        )

    async def take_in(self, archive: Path, made_from: str) -> FetchedImage:
        self.taken_in.append(archive)
        return FetchedImage(image_id="oci-built", system="Debian")

    async def hand_over(self, source: ImageSource, archive: Path) -> None:
        self.handed_over.append(archive)

    def environment(self, image_id: str) -> dict[str, str]:
        return {"IMAGE": image_id} if image_id.startswith("oci-") else {}

    async def release(self, used: Collection[str]) -> list[Path]:
        self.released.append(set(used))
        return []


@dataclass(frozen=True)
class PretendedModel:
    """A model that a provider lists."""

    id: str
    name: str


@dataclass
class PretendedProvider:
    """A provider with one model that needs no asking, and one that it lists unless the test has it fail."""

    name: str = "pretended"
    models: tuple[str, ...] = ("pretended",)
    is_scripted: bool = True
    error: LotError | None = None
    base_url: str = "https://models"
    needs_credential: bool = True
    key_kind: CredentialKind | None = None
    key_origin: Literal["environment", "stored"] | None = None
    keys: list[ModelKey | None] = field(default_factory=list)
    """Those that it was told to use, None for the environment's."""
    refusal: LotError | None = None
    """What becomes of keys that it is to use."""

    async def check_key(self, name: str, key: ModelKey) -> None:
        if self.refusal is not None:
            raise self.refusal

    def use_key(self, name: str, key: ModelKey | None) -> None:
        self.keys.append(key)
        self.key_kind, self.key_origin = (key.kind, "stored") if key else (None, None)

    async def list_models(self) -> tuple[PretendedModel, ...]:
        if self.error is not None:
            raise self.error
        return (PretendedModel("pretended-large", "Pretended Large"),)

    def readiness(self) -> str | None:
        return None if self.error is None else str(self.error)


class PretendedForge:
    """A git host that takes everything; a test says what became of its pull requests."""

    def __init__(self) -> None:
        self.capabilities: frozenset[ForgeCapability] = frozenset()
        self.opened: list[PullRequestRequest] = []
        self.updates = 0
        self.state = PullRequestState.OPEN
        """Of the newest pull request."""
        self.fail: dict[str, LotError] = {}
        """Method name to the error that it raises until removed."""
        self.closes_before_update = False
        self.numbers_itself = False

    async def open_pull_request(self, request: PullRequestRequest) -> ForgePullRequest:
        await anyio.lowlevel.checkpoint()
        self._check("open")
        self.opened.append(request)
        self.state = PullRequestState.OPEN
        return ForgePullRequest(
            number=77 if self.numbers_itself else 0,
            url="https://host/77" if self.numbers_itself else "",
            state=PullRequestState.OPEN,
            head_commit=request.head_commit,
        )

    async def update_pull_request(self, pull_request: PullRequest, commit: str) -> ForgePullRequest:
        self._check("update")
        if self.closes_before_update:
            self.state, self.closes_before_update = PullRequestState.CLOSED, False
        self.updates += 1
        return ForgePullRequest(number=pull_request.number, url=pull_request.url, state=self.state, head_commit=commit)

    async def read_pull_request(self, pull_request: PullRequest) -> ForgePullRequest:
        self._check("read")
        return ForgePullRequest(
            number=pull_request.number, url=pull_request.url, state=self.state, head_commit=pull_request.head_commit
        )

    async def merge(self, pull_request: PullRequest) -> ForgePullRequest:
        raise NotImplementedError

    async def patch(self, pull_request: PullRequest) -> str:
        raise NotImplementedError

    async def list_checks(self, pull_request: PullRequest) -> list[Check]:
        return [Check(name="tests", status="completed", conclusion="failure", url="https://host/checks/1")]

    async def list_review_comments(self, pull_request: PullRequest) -> list[ReviewComment]:
        return [ReviewComment(author="grace", path="a.txt", line=1, body="Why?", url="https://host/comments/1")]

    def _check(self, method: str) -> None:
        if method in self.fail:
            raise self.fail[method]


class PretendedHost:
    """A git host with one repository, and all accounts at it."""

    url = "https://host"

    def __init__(self) -> None:
        self.refusal: LotError | None = None
        self.secrets: list[AccountSecret] = []

    def connect(self, kind: str, url: str | None, secret: AccountSecret) -> "PretendedHost":
        self.secrets.append(secret)
        return self

    async def list_installations(self, kind: str, url: str | None, app: AppKey) -> list[HostInstallation]:
        if self.refusal is not None:
            raise self.refusal
        return [HostInstallation(id=70, account="ada", has_all_repositories=False, is_suspended=False)]

    async def get_host(self, account: GitAccount) -> "PretendedHost":
        return self

    async def identify(self) -> HostIdentity:
        if self.refusal is not None:
            raise self.refusal
        return HostIdentity(login="ada", author_name="Ada", author_email="ada@host")

    async def list_repositories(self) -> list[HostRepository]:
        return [await self.get_repository("ada/app")]

    async def get_repository(self, name: str) -> HostRepository:
        if name != "ada/app":
            raise RepositoryError(f"{name} was not granted")
        return HostRepository(
            full_name=name,
            clone_url=f"https://host/{name}.git",
            default_branch="main",
            is_private=True,
            can_push=True,
        )

    async def credential(self) -> GitCredential:
        return GitCredential(url=self.url, username="ada", password=SecretStr("of-the-host"))


class Clock:
    """Time that only a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the instant it is."""
        return self.at

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
