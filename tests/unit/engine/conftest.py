"""An engine over a pretended world and a real SQLite store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from lot.broker.passes import Passes
from lot.config import Settings
from lot.core.events import CameBack
from lot.core.ids import MessageId, SessionId
from lot.core.records import Project, Session
from lot.core.session import SandboxState
from lot.engine.bus import Bus
from lot.engine.creating import Draft, SessionOptions
from lot.engine.engine import Engine
from lot.engine.folders import Folders
from lot.engine.parts import Parts
from lot.forge.forge import Forge
from lot.runner.protocol import CommandOrder
from lot.sandbox.hibernation import prove_image
from lot.sandbox.layer_measure import measure_layer
from lot.store.secrets import SecretBox
from lot.store.store import Store
from tests.unit.engine.world import Clock, PretendedFleet, PretendedMirrors, World

LIMIT_S = 20.0


@dataclass
class Rig:
    """What a test holds in its hands."""

    engine: Engine
    world: World
    clock: Clock
    parts: Parts

    async def project(self, **wanted: Any) -> Project:
        """Return a project whose snapshot is ready."""
        usual = {
            "source": "/somewhere/app",
            "name": None,
            "branch": None,
            "environment": {},
            "setup_command": None,
            "dev_command": "serve",
            "port": 3000,
            "size": "small",
            "has_setup_session": False,
        }
        project = await self.engine.create_project(**usual | wanted)
        with anyio.fail_after(LIMIT_S):
            while await self.parts.store.current_snapshot(project.id) is None:  # noqa: ASYNC110 - a build tells nobody
                await asyncio.sleep(0.005)
        return project

    async def session(
        self, project: Project | None = None, message: str | None = None, options: SessionOptions | None = None
    ) -> Session:
        """Return a session that is on."""
        project = project or await self.project()
        draft = Draft(id=MessageId(f"first-{message}"), text=message) if message else None
        session = await self.engine.create_session(project, options, draft)
        return await self.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)

    async def until(self, session_id: SessionId, is_reached: Callable[[Session], bool]) -> Session:
        """Return a session once it is as wanted; fail when it does not get there."""
        session = await self.engine.wait_until(session_id, is_reached, LIMIT_S)
        assert is_reached(session), f"never reached: {session}"
        return session

    async def eventually(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Return once a condition outside the session's row holds."""
        with anyio.fail_after(LIMIT_S):
            while not await holds():  # noqa: ASYNC110 - conditions of all kinds
                await asyncio.sleep(0.005)

    async def kinds(self, session_id: SessionId) -> list[str]:
        """Return the kinds of a session's events, in order."""
        return [stored.event.kind for stored in await self.parts.store.read_events(session_id)]

    async def came_back(self, session_id: SessionId) -> list[CameBack]:
        """Return what the session's resumes brought back."""
        stored = await self.parts.store.read_events(session_id)
        return [one.event for one in stored if isinstance(one.event, CameBack)]

    async def delivered(self, session_id: SessionId, count: int) -> None:
        """Return once so many messages were confirmed."""
        await self.told(session_id, "message_delivered", count)

    async def told(self, session_id: SessionId, kind: str, count: int = 1) -> None:
        """Return once there are so many events of a kind."""

        async def holds() -> bool:
            return (await self.kinds(session_id)).count(kind) >= count

        await self.eventually(holds)


@asynccontextmanager
async def rig(
    folder: Path,
    world: World,
    *,
    stop_in_order: bool = False,
    change: Callable[[Parts], Parts] = lambda parts: parts,
    **settings_given: Any,
) -> AsyncIterator[Rig]:
    """Run an engine over a folder; left without order, it is as if the control plane had been killed.

    Args:
        change: Puts real parts in place of pretended ones.
    """
    folders = {"data_dir": folder, "images_dir": folder / "images", "runtime_dir": folder / "runtime"}
    settings = Settings(**folders | settings_given)
    store = await Store.open(settings.sqlalchemy_url, SecretBox(bytes(32)))
    clock = Clock()

    async def forge_of(project: Project) -> Forge:
        return world.forge

    parts = Parts(
        settings=settings,
        folders=Folders(folder, settings.images_dir),
        store=store,
        fleet=PretendedFleet(world),
        mirrors=PretendedMirrors(world),  # type: ignore[arg-type]
        passes=Passes(bytes(32)),
        bus=Bus(),
        now=clock.now,
        forge_of=forge_of,
        hosts=world.host,  # type: ignore[arg-type]
        get_provider=lambda name: world.provider,
        list_providers=lambda: [world.provider],
        model_access=world.provider,
        available_memory=lambda: 1 << 30,
        browser=CommandOrder(name="browser", command="install a browser"),
        find_base_image=lambda: "base",
        measure_layer=measure_layer,
        prove_image=prove_image,
        images=world.images,
        image_build=lambda build: CommandOrder(name="image", command=build.model_dump_json()),
    )
    parts = change(parts)
    engine = Engine(parts)
    try:
        async with engine.running(pause_on_stop=stop_in_order):
            yield Rig(engine, world, clock, parts)
    finally:
        with anyio.CancelScope(shield=True):
            await store.close()


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


@pytest.fixture
async def lot(tmp_path: Path, world: World) -> AsyncIterator[Rig]:
    """An engine at work."""
    async with rig(tmp_path, world) as made:
        yield made
