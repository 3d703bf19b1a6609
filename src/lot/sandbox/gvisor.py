"""Sandboxes on gVisor: boots, hibernates and destroys them, and takes over what a dead runner left.

The order of things, and what a crash between two of them leaves; each part is in a file of its own. The steps are
synchronous, each call on one thread that finishes what it began, whatever becomes of the caller's task.
"""

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from lot.config import Settings
from lot.core.errors import (
    BootFailedError,
    HostFullError,
    ImageDamagedError,
    LotError,
    PauseFailedError,
    SandboxUnavailableError,
    UnavailableError,
)
from lot.core.ids import SandboxId, new_id
from lot.guest.build import build_guest
from lot.sandbox import bundle, hibernation, host_room, layers, network, runsc
from lot.sandbox.cgroups import Cgroups, detect_cgroups
from lot.sandbox.driver import (
    GATEWAY_ADDRESS,
    GUEST_ADDRESS,
    Capability,
    HibernationImage,
    ReadOnlyMount,
    RunningSandbox,
    SandboxSpec,
    SandboxUsage,
)
from lot.sandbox.guest_log import end_of_guest_log
from lot.sandbox.home import Installation, SandboxHome, read_record, write_record
from lot.sandbox.link import GuestLink
from lot.sandbox.processes import open_process, started_at_ticks
from lot.sandbox.runtime import Runtime, load_runtime
from lot.sandbox.side_by_side import side_by_side
from lot.sandbox.tcp_link import TcpLink

GUEST_PORT = 7000
GUEST_COMMAND = (
    *("python3", "-I", "-S", str(bundle.GUEST_PATH), "--listen", f"{GUEST_ADDRESS}:{GUEST_PORT}"),
    *("--peer", GATEWAY_ADDRESS, "--state", str(bundle.GUEST_STATE)),
)

LINK_TIMEOUT_S = 10.0
_CHECKPOINT_TIMEOUT_S = 300.0
_POLL_S = 0.01
_IMAGE_SLACK_BYTES = 32 << 20
"""An image also holds the runtime's own records."""


