"""Freezes a prepared sandbox into a snapshot: its disk, and memory that holds no value of the user's.

Where there are such values the sandbox that was prepared with them is given up, and booted anew from its disk: what
then becomes an image was never told any of them. Its dev server gets placeholders. The image is searched all the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from anyio import to_thread

from lot.core.ids import ImageId
from lot.core.placeholders import is_secret, placeholders
from lot.core.records import Project, Snapshot
from lot.engine.dev_server import beside
from lot.engine.folders import remove_folder
from lot.engine.logs import read_log
from lot.engine.parts import Parts
from lot.engine.quiet import until_quiet
from lot.engine.secret_scan import find_secrets
from lot.engine.setup_command import last_lines
from lot.runner.client import RunnerClient
from lot.runner.protocol import DEV_PREFIX, BringUpOrder, CommandOrder, DevOrder, DevStatus, SyncOrder

PLACEHOLDER_PROOF_S = 60.0
"""How long a dev server may take to answer with placeholders; it has just answered with the values."""
_FLUSH = CommandOrder(name="flush", command="sync", timeout_s=120.0)
"""What programs wrote is on the host's disk only after this, or after a pause."""

Note = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A sandbox whose setup is done and whose dev server was proved."""

    project: Project
    snapshot: Snapshot
    client: RunnerClient
    order: BringUpOrder
    """How it was brought up."""
    environment: Mapping[str, str]
    dev: DevStatus | None


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory image from which sessions start."""

    image: ImageId
    total_bytes: int


async def freeze(parts: Parts, prepared: Prepared, note: Note) -> Memory | None:
    """End the sandbox; return its memory, or None where sessions must start their dev server themselves."""
    memory = await _freeze_memory(parts, prepared, note)
    layer = parts.folders.layer(prepared.snapshot.layer)
    if written := await to_thread.run_sync(find_secrets, layer, dict(prepared.environment)):
        await note(
            f"the setup wrote the value of {', '.join(written)} to the disk, where it stays when the variable is "
            "changed: better have the app read it from its environment"
        )
    return memory


async def _freeze_memory(parts: Parts, prepared: Prepared, note: Note) -> Memory | None:
    if any(is_secret(value) for value in prepared.environment.values()):
        await note("booting anew without the environment's values")
        await _begin_anew(prepared)
        if not await _starts_with_placeholders(prepared, note):
            await prepared.client.run_command(_FLUSH)
            await prepared.client.destroy_sandbox()
            return None
    await note("waiting until it is quiet")
    await until_quiet(prepared.client)
    await _note_ended(prepared, note)
    await note("freezing disk and memory")
    image = ImageId(f"snapshot-{prepared.snapshot.id}")
    folder = parts.folders.image(image)
    paused = await prepared.client.pause(str(folder))
    found = await to_thread.run_sync(find_secrets, folder, dict(prepared.environment))
    if found:
        await to_thread.run_sync(remove_folder, str(folder))
        await note(f"the memory held the value of {', '.join(found)}: it was thrown away, sessions start cold")
        return None
    return Memory(image, paused.total_bytes)


async def _begin_anew(prepared: Prepared) -> None:
    client, branch = prepared.client, prepared.project.branch
    await client.stop_dev()
    await client.sync(SyncOrder(base_branch=branch, session_branch=None))
    await client.run_command(_FLUSH)
    await client.destroy_sandbox()
    await client.bring_up(prepared.order)


async def _starts_with_placeholders(prepared: Prepared, note: Note) -> bool:
    """Start the dev server as sessions will find it; return whether it answers, or there is none."""
    client, snapshot, dev = prepared.client, prepared.snapshot, prepared.dev
    given = placeholders(prepared.environment)
    branch = prepared.project.branch
    await client.sync(SyncOrder(base_branch=branch, session_branch=None, environment=given))
    if dev is None or snapshot.dev_command is None:
        return True
    await client.start_dev(
        DevOrder(command=snapshot.dev_command, port=dev.port, environment=given, processes=beside(snapshot))
    )
    status = await client.dev_status(wait_s=PLACEHOLDER_PROOF_S)
    if status.status == "answering":
        await note(f"the dev server answered with placeholders for {_names(prepared.environment)}")
        return True
    await note(
        f"the dev server does not start with placeholders for {_names(prepared.environment)} ({status.status}): "
        "sessions start it themselves, with the values"
    )
    await client.stop_dev()
    await client.sync(SyncOrder(base_branch=branch, session_branch=None))
    return False


async def _note_ended(prepared: Prepared, note: Note) -> None:
    """Say what beside the dev server has ended already; it may have done its work, so that is no failure."""
    names = {f"{DEV_PREFIX}{name}": name for name in prepared.snapshot.processes}
    for process in await prepared.client.processes() if names else ():
        if process.name in names and not process.is_running:
            printed = (await read_log(prepared.client, process.name)).decode(errors="replace")
            said = f"the process {names[process.name]} has ended with exit code {process.exit_code}"
            await note(f"{said}: {last_lines(printed)}")


def _names(environment: Mapping[str, str]) -> str:
    return ", ".join(name for name, value in environment.items() if is_secret(value))
