"""What listens in a session's sandbox, named for people: its app first, then what else serves something.

What a sandbox says of itself is a stranger's: it names nothing but words to be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lot.core.records import Session
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient
from lot.runner.protocol import DEV_PREFIX, PortBody

MAX_PORTS = 200
"""The lowest ones beside the app's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPort:
    """A port on which something listens, on whatever addresses."""

    port: int
    name: str
    """Of the dev process it belongs to, else of the program, else of the durable process; "" when neither is known."""
    is_main: bool
    """Whether it is the project's own port, where its app is seen."""
    addresses: tuple[str, ...]
    process: str | None
    """The durable process that it descends from."""
    pid: int | None
    command: str | None


async def read_ports(parts: Parts, session: Session, client: RunnerClient) -> tuple[SessionPort, ...]:
    """Return what listens in the sandbox of a session that is on, the project's own port first, then by number.

    Raises:
        UnavailableError: it is not on after all.
    """
    main = await main_port(parts, session)
    listening: dict[int, list[PortBody]] = {}
    for one in await client.ports():
        listening.setdefault(one.port, []).append(one)
    order = sorted(listening, key=lambda port: (port != main, port))[:MAX_PORTS]
    return tuple(_port(listening[port], is_main=port == main) for port in order)


async def main_port(parts: Parts, session: Session) -> int | None:
    """Return the port at which a session's app is seen; None: its project has none."""
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    return snapshot.port or (await parts.store.get_project(session.project_id)).port


def _port(listening: Sequence[PortBody], *, is_main: bool) -> SessionPort:
    """Return one port; who listens on the first of its addresses is reached there."""
    first = listening[0]
    return SessionPort(
        port=first.port,
        name=_name(first),
        is_main=is_main,
        addresses=tuple(one.address for one in listening),
        process=first.process,
        pid=first.pid,
        command=first.command,
    )


def _name(listening: PortBody) -> str:
    process = listening.process or ""
    if process == "dev" or process.startswith(DEV_PREFIX):
        return process.removeprefix(DEV_PREFIX)
    return listening.command or process