def open_driver(settings: Settings) -> "GvisorDriver":
    """Return the driver of this installation.

    Raises:
        RuntimeMissingError: no runtime was proved on this host yet.
    """
    return GvisorDriver(
        data_dir=settings.data_dir,
        runtime=load_runtime(settings.runtime_dir),
        guest=build_guest(settings.data_dir / "guest"),
        memory_reserve_bytes=settings.memory_reserve_bytes,
        disk_reserve_bytes=settings.disk_reserve_bytes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GvisorDriver:
    """`SandboxDriver` on `runsc`. Holds no state: all it knows of a sandbox is read from the host."""

    data_dir: Path
    runtime: Runtime
    guest: Path
    """The guest's zipapp; each sandbox gets a copy of its own, and keeps it for as long as its memory lives."""
    memory_reserve_bytes: int
    disk_reserve_bytes: int
    init: Sequence[str] = GUEST_COMMAND
    """The first process of every sandbox."""
    uplinks: IPv4Network = network.DEFAULT_UPLINKS
    cgroups: Cgroups = field(default_factory=detect_cgroups)
    capabilities: frozenset[Capability] = frozenset(Capability)

    async def boot(self, spec: SandboxSpec) -> RunningSandbox:
        return await to_thread.run_sync(self._boot, spec)

    async def pause(self, sandbox: SandboxId, into: Path) -> HibernationImage:
        return await to_thread.run_sync(self._pause, sandbox, into)

    async def resume(self, spec: SandboxSpec, image: Path) -> RunningSandbox:
        return await to_thread.run_sync(self._resume, spec, image)

    async def destroy(self, sandbox: SandboxId) -> None:
        await to_thread.run_sync(self._release, self._home(sandbox))

    async def freeze(self, sandbox: SandboxId) -> None:
        await to_thread.run_sync(self._on_group, sandbox, self.cgroups.freeze)

    async def thaw(self, sandbox: SandboxId) -> None:
        await to_thread.run_sync(self._on_group, sandbox, self.cgroups.thaw)

    async def find(self, sandbox: SandboxId) -> RunningSandbox | None:
        return await to_thread.run_sync(_find, self._home(sandbox))

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        def known() -> tuple[SandboxId, ...]:
            return self._installation.known(network.list_namespaces(), self.cgroups.names(self._installation.cgroup))

        return await to_thread.run_sync(known)

    async def usage(self, sandbox: SandboxId) -> SandboxUsage:
        return await to_thread.run_sync(self._on_group, sandbox, self._usage)

    def listen(self, sandbox: SandboxId, port: int) -> socket.socket:
        listener = network.socket_in(self._home(sandbox).host_namespace)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by each connection
        listener.bind((GATEWAY_ADDRESS, port))
        listener.listen(128)
        return listener

    async def link(self, sandbox: SandboxId) -> GuestLink:
        namespace = self._home(sandbox).host_namespace

        async def open_socket() -> socket.socket:
            connection = await to_thread.run_sync(network.socket_in, namespace)
            try:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await asyncio.get_running_loop().sock_connect(connection, (GUEST_ADDRESS, GUEST_PORT))
            except BaseException:
                connection.close()
                raise
            return connection

        link = TcpLink(open_socket)
        give_up_at = time.monotonic() + LINK_TIMEOUT_S
        while True:
            try:
                await link.health()
                return link
            except UnavailableError as error:
                is_running = await self.find(sandbox) is not None
                if time.monotonic() > give_up_at or not is_running:
                    await link.close()
                    raise self._unreachable(sandbox, is_running) from error
            await anyio.sleep(_POLL_S)

    def _unreachable(self, sandbox: SandboxId, is_running: bool) -> SandboxUnavailableError:
        said = end_of_guest_log(self._home(sandbox).rootfs, bundle.GUEST_LOG) or "it said nothing"
        seen = f"runs, but its guest did not answer within {LINK_TIMEOUT_S:.0f} s" if is_running else "does not run"
        return SandboxUnavailableError(f"sandbox {sandbox} {seen}; the end of its guest's log: {said}")

    async def wait_gone(self, sandbox: SandboxId) -> int:
        record = read_record(self._home(sandbox).running)
        descriptor = open_process(record["pid"], record["started_ticks"]) if record else None
        if descriptor is not None:
            try:
                await anyio.wait_readable(descriptor)
            finally:
                os.close(descriptor)
        return -1  # not our child: the kernel tells its exit code to nobody else

    @property
    def _installation(self) -> Installation:
        return Installation(self.data_dir)

    @property
    def _runsc(self) -> runsc.Runsc:
        return runsc.Runsc(self.runtime)

    def _home(self, sandbox: SandboxId) -> SandboxHome:
        return self._installation.home(sandbox)

    def _with_guest(self, spec: SandboxSpec) -> SandboxSpec:
        return replace(spec, mounts=(ReadOnlyMount(source=self.guest, target=bundle.GUEST_PATH), *spec.mounts))

    def _boot(self, spec: SandboxSpec) -> RunningSandbox:
        spec = self._with_guest(spec)
        home = self._home(spec.sandbox)
        if found := _find(home) or self._adopt(home, None):
            return found
        host_room.require_memory(host_room.FIRST_BOOT_BYTES, self.memory_reserve_bytes)
        host_room.require_disk(home.folder, 0, self.disk_reserve_bytes)
        self._release_remains(home)
        return self._start(home, spec, None, lambda: bundle.place_files(home, spec))

    def _resume(self, spec: SandboxSpec, folder: Path) -> RunningSandbox:
        spec = self._with_guest(spec)
        home = self._home(spec.sandbox)
        image = hibernation.read_image(folder)
        if found := _find(home) or self._adopt(home, image.manifest["image"]):
            return found
        self._release_remains(home)
        self._require_fit(spec, image)
        host_room.require_memory(host_room.memory_of_resume(image.total_bytes), self.memory_reserve_bytes)
        host_room.require_disk(home.folder, 0, self.disk_reserve_bytes)
        return self._start(
            home,
            spec,
            image,
            lambda: bundle.restore_files(home, spec, folder / hibernation.FILES),
            lambda: hibernation.verify_content(image),
        )

    def _start(
        self, home: SandboxHome, spec: SandboxSpec, image: HibernationImage | None, *preparations: Callable[[], None]
    ) -> RunningSandbox:
        """Prepare all that a sandbox needs, side by side, and start it; leave nothing behind when that fails."""
        origin = image.manifest["image"] if image else None
        try:
            for folder in (home.folder, home.state):
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.mkdir(mode=0o700)
            write_record(home.spec, _facts_of(spec) | {"upper": str(spec.upper), "origin": origin})
            side_by_side(
                *preparations,
                lambda: network.create_network(home, spec.egress, self.uplinks),
                lambda: self._mount(home, spec),
                lambda: self.cgroups.create(home.cgroup, spec.resources),
                lambda: bundle.write_bundle(home, spec, self.init),
            )
            layers.say_disk_moves_on(spec.upper)
            pid = self._runsc.start(home, self.cgroups, image.folder / hibernation.MEMORY if image else None)
            return _say_running(home, pid)
        except (ImageDamagedError, HostFullError):
            self._release(home)
            raise
        except (OSError, LotError) as error:
            self._release(home)
            what = "resume" if image else "boot"
            raise BootFailedError(f"sandbox {spec.sandbox} did not {what}: {error}") from error

    def _mount(self, home: SandboxHome, spec: SandboxSpec) -> None:
        skeleton = bundle.ensure_skeleton(self.data_dir / "skeleton")
        layers.mount_overlay((skeleton, *spec.layers), spec.upper, home.rootfs)

    def _adopt(self, home: SandboxHome, origin: str | None) -> RunningSandbox | None:
        """Take over a sandbox whose runner died while it started from `origin`; None when it did not come up."""
        spec = read_record(home.spec)
        if spec is None or spec["origin"] != origin or home.running.exists():
            return None
        give_up_at = time.monotonic() + runsc.START_TIMEOUT_S
        while self.cgroups.processes(home.cgroup) and time.monotonic() < give_up_at:
            if runsc.status(home) == "running" and home.pid_file.exists():
                # Nothing comes up any more once it has been up: it runs, or has ended.
                with suppress(BootFailedError):
                    return _say_running(home, int(home.pid_file.read_text()))
                return None
            time.sleep(_POLL_S)
        return None

    def _require_fit(self, spec: SandboxSpec, image: HibernationImage) -> None:
        """Refuse an image that another runtime made, that another disk goes with, or that saw other mounts."""
        hibernation.require_this_processor(image)
        expected = {"runtime": self._runtime_facts(), "mounts": _facts_of(spec)["mounts"]}
        for name, value in expected.items():
            if image.manifest.get(name) != value:
                raise ImageDamagedError(
                    f"the image {image.folder} was made with another {name}: {image.manifest.get(name)}, now {value}"
                )
        fitting = layers.image_that_fits(spec.upper)
        if fitting not in (None, image.manifest["image"]):
            raise ImageDamagedError(
                f"the disk {spec.upper} has moved on since the image {image.folder} was made: {fitting}"
            )

    def _pause(self, sandbox: SandboxId, into: Path) -> HibernationImage:
        home = self._home(sandbox)
        if finished := self._find_finished_pause(home, into):
            return finished
        spec, running = read_record(home.spec), read_record(home.running)
        if spec is None or running is None:
            raise SandboxUnavailableError(f"there is no running sandbox {sandbox}")
        partial = into.with_name(f"{into.name}.partial")
        try:
            self._checkpoint(home, into, partial, running)
            image = self._seal(home, into, partial, spec, running)
        except (HostFullError, SandboxUnavailableError):
            raise
        except (OSError, LotError) as error:
            self._release(home)
            raise PauseFailedError(f"the memory of sandbox {sandbox} could not be saved: {error}") from error
        self._release(home)
        return image

    def _find_finished_pause(self, home: SandboxHome, into: Path) -> HibernationImage | None:
        """Return the image when this very pause was finished before, perhaps by a runner that died right after."""
        try:
            image = hibernation.read_image(into)
        except ImageDamagedError:
            return None
        running = read_record(home.running)
        is_this_run = running is None or running["run"] == image.manifest["run"]
        if image.manifest["sandbox"] != home.sandbox or not is_this_run:
            return None
        self._release(home)
        return image

    def _checkpoint(self, home: SandboxHome, into: Path, partial: Path, running: Mapping[str, Any]) -> None:
        """Save the memory into `partial`, or wait for a dead runner's checkpoint that is under way there."""
        if runsc.is_saving(home) and read_record(home.saving) == {"partial": str(partial)}:
            shutil.rmtree(partial / hibernation.FILES, ignore_errors=True)  # perhaps half a copy
            bundle.save_files(home, partial / hibernation.FILES)
        else:
            if _find(home) is None:
                raise SandboxUnavailableError(f"sandbox {home.sandbox} has ended; its disk is safe")
            needed = self.cgroups.memory_bytes(home.cgroup) + _IMAGE_SLACK_BYTES
            host_room.require_disk(into.parent, needed, self.disk_reserve_bytes)
            # Noted first: what a crash leaves from here on is found, and removed, by its record.
            write_record(home.saving, {"partial": str(partial)})
            shutil.rmtree(partial, ignore_errors=True)
            (partial / hibernation.MEMORY).mkdir(parents=True)
            self.cgroups.thaw(home.cgroup)
            self.cgroups.lift_memory_limit(home.cgroup)
            process = self._runsc.begin_checkpoint(home, partial / hibernation.MEMORY)
            # Beside it, what would else come after it: the disk's and the image's way to the drive, and the uplink.
            side_by_side(
                lambda: bundle.save_files(home, partial / hibernation.FILES),
                lambda: hibernation.write_behind(partial / hibernation.MEMORY, process, _CHECKPOINT_TIMEOUT_S),
                lambda: layers.sync_disk(home.rootfs),
                lambda: network.remove_uplink(home),
            )
        code = runsc.end_of_checkpoint(home, _CHECKPOINT_TIMEOUT_S)
        if code != 0:
            raise PauseFailedError(f"runsc checkpoint ended with code {code}: {runsc.said(home)}")

    def _seal(
        self, home: SandboxHome, into: Path, partial: Path, spec: Mapping[str, Any], running: Mapping[str, Any]
    ) -> HibernationImage:
        """End what is left of a saved sandbox, bring disk and memory image to disk, and give the image its name."""
        content: dict[str, Any] = {}
        side_by_side(
            lambda: content.update(hibernation.describe_content(partial)),
            lambda: self._stop(home),
            lambda: network.remove_network(home),
        )
        image = new_id(16)
        layers.say_disk_fits(Path(spec["upper"]), image)
        facts = {name: value for name, value in spec.items() if name not in ("upper", "origin")}
        identity = {"image": image, "sandbox": home.sandbox, "run": running["run"], "runtime": self._runtime_facts()}
        return hibernation.finish_image(partial, into, content, identity | facts)

    def _runtime_facts(self) -> dict[str, Any]:
        return {"version": self.runtime.version, "sha256": self.runtime.sha256, "flags": list(self._runsc.flags)}

    def _stop(self, home: SandboxHome) -> None:
        """End every process of a sandbox and unmount its disk, which also writes it out."""
        self.cgroups.kill(home.cgroup)
        layers.unmount(home.rootfs)

    def _release(self, home: SandboxHome) -> None:
        """Free everything of a sandbox on this host but its upper and its finished images; repeatable."""
        side_by_side(lambda: self._stop(home), lambda: network.remove_network(home))
        self.cgroups.remove(home.cgroup)
        spec, saving = read_record(home.spec), read_record(home.saving)
        if saving is not None:
            # It ends by itself, now that the sandbox is gone.
            runsc.end_of_checkpoint(home, _CHECKPOINT_TIMEOUT_S)
            shutil.rmtree(saving["partial"], ignore_errors=True)
        if spec is not None:
            self._settle_disk(home, Path(spec["upper"]), spec["origin"])
            # Before the records of the run: without them, one that has ended would look like one that never began.
            home.spec.unlink()
        if home.rootfs.exists():
            # Fails while something is mounted there: what comes next would else empty the upper.
            home.rootfs.rmdir()
        for folder in (home.state, home.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _release_remains(self, home: SandboxHome) -> None:
        """Free what an earlier run left, which is mostly nothing."""
        if home.sandbox in self._installation.known(
            network.list_namespaces(), self.cgroups.names(self._installation.cgroup)
        ):
            self._release(home)

    def _settle_disk(self, home: SandboxHome, upper: Path, origin: str | None) -> None:
        """Leave the disk of a sandbox that has ended as the next start needs it."""
        has_run = home.running.exists() or runsc.status(home) == "running"
        if origin is not None and not has_run and layers.has_moved_on(upper):
            layers.say_disk_fits(upper, origin)
        layers.remove_work_dir(upper)

    def _on_group(self, sandbox: SandboxId, act: Callable[[str], Any]) -> Any:
        try:
            return act(self._home(sandbox).cgroup)
        except FileNotFoundError as error:
            raise SandboxUnavailableError(f"there is no running sandbox {sandbox}") from error

    def _usage(self, group: str) -> SandboxUsage:
        return SandboxUsage(
            memory_bytes=self.cgroups.memory_bytes(group),
            cpu_s=self.cgroups.cpu_s(group),
            has_run_out_of_memory=self.cgroups.has_run_out_of_memory(group),
        )


def _find(home: SandboxHome) -> RunningSandbox | None:
    record = read_record(home.running)
    if record is None or started_at_ticks(record["pid"]) != record["started_ticks"]:
        return None
    return RunningSandbox(sandbox=home.sandbox, pid=record["pid"], network=home.host_namespace)


def _say_running(home: SandboxHome, pid: int) -> RunningSandbox:
    started = started_at_ticks(pid)
    if started is None:
        raise BootFailedError(f"the runtime process ended at once: {runsc.said(home)}")
    write_record(home.running, {"pid": pid, "started_ticks": started, "run": new_id(16)})
    return RunningSandbox(sandbox=home.sandbox, pid=pid, network=home.host_namespace)


def _facts_of(spec: SandboxSpec) -> dict[str, Any]:
    """Return what an image says of the sandbox that it was made of."""
    return {
        "layers": [str(layer) for layer in spec.layers],
        "mounts": [str(mount.target) for mount in spec.mounts],
        "resources": {"cpus": spec.resources.cpus, "memory_bytes": spec.resources.memory_bytes},
        "hostname": spec.hostname,
    }
