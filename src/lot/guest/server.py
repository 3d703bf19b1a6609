"""The guest's side of `wire`: accepts the host's connections, reads one call from each and answers it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from lot.guest import files, wire
from lot.guest.command import run_command
from lot.guest.connection import Connection, while_wanted
from lot.guest.door import open_door
from lot.guest.growth import POLL_S, REST_AFTER_S, RESTING_POLL_S, GrowingFiles, newer_than
from lot.guest.ports import POLL_S as PORTS_POLL_S
from lot.guest.ports import Ports, has_connections_to
from lot.guest.process import DurableProcess, Processes
from lot.guest.refusal import Refused
from lot.guest.relay import connect_local, relay
from lot.guest.request import Arguments
from lot.guest.spawn import Launcher
from lot.guest.sudo_service import SudoService

MAX_CONNECTIONS = 1024
LEAVE_CHECKS, LEAVE_CHECK_S = 200, 0.005
"""How often, and at what distance in seconds, the gateway is looked for before a checkpoint."""


class Server:
    """Everything the host can ask for."""

    def __init__(self, address: str, port: int, peer: str, state: str) -> None:
        self._address, self._port, self._peer = address, port, peer
        self._state = state
        self._door: asyncio.AbstractServer | None = None
        self._sudo: SudoService | None = None
        self._launcher = Launcher()
        self._processes = Processes(state, self._launcher)
        self._ports = Ports(self._launcher.tree, port)
        self._connections: set[Connection] = set()
        self._started = time.monotonic()
        self._calls: dict[str, Callable[[Connection, Arguments], Awaitable[None]]] = {
            "health": self._health,
            "run": self._run,
            "start": self._start,
            "processes": self._list_processes,
            "attach": self._attach,
            "acknowledge": self._acknowledge,
            "write": self._write,
            "resize": self._resize,
            "signal": self._signal,
            "stop": self._stop,
            "read_file": self._read_file,
            "write_file": self._write_file,
            "remove_file": self._remove_file,
            "follow_files": self._follow_files,
            "ports": self._list_ports,
            "follow_ports": self._follow_ports,
            "dial": self._dial,
            "quiesce": self._quiesce,
            "wake": self._wake,
        }

    async def listen(self) -> asyncio.AbstractServer:
        """Begin to accept connections."""
        self._door = await open_door(self._state, self._peer, wire.GATEWAY_PORT)
        self._sudo = SudoService(self._state, self._launcher)
        return await asyncio.start_server(
            self._accept, self._address, self._port, limit=2 * wire.MAX_CHUNK_BYTES, backlog=256
        )

    async def end_everything(self) -> None:
        """End all durable processes and their descendants."""
        await asyncio.gather(*(self._processes.stop(p.name, 1.0) for p in self._processes))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        peer = writer.get_extra_info("peername")
        if peer is None or peer[0] != self._peer or len(self._connections) >= MAX_CONNECTIONS:
            connection.reset()
            return
        self._connections.add(connection)
        try:
            await self._answer(connection)
        except (OSError, EOFError, asyncio.CancelledError, wire.WireError):
            pass  # the host is gone or does not speak our language: this connection ends, and no other
        except Exception:
            traceback.print_exc(limit=4)
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _answer(self, connection: Connection) -> None:
        try:
            head = await connection.request()
            if head.get("v") != wire.PROTOCOL:
                raise Refused("invalid", f"this guest speaks protocol {wire.PROTOCOL}, not {head.get('v')!r:.20}")
            call = self._calls.get(str(head.get("call")))
            if call is None:
                raise Refused("invalid", f"unknown call {head.get('call')!r:.40}")
            await call(connection, Arguments(head))
        except Refused as refusal:
            await connection.refuse(refusal.code, str(refusal))
        except OSError as error:
            await connection.refuse("unavailable", f"{type(error).__name__}: {error}")

    async def _health(self, connection: Connection, _: Arguments) -> None:
        await connection.send(
            {
                "protocol": wire.PROTOCOL,
                "uptime_s": time.monotonic() - self._started,
                "clock": time.time(),
                "processes": sum(process.is_running for process in self._processes),
                "memory_available_bytes": _memory_available(),
            }
        )

    async def _run(self, connection: Connection, arguments: Arguments) -> None:
        request = {
            **arguments.program(),
            "timeout_s": arguments.seconds("timeout_s"),
            "max_output_bytes": arguments.integer("max_output_bytes", 0, wire.MAX_OUTPUT_BYTES),
        }
        stdin = await connection.body(wire.MAX_INPUT_BYTES)
        head, output = await while_wanted(connection, run_command(self._launcher, request, stdin))
        await connection.send(head, output)

    async def _start(self, connection: Connection, arguments: Arguments) -> None:
        spec = {
            **arguments.program(),
            "name": arguments.name(),
            "pty": arguments.terminal(),
            "journal_bytes": arguments.integer("journal_bytes", wire.MIN_JOURNAL_BYTES, wire.MAX_JOURNAL_BYTES),
            "blocks": arguments.choice("when_full", wire.WHEN_FULL) == "block",
        }
        await connection.send(self._processes.start(spec).status())

    async def _list_processes(self, connection: Connection, _: Arguments) -> None:
        await connection.send({"processes": [process.status() for process in self._processes]})

    async def _attach(self, connection: Connection, arguments: Arguments) -> None:
        process, stream = self._processes.get(arguments.name()), arguments.choice("stream", wire.STREAMS)
        offset = arguments.integer("offset", 0, wire.MAX_OFFSET)
        process.journals[stream].skip_to(offset)
        await while_wanted(connection, _follow(connection, process, stream, offset))

    async def _acknowledge(self, connection: Connection, arguments: Arguments) -> None:
        process = self._processes.get(arguments.name())
        process.acknowledge(arguments.choice("stream", wire.STREAMS), arguments.integer("offset", 0, wire.MAX_OFFSET))
        await connection.send({})

    async def _write(self, connection: Connection, arguments: Arguments) -> None:
        process = self._processes.get(arguments.name())
        offset = arguments.integer("offset", -1, wire.MAX_OFFSET)
        data = await connection.body(wire.MAX_INPUT_BYTES)
        accepted = await while_wanted(connection, process.write(data, None if offset < 0 else offset))
        await connection.send({"stdin_offset": accepted})

    async def _resize(self, connection: Connection, arguments: Arguments) -> None:
        self._processes.resize(arguments.name(), *arguments.size())
        await connection.send({})

    async def _signal(self, connection: Connection, arguments: Arguments) -> None:
        self._processes.signal(arguments.name(), arguments.integer("number", 1, 64))
        await connection.send({})

    async def _stop(self, connection: Connection, arguments: Arguments) -> None:
        process = await self._processes.stop(arguments.name(), arguments.seconds("grace_s"))
        await connection.send(process.status())

    async def _read_file(self, connection: Connection, arguments: Arguments) -> None:
        max_bytes = arguments.integer("max_bytes", 0, wire.MAX_FILE_BYTES)
        for piece in files.read_pieces(arguments.path(), max_bytes):
            await connection.send({}, piece)
        await connection.send({"end": True})

    async def _write_file(self, connection: Connection, arguments: Arguments) -> None:
        mode, user = arguments.integer("mode", 0, 0o7777), arguments.text("user")
        await files.replace_file(arguments.path(), mode, user, connection.pieces())
        await connection.send({})

    async def _remove_file(self, connection: Connection, arguments: Arguments) -> None:
        files.remove_file(arguments.path())
        await connection.send({})

    async def _follow_files(self, connection: Connection, arguments: Arguments) -> None:
        age_s, max_bytes = arguments.seconds("max_age_s"), arguments.integer("max_bytes", 0, wire.MAX_FILE_BYTES)
        files = GrowingFiles(arguments.path(), newer_than(age_s), max_bytes)
        await while_wanted(connection, _follow_growth(connection, files))

    async def _list_ports(self, connection: Connection, _: Arguments) -> None:
        await connection.send({"ports": self._ports.listening()})

    async def _follow_ports(self, connection: Connection, _: Arguments) -> None:
        await while_wanted(connection, _follow_listening(connection, self._ports))

    async def _dial(self, connection: Connection, arguments: Arguments) -> None:
        port = arguments.integer("port", 1, 65_535)
        addresses = dict.fromkeys(("127.0.0.1", "::1", self._address))
        inner = await connect_local(addresses, port)
        transport = connection.writer.transport
        assert isinstance(transport, asyncio.Transport)
        await relay(transport, inner, wire.encode({}))

    async def _quiesce(self, connection: Connection, _: Arguments) -> None:
        for other in self._connections - {connection}:
            other.reset()
            if other.task is not None:
                other.task.cancel()
        for process in self._processes:
            for journal in process.journals.values():
                journal.sync()
        await self._until_gateway_is_left()
        await connection.send({})

    async def _until_gateway_is_left(self) -> None:
        """Wait, for a while, until every program has closed what the gateway has closed.

        A connection that is still half open is aborted by the restore, and the agent program crashes on that.
        """
        for _ in range(LEAVE_CHECKS):
            if not has_connections_to(self._peer, but_port=self._port):
                return
            await asyncio.sleep(LEAVE_CHECK_S)
        print("guest: a connection to the gateway is still open", file=sys.stderr)

    async def _wake(self, connection: Connection, arguments: Arguments) -> None:
        ahead_s = time.time() - arguments.integer("clock_ms", 0, 1 << 50) / 1000
        await connection.send({"ahead_s": ahead_s, "has_interface": self._has_interface()})

    def _has_interface(self) -> bool:
        """Return whether the way back to the host still begins at our own address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((self._peer, 9))
                return bool(probe.getsockname()[0] == self._address)
            except OSError:
                return False


