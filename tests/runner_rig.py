"""What tests of runners share: an installation with a fleet of its own, and a control plane that renews leases."""

import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from lot.broker.passes import MIN_KEY_BYTES, Passes
from lot.config import Settings
from lot.core.ids import RunnerId, SandboxId
from lot.fleet.local import LocalFleet
from lot.rehearsal.serve import serve_on_socket
from lot.runner.client import RunnerClient
from lot.runner.main import PROCESSES_FILE
from lot.runner.process_id import ProcessId
from lot.runner.protocol import Assignment, RunnerNews

PATIENCE_S = 30.0
PASSES = Passes(b"k" * MIN_KEY_BYTES)
STAND_IN_PARTS = "stand_in_parts:make_parts"


@dataclass
class ControlPlane:
    """What runners see of a control plane: it answers renewals with `status` and counts them."""

    socket: Path
    broker: ASGIApp | None = None
    """Serves the model and git, where a test needs them."""
    status: int = 204
    renewals: int = 0
    candidates: list[str] = field(default_factory=list)
    _changed: anyio.Event = field(default_factory=anyio.Event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Be there for the length of the block; away before and after."""
        routes: list[BaseRoute] = [] if self.broker is None else [Mount("/broker", app=self.broker)]
        leases = [
            Route("/renew", self._renew, methods=["POST"]),
            Route("/candidate", self._take_candidate, methods=["POST"]),
        ]
        async with (
            serve_on_socket(Starlette(routes=routes), self.socket),
            serve_on_socket(Starlette(routes=leases), self.socket.with_name("lease.sock")),
        ):
            yield

    async def renewed(self) -> None:
        """Return at the next renewal."""
        with anyio.fail_after(PATIENCE_S):
            await self._changed.wait()

    async def _renew(self, request: Request) -> Response:
        self.renewals += 1
        self._changed.set()
        self._changed = anyio.Event()
        return Response(status_code=self.status)

    async def _take_candidate(self, request: Request) -> Response:
        self.candidates.append((await request.json())["image"])
        return Response(status_code=204)


@dataclass
class Times:
    """Of a lease, shortened for tests that let it run out."""

    renew_every_s: float = 5.0
    freeze_after_s: float = 20.0
    kill_after_s: float = 30.0


SHORT = Times(renew_every_s=0.1, freeze_after_s=0.8, kill_after_s=1.6)
DEFAULT = Times()


@dataclass
class FleetRig:
    """An installation in a folder of its own."""

    settings: Settings
    fleet: LocalFleet
    control: ControlPlane
    parts: str

    @property
    def data_dir(self) -> Path:
        """Where everything of it lies."""
        return self.settings.data_dir

    def another_fleet(self) -> LocalFleet:
        """Return a fleet as the next control plane has it; the caller opens and closes it."""
        return LocalFleet(self.settings, parts=self.parts)

    async def assigned(
        self, sandbox: str | None = None, epoch: int = 1, times: Times = DEFAULT
    ) -> tuple[RunnerId, RunnerClient, SandboxId]:
        """Take a runner and assign it to a session of its own, or to a given sandbox."""
        handle, client = await self.fleet.take()
        sandbox = sandbox or f"t{secrets.token_hex(4)}"
        await client.assign(self.assignment(handle.runner, sandbox, epoch, times))
        return handle.runner, client, SandboxId(sandbox)

    def assignment(self, runner: RunnerId, sandbox: str, epoch: int = 1, times: Times = DEFAULT) -> Assignment:
        """Return what binds a runner to the session of a sandbox."""
        return Assignment(
            kind="session",
            id=sandbox,
            epoch=epoch,
            sandbox=sandbox,
            runner=runner,
            pass_token=PASSES.issue("session", sandbox, epoch),
            **vars(times),
        )

    def processes(self, runner: RunnerId) -> tuple[ProcessId, ProcessId]:
        """Return the process of a runner, and of its watchdog."""
        record = json.loads((self.data_dir / "run/runners" / runner / PROCESSES_FILE).read_text())
        return ProcessId(**record["runner"]), ProcessId(**record["watchdog"])

    def logs(self) -> str:
        """Return what the zygote and the runners said."""
        return "\n".join(file.read_text() for file in sorted((self.data_dir / "run").rglob("*.log")))

    async def end(self) -> None:
        """Stop every runner and destroy every sandbox."""
        await self.fleet.close()
        for handle in await self.fleet.list_runners():
            await self.fleet.stop(handle.runner)
        for sandbox in await self.fleet.list_sandboxes():
            await self.fleet.reap_sandbox(sandbox)


@asynccontextmanager
async def fleet_rig(
    parts: str = STAND_IN_PARTS, *, warm: int = 1, folder: Path | None = None, broker: ASGIApp | None = None
) -> AsyncIterator[FleetRig]:
    """Keep an installation with an open fleet and a control plane for the length of the block."""
    base = folder or Path(tempfile.mkdtemp(prefix="lot-fleet-"))
    settings = Settings(
        data_dir=base / "data", warm_runners=warm, memory_reserve_bytes=256 << 20, disk_reserve_bytes=256 << 20
    )
    (settings.data_dir / "run").mkdir(parents=True)
    control = ControlPlane(settings.data_dir / "run" / "control.sock", broker)
    rig = FleetRig(settings, LocalFleet(settings, parts=parts), control, parts)
    try:
        await rig.fleet.open()
        async with control.serving():
            yield rig
    finally:
        with anyio.CancelScope(shield=True):
            await rig.end()
        shutil.rmtree(base)


class Watched:
    """News of a runner as they come."""

    def __init__(self) -> None:
        self.news: list[RunnerNews] = []
        self._changed = anyio.Event()

    async def follow(self, client: RunnerClient) -> None:
        """Take in news to their end."""
        async for news in client.watch():
            self.news.append(news)
            self._changed.set()
            self._changed = anyio.Event()

    async def until(self, condition: Callable[[RunnerNews], bool]) -> RunnerNews:
        """Return the first news that fit."""
        with anyio.fail_after(PATIENCE_S):
            while True:
                for news in self.news:
                    if condition(news):
                        return news
                await self._changed.wait()


async def eventually(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Return the first result that is true of something that tells no event."""
    with anyio.fail_after(PATIENCE_S):
        while not (result := await condition()):  # noqa: ASYNC110
            await anyio.sleep(0.02)
    return result
