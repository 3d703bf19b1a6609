"""Builds a project's snapshot: clones, runs the setup command once, proves the dev server, freezes disk and memory."""

import time
from collections.abc import Callable, Mapping
from functools import partial

import anyio
import structlog
from anyio import to_thread

from lot.core.errors import LotError, NotFoundError, SetupCommandError
from lot.core.ids import LayerId, ProjectId, SandboxId, SnapshotId, new_id
from lot.core.records import Lease, Project, SetupCommands, Snapshot, SnapshotManifest, SnapshotState
from lot.engine.concurrently import concurrently
from lot.engine.dev_server import beside
from lot.engine.folders import remove_folder
from lot.engine.freezing import Memory, Prepared, freeze
from lot.engine.imaging import Imaging
from lot.engine.parts import Parts
from lot.engine.reaping import reap_snapshots
from lot.engine.runners import Holding, let_go, take_over
from lot.engine.setup_command import SETUP_TIMEOUT_S, last_lines
from lot.engine.setup_story import SetupStory
from lot.runner.client import RunnerClient
from lot.runner.protocol import (
    BringUpOrder,
    CommandOrder,
    CommandOutcome,
    DevOrder,
    DevStatus,
    Rung,
    SyncOrder,
)

logger = structlog.get_logger(__name__)

DEV_PROOF_S = 120.0
CANCEL_LIMIT_S = 60.0


