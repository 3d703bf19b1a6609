"""What tests of sandboxes share: an installation of their own on this host, and a program that counts in memory."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from lot.config import Settings
from lot.core.errors import LotError
from lot.core.ids import SandboxId
from lot.sandbox import layers, network
from lot.sandbox.cgroups import detect_cgroups
from lot.sandbox.driver import Resources, RunningSandbox, SandboxSpec
from lot.sandbox.gvisor import GvisorDriver, open_driver
from lot.sandbox.home import Installation
from lot.sandbox.link import CommandRequest, CommandResult, GuestLink, ProcessSpec

SMALL = Resources(cpus=2, memory_bytes=512 << 20)

COUNTER_PORT = 5000
_COUNTER = f"""
import os, socket
count = 0
server = socket.create_server(("", {COUNTER_PORT}))
while True:
    connection, _ = server.accept()
    with connection:
        count += 1
        connection.sendall(f"{{count}} {{os.getpid()}}".encode())
"""


@dataclass(frozen=True)
class Rig:
    """An installation in a folder of its own; it knows every sandbox that a test made, and destroys it."""

    driver: GvisorDriver
    base: Path
    folder: Path
    uppers: list[Path] = field(default_factory=list)

    def spec(self, *, layers: Sequence[Path] = (), upper: Path | None = None, **changes: Any) -> SandboxSpec:
        """Return a small sandbox with a disk of its own over the default image, or over the tree `base`."""
        sandbox = SandboxId(changes.pop("sandbox", f"t{secrets.token_hex(4)}"))
        return SandboxSpec(
            sandbox=sandbox,
            layers=(changes.pop("base", self.base), *layers),
            upper=upper or self.folder / "disks" / sandbox,
            resources=changes.pop("resources", SMALL),
            **changes,
        )

    def image(self) -> Path:
        """Return a fresh place for an image."""
        return self.folder / "images" / secrets.token_hex(4)

    def driver_with(self, **changes: Any) -> GvisorDriver:
        """Return a driver of the same installation with other settings."""
        return replace(self.driver, **changes)

    @asynccontextmanager
    async def up(self, spec: SandboxSpec) -> AsyncIterator[tuple[RunningSandbox, GuestLink]]:
        """Boot a sandbox, and link to it for the length of the block."""
        running = await self.driver.boot(spec)
        async with self.linked(spec) as link:
            yield running, link

    @asynccontextmanager
    async def linked(self, spec: SandboxSpec) -> AsyncIterator[GuestLink]:
        """Keep a link to a running sandbox for the length of the block."""
        link = await self.driver.link(spec.sandbox)
        try:
            yield link
        finally:
            await link.close()

    async def destroy_all(self) -> None:
        """Destroy every sandbox of this installation."""
        for sandbox in await self.driver.list_sandboxes():
            await self.driver.destroy(sandbox)

    def remains(self) -> list[str]:
        """Return everything that this host still holds of any sandbox of this installation."""
        installation = Installation(self.driver.data_dir)
        mounts = Path("/proc/self/mounts").read_text().split()
        return [
            *(f"process {pid}" for pid in _processes_naming(str(self.folder), str(installation.run_dir))),
            *(f"mount {word}" for word in mounts if word.startswith(str(self.folder))),
            *(f"namespace {name}" for name in network.list_namespaces() if name.startswith(f"lot-{installation.tag}-")),
            *(f"cgroup {name}" for name in detect_cgroups().names(installation.cgroup)),
            *(f"folder {path}" for path in installation.sandboxes_dir.glob("*")),
            *(f"state {path}" for path in installation.run_dir.glob("*")),
            *(f"work folder {path}" for path in self.folder.rglob(".*.work")),
            *(f"partial image {path}" for path in self.folder.glob("images/*.partial")),
        ]


@asynccontextmanager
async def rig() -> AsyncIterator[Rig]:
    """Make an installation for a test, and leave nothing of it behind."""
    settings = Settings()
    base = settings.images_dir / "base" / "rootfs"
    if os.geteuid() != 0 or not base.exists() or not (settings.runtime_dir / "runtime.json").exists():
        pytest.skip("needs root, a proven runsc and the base image: `make setup`")
    # Not pytest's folder: an overlay must lie on a real disk.
    folder = settings.images_dir.parent / f"test-{secrets.token_hex(4)}"
    driver = open_driver(settings.model_copy(update={"data_dir": folder / "data"}))
    made = Rig(driver=driver, base=base.resolve(), folder=folder)
    try:
        yield made
    finally:
        await made.destroy_all()
        remains = [what for what in made.remains() if not what.startswith("partial image")]
        assert not remains
        installation = Installation(driver.data_dir)
        shutil.rmtree(folder)
        shutil.rmtree(installation.run_dir, ignore_errors=True)


async def start_counter(link: GuestLink) -> None:
    """Start a program that counts its visitors in memory."""
    await link.start(ProcessSpec(name="counter", argv=("python3", "-c", _COUNTER), cwd=PurePosixPath("/"), user="root"))


async def count(link: GuestLink) -> tuple[int, int]:
    """Return which visitor of the counter this is, and the counter's process id inside."""
    for _ in range(200):
        try:
            async with link.dial(COUNTER_PORT) as stream:
                number, pid = (await stream.receive()).decode().split()
                return int(number), int(pid)
        except LotError:
            await link.run(CommandRequest(argv=("sleep", "0.05")))
    raise AssertionError("the counter does not answer")


async def shell(link: GuestLink, script: str, timeout_s: float = 30.0) -> CommandResult:
    """Run a shell script in a sandbox as root."""
    return await link.run(CommandRequest(argv=("sh", "-c", script), user="root", timeout_s=timeout_s))


async def output(link: GuestLink, script: str) -> str:
    """Return what a shell script prints; it must succeed."""
    result = await shell(link, script)
    assert result.exit_code == 0, result
    return result.stdout.decode().strip()


def fork_disk(rig: Rig, upper: Path) -> Path:
    """Return the disk of a sandbox that is off as a layer: it is one as it lies, once nobody writes to it."""
    layers.remove_work_dir(upper)
    return upper


def _processes_naming(*paths: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if int(folder.name) != os.getpid() and any(path in command for path in paths):
            found.append(int(folder.name))
    return found
