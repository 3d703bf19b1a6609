"""A session's processes and what they printed, kept in files so that both can be read while the session is paused."""

import re
from pathlib import Path

from anyio import fail_after, to_thread
from pydantic import TypeAdapter

from lot.core.errors import InvalidInputError
from lot.core.ids import SessionId
from lot.core.records import Session
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient
from lot.runner.protocol import DEV_PREFIX, TERMINAL_PREFIX, ProcessBody

MAX_LOG_BYTES = 256 << 10
MAX_PROCESSES = 200
"""So many are kept; there are as many as terminals were opened."""
MAX_TERMINALS = 20
"""Of so many, the newest, the output is kept."""
_READ_TIMEOUT_S = 10.0
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_LIST = "processes.json"
_PROCESSES = TypeAdapter(list[ProcessBody])
_KEPT = ("dev", "setup", "install")
"""Besides what runs beside the dev server."""


async def read_log(client: RunnerClient, name: str) -> bytes:
    """Return the newest `MAX_LOG_BYTES` that a process printed; empty when there is no such process."""
    process = next((one for one in await client.processes() if one.name == name), None)
    return b"" if process is None else await _read_output(client, process)


async def _read_output(client: RunnerClient, process: ProcessBody) -> bytes:
    begin, end = process.starts.get("out", 0), process.ends.get("out", 0)
    offset = max(begin, end - MAX_LOG_BYTES)
    collected = bytearray()
    if end <= offset:
        return b""
    with fail_after(_READ_TIMEOUT_S):
        async with client.attach(process.name, offset=offset) as stream:
            async for chunk in stream:
                collected += chunk.data
                if chunk.offset + len(chunk.data) >= end:
                    break
    return bytes(collected[-MAX_LOG_BYTES:])


async def keep_logs(parts: Parts, session: Session, client: RunnerClient) -> None:
    """Keep the newest output of dev server, setup and terminals for reading while the sandbox is off."""
    folder = parts.folders.logs(session.id)
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    names = {*_KEPT, *(f"{DEV_PREFIX}{name}" for name in snapshot.processes)}
    processes = list(await client.processes())
    others = [one for one in processes if one.name in names]
    terminals = [one for one in processes if one.name.startswith(TERMINAL_PREFIX) and one.is_running]
    for process in (*others, *terminals[-MAX_TERMINALS:]):
        text = await _read_output(client, process)
        if text:
            await to_thread.run_sync(_write, folder / f"{process.name}.log", text)


async def kept_log(parts: Parts, session: SessionId, name: str) -> bytes:
    """Return what was kept of a process's output at the last pause; empty when nothing was.

    Raises:
        InvalidInputError: no process can have that name.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name!r} is no process name: use letters, digits and '-', such as dev")
    return await to_thread.run_sync(_read, parts.folders.logs(session) / f"{name}.log")


async def keep_processes(parts: Parts, session: Session, client: RunnerClient) -> None:
    """Keep which processes there are, for reading while the sandbox is off."""
    kept = list(await client.processes())[:MAX_PROCESSES]
    await to_thread.run_sync(_write, parts.folders.logs(session.id) / _LIST, _PROCESSES.dump_json(kept))


async def kept_processes(parts: Parts, session: SessionId) -> list[ProcessBody]:
    """Return the processes that there were at the last pause; none when there was no pause yet."""
    text = await to_thread.run_sync(_read, parts.folders.logs(session) / _LIST)
    return _PROCESSES.validate_json(text) if text else []


async def kept_log_names(parts: Parts, session: SessionId) -> set[str]:
    """Return of which processes the output was kept at a pause."""
    folder = parts.folders.logs(session)
    return await to_thread.run_sync(lambda: {file.stem for file in folder.glob("*.log")})


def _write(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