class Builds:
    """The builds under way in this process, by project."""

    def __init__(self, parts: Parts, story: SetupStory, start_soon: Callable[..., None]) -> None:
        self._parts, self._story = parts, story
        self._start_soon = start_soon
        self._steps: dict[SnapshotId, str] = {}
        self._scopes: dict[SnapshotId, anyio.CancelScope] = {}
        self._ended: dict[SnapshotId, anyio.Event] = {}
        self._outdated: set[SnapshotId] = set()

    def step(self, snapshot: SnapshotId) -> str | None:
        """Return what a build is doing right now; None when it is not under way."""
        return self._steps.get(snapshot)

    def is_busy(self) -> bool:
        """Return whether any build is under way."""
        return bool(self._steps)

    async def begin(self, project: Project, commands: SetupCommands | None = None, *, log: str = "") -> Snapshot:
        """Record a new snapshot of a project and start building it; its log goes on from `log`.

        A build of the project that is still under way is ended: nobody waits for it any more.

        Args:
            commands: By which it is built instead of the project's own.

        Raises:
            InvalidInputError: the project's size is no longer one of this installation's.
        """
        await self._end_older(project.id)
        snapshot = await self.record(project, commands, log=log)
        self.launch(snapshot)
        return snapshot

    async def record(self, project: Project, commands: SetupCommands | None = None, *, log: str = "") -> Snapshot:
        """Record a new snapshot, for `launch` to build; see `begin`."""
        return await self._record(project, SnapshotState.BUILDING, commands or _commands_of(project), log)

    async def prepare(self, project: Project) -> Snapshot:
        """Record a snapshot that a setup session stands on: the bare image, which `launch` brings where needed."""
        nothing = SetupCommands(setup_command=None, dev_command=None, port=None)
        return await self._record(project, SnapshotState.PREPARING, nothing)

    async def wait(self, snapshot_id: SnapshotId, limit_s: float) -> Snapshot:
        """Return a snapshot once its build is over, or as it is when the time is."""
        ended = self._ended.get(snapshot_id)
        if ended is not None:
            with anyio.move_on_after(limit_s):
                await ended.wait()
        return await self._parts.store.get_snapshot(snapshot_id)

    async def _record(self, project: Project, state: SnapshotState, commands: SetupCommands, log: str = "") -> Snapshot:
        snapshot_id, size = SnapshotId(new_id()), self._parts.settings.get_size(project.size)
        snapshot = await self._parts.store.add_snapshot(
            Snapshot(
                id=snapshot_id,
                project_id=project.id,
                generation=0,
                state=state,
                sandbox=SandboxId(snapshot_id),
                base_image=self._parts.find_base_image() if project.image is None else "",
                layer=LayerId(new_id()),
                memory_image=None,
                commit=None,
                setup_command=commands.setup_command,
                dev_command=commands.dev_command,
                port=commands.port,
                failure=None,
                log=log,
                build_s=None,
                lease=Lease(),
                created_at=self._parts.now(),
                processes=project.processes,
                cpus=size.cpus,
                memory_bytes=size.memory_bytes,
            )
        )
        self._tell(snapshot)
        return snapshot

    async def take_up(self) -> None:
        """Begin again, from a clean base, every build that a stop of the control plane cut off."""
        for snapshot in await self._parts.store.list_building():
            await self._parts.store.append_snapshot_log(
                snapshot.id, "\n[lot] Lot was restarted while this was built: beginning again\n"
            )
            self.launch(snapshot)

    async def cancel(self, project_id: ProjectId) -> None:
        """Stop the builds of a project that is being deleted, and free what they hold."""
        for snapshot in await self._parts.store.list_snapshots(project_id):
            await self._stop(snapshot.id)
            await self._parts.fleet.reap_sandbox(snapshot.sandbox)

    async def _end_older(self, project_id: ProjectId) -> None:
        for snapshot in await self._parts.store.list_snapshots(project_id):
            if snapshot.state is SnapshotState.BUILDING and snapshot.id in self._scopes:
                self._outdated.add(snapshot.id)
                await self._stop(snapshot.id)

    async def _stop(self, snapshot_id: SnapshotId) -> None:
        ended = self._ended.get(snapshot_id)
        if ended is not None:
            # It frees what it holds on its way out; two who destroy one sandbox at once trip over each other.
            self._scopes[snapshot_id].cancel()
            with anyio.move_on_after(CANCEL_LIMIT_S):
                await ended.wait()

    def launch(self, snapshot: Snapshot) -> None:
        """Start building a snapshot that was recorded."""
        self._steps[snapshot.id] = "waiting for a runner"
        self._scopes[snapshot.id], self._ended[snapshot.id] = anyio.CancelScope(), anyio.Event()
        self._parts.bus.overview.snapshot(snapshot.id)
        self._start_soon(self._build_guarded, snapshot)

    async def _build_guarded(self, snapshot: Snapshot) -> None:
        """Build; a defect of ours, or a project deleted meanwhile, ends this build and nothing else."""
        try:
            await self._story.begun(snapshot)
            await self._build(snapshot)
            if snapshot.id in self._outdated:
                outdated = await self._parts.store.get_snapshot(snapshot.id)
                if outdated.state is SnapshotState.BUILDING:
                    await self._fail(outdated, None, SetupCommandError("a newer setup was begun"))
                    await self._drop_failed(snapshot.id)
            await self._story.ended(await self._parts.store.get_snapshot(snapshot.id))
        except NotFoundError as error:
            logger.info("snapshot was deleted while it was built", snapshot_id=snapshot.id, error=str(error))
        except Exception:
            logger.exception("snapshot build failed", snapshot_id=snapshot.id)
        finally:
            self._steps.pop(snapshot.id, None)
            self._scopes.pop(snapshot.id, None)
            self._outdated.discard(snapshot.id)
            self._ended.pop(snapshot.id).set()
            self._tell(snapshot)

    async def _build(self, snapshot: Snapshot) -> None:
        holding: Holding | None = None
        with self._scopes[snapshot.id]:
            try:
                snapshot = await self._parts.store.get_snapshot(snapshot.id)
                await self._clear(snapshot)
                holding = await take_over(self._parts, "snapshot", snapshot.id, snapshot.sandbox, snapshot.lease)
                await self._carry_out(snapshot, holding)
            except LotError as error:
                logger.warning("snapshot build failed", snapshot_id=snapshot.id, error=str(error))
                await self._fail(snapshot, holding, error)
            except Exception as error:
                logger.exception("snapshot build failed by a defect", snapshot_id=snapshot.id)
                seen = f"a defect of Lot ({type(error).__name__}); the server's log has it. Retry the setup"
                await self._fail(snapshot, holding, LotError(seen))
            finally:
                if holding is not None:
                    with anyio.CancelScope(shield=True):
                        await let_go(self._parts, "snapshot", snapshot.id, holding, destroy=snapshot.sandbox)
                await self._drop_failed(snapshot.id)

    async def _clear(self, snapshot: Snapshot) -> None:
        """Remove what an earlier try at this snapshot left."""
        if snapshot.lease.owner is not None:
            await self._parts.fleet.stop(snapshot.lease.owner)
        await self._parts.fleet.reap_sandbox(snapshot.sandbox)
        await to_thread.run_sync(remove_folder, str(self._parts.folders.layer(snapshot.layer)))

    async def _fail(self, snapshot: Snapshot, holding: Holding | None, error: LotError) -> None:
        epoch = holding.epoch if holding is not None else snapshot.lease.epoch
        await self._parts.store.append_snapshot_log(snapshot.id, f"\n[lot] failed: {error}\n")
        await self._parts.store.fail_snapshot(snapshot.id, epoch, str(error))

    async def _drop_failed(self, snapshot_id: SnapshotId) -> None:
        """Remove the disk of a build that failed: a retry begins from a clean base."""
        try:
            snapshot = await self._parts.store.get_snapshot(snapshot_id)
        except NotFoundError:
            return
        if snapshot.state is SnapshotState.FAILED:
            await to_thread.run_sync(remove_folder, str(self._parts.folders.layer(snapshot.layer)))

    async def _carry_out(self, snapshot: Snapshot, holding: Holding) -> None:
        began = time.monotonic()
        project = await self._parts.store.get_project(snapshot.project_id)
        environment = (await self._parts.store.get_environment(project.id)).values
        client = holding.client
        snapshot = await self._prepare_image(snapshot, project, holding)
        await self._story.image_known(snapshot)
        if snapshot.state is SnapshotState.PREPARING:
            return
        await self._note(snapshot, "booting the sandbox")
        order = BringUpOrder(
            layers=self._parts.folders.snapshot_layers(snapshot),
            upper=str(self._parts.folders.layer(snapshot.layer)),
            cpus=snapshot.cpus,
            memory_bytes=snapshot.memory_bytes,
            rungs=(Rung(kind="disk"),),
            environment=dict(self._parts.images.environment(snapshot.base_image)),
        )
        await client.bring_up(order)
        await self._note(snapshot, "cloning the repository")
        await self._parts.mirrors.fetch(project.id)
        synced = await client.sync(SyncOrder(base_branch=project.branch, session_branch=None, environment=environment))
        if project.has_browser:
            await self._install_browser(snapshot, client)
        if snapshot.setup_command:
            await self._run_setup(snapshot, client, snapshot.setup_command, environment)
        dev: DevStatus | None = None
        if snapshot.dev_command:
            dev = await self._prove_dev(snapshot, client, snapshot.dev_command, environment)
        prepared = Prepared(
            project=project, snapshot=snapshot, client=client, order=order, environment=environment, dev=dev
        )
        memory = await freeze(self._parts, prepared, partial(self._note, snapshot))
        await self._parts.store.finish_snapshot(
            snapshot.id,
            holding.epoch,
            commit=synced.commit,
            memory_image=memory.image if memory else None,
            dev_command=snapshot.dev_command,
            port=dev.port if dev else snapshot.port,
            build_s=time.monotonic() - began,
            manifest=await self._manifest(snapshot, memory, environment, dev),
        )
        await reap_snapshots(self._parts)

    async def _manifest(
        self, snapshot: Snapshot, memory: Memory | None, environment: Mapping[str, str], dev: DevStatus | None
    ) -> SnapshotManifest:
        layer = await to_thread.run_sync(self._parts.measure_layer, self._parts.folders.layer(snapshot.layer))
        return SnapshotManifest(
            environment_keys=tuple(environment),
            health_port=dev.port if dev else None,
            health_status=dev.http_status if dev else None,
            layer_bytes=layer.total_bytes,
            layer_files=layer.files,
            layer_hash=layer.xxh3_128,
            memory_bytes=memory.total_bytes if memory else 0,
        )

    async def _prepare_image(self, snapshot: Snapshot, project: Project, holding: Holding) -> Snapshot:
        imaging = Imaging(
            parts=self._parts,
            project=project,
            snapshot=snapshot,
            client=holding.client,
            note=lambda text: self._note(snapshot, text),
            run=lambda order: self._run_logged(snapshot, holding.client, order),
        )
        image_id = await imaging.image_id()
        return await self._parts.store.set_base_image(snapshot.id, holding.epoch, image_id)

    async def _run_setup(
        self, snapshot: Snapshot, client: RunnerClient, command: str, environment: dict[str, str]
    ) -> None:
        await self._note(snapshot, f"running the setup command: {command}")
        order = CommandOrder(name="setup", command=command, environment=environment, timeout_s=SETUP_TIMEOUT_S)
        outcome = await self._run_logged(snapshot, client, order)
        if outcome.exit_code != 0:
            raise SetupCommandError(
                f"the setup command ended with exit code {outcome.exit_code}: {last_lines(outcome.tail)}; "
                "see the log, mend the command or the repository, and retry the setup"
            )

    async def _install_browser(self, snapshot: Snapshot, client: RunnerClient) -> None:
        await self._note(snapshot, "installing the browser for browser verification")
        outcome = await self._run_logged(snapshot, client, self._parts.browser)
        if outcome.exit_code != 0:
            raise SetupCommandError(
                f"the browser could not be installed: {last_lines(outcome.tail)}; retry the setup, or turn browser "
                "verification off for this project"
            )

    async def _run_logged(self, snapshot: Snapshot, client: RunnerClient, order: CommandOrder) -> CommandOutcome:
        # The log ends when the command does: both have then been seen whole.
        _, outcome = await concurrently(
            lambda: self._copy_log(snapshot, client, order.name), lambda: client.run_command(order)
        )
        return outcome

    async def _copy_log(self, snapshot: Snapshot, client: RunnerClient, name: str) -> None:
        """Bring a command's output into the snapshot's log while it runs."""
        try:
            await _until_started(client, name)
            async with client.attach(name) as stream:
                async for chunk in stream:
                    text = chunk.data.decode(errors="replace")
                    await self._parts.store.append_snapshot_log(snapshot.id, text)
                    self._story.printed(snapshot, text)
        except LotError as error:
            # The command's own end tells more; what the log lacks is in its tail.
            logger.info("setup log ended early", snapshot_id=snapshot.id, error=str(error))

    async def _prove_dev(
        self, snapshot: Snapshot, client: RunnerClient, command: str, environment: dict[str, str]
    ) -> DevStatus:
        await self._note(snapshot, f"starting the dev server: {command}")
        for name, other in snapshot.processes.items():
            await self._note(snapshot, f"and beside it {name}: {other}")
        order = DevOrder(command=command, port=snapshot.port, environment=environment, processes=beside(snapshot))
        await client.start_dev(order)
        status = await client.dev_status(wait_s=DEV_PROOF_S)
        if status.status != "answering":
            raise SetupCommandError(
                f"the dev server `{command}` did not answer over HTTP within {DEV_PROOF_S:.0f} s "
                f"({status.status}): {status.detail or 'it printed nothing'}; mend the dev command or its port, "
                "and retry the setup"
            )
        await self._note(
            snapshot,
            f"the dev server answered {status.http_status} on port {status.port} in {status.seconds or 0:.1f} s",
        )
        return status

    def _tell(self, snapshot: Snapshot) -> None:
        """Tell those who watch everything that a snapshot is in another state, which its project shows."""
        self._parts.bus.overview.snapshot(snapshot.id)
        self._parts.bus.overview.project(snapshot.project_id)

    async def _note(self, snapshot: Snapshot, text: str) -> None:
        """Tell what is being done: in the log as it is, as the step in one line, without a script of several."""
        self._steps[snapshot.id] = step = text if "\n" not in text else text.partition(":")[0]
        await self._story.step(snapshot, step)
        self._parts.bus.overview.snapshot(snapshot.id)
        await self._parts.store.append_snapshot_log(snapshot.id, f"[lot] {text}\n")


def _commands_of(project: Project) -> SetupCommands:
    return SetupCommands(setup_command=project.setup_command, dev_command=project.dev_command, port=project.port)


async def _until_started(client: RunnerClient, name: str) -> None:
    # A runner tells of processes only when asked; a setup takes seconds, so that a look now and then is enough.
    while not any(process.name == name for process in await client.processes()):  # noqa: ASYNC110
        await anyio.sleep(0.1)