async def _follow(connection: Connection, process: DurableProcess, stream: str, position: int) -> None:
    """Send a journal from `position` on until it ends, and a sign of life while there is nothing to send."""
    journal = process.journals[stream]
    while True:
        first, data = journal.read(position, wire.MAX_CHUNK_BYTES)
        if data:
            await connection.send({"offset": first}, data)
            position = first + len(data)
        elif process.has_written_all(stream):
            await connection.send({"end": True})
            return
        elif not await journal.wait(wire.BEAT_S):
            await connection.send({"beat": True})


async def _follow_growth(connection: Connection, files: GrowingFiles) -> None:
    """Send what the files gain, and a sign of life while they gain nothing."""
    came_at = said_at = time.monotonic()
    while True:
        for growth in files.news():
            head = {"name": growth.name, "offset": growth.offset, "writer": growth.writer}
            await connection.send(head, growth.data)
            came_at = said_at = time.monotonic()
        if time.monotonic() - said_at >= wire.BEAT_S:
            await connection.send({"beat": True})
            said_at = time.monotonic()
        await asyncio.sleep(POLL_S if time.monotonic() - came_at < REST_AFTER_S else RESTING_POLL_S)


async def _follow_listening(connection: Connection, ports: Ports) -> None:
    """Send what listens, again whenever that has changed, and a sign of life while it stays as it is."""
    told: list[dict[str, Any]] | None = None
    said_at = time.monotonic()
    while True:
        listening = ports.listening()
        if listening != told:
            await connection.send({"ports": listening})
            told, said_at = listening, time.monotonic()
        elif time.monotonic() - said_at >= wire.BEAT_S:
            await connection.send({"beat": True})
            said_at = time.monotonic()
        await asyncio.sleep(PORTS_POLL_S)


def _memory_available() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError) as error:
        print(f"guest: {error}", file=sys.stderr)
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
