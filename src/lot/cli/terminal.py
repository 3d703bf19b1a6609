"""`lot session terminal`: a shell in a session's sandbox, as if one sat at it."""

import json
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from lot.api.schemas.sessions import NewTerminal, ProcessBody, SessionBody
from lot.cli.common import SessionArgument, connect, find_session
from lot.cli.moves import WAIT_S
from lot.cli.output import err
from lot.cli.raw_mode import raw_mode, window_size, write_all
from lot.client.client import LotClient
from lot.client.process_output import Place, find_process, read_socket
from lot.core.errors import InvalidInputError, LotError, SandboxUnavailableError

DETACH = b"\x1d"
"""Ctrl-]"""
_CHUNK_BYTES = 65_536
_SOFT_RESET = b"\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1006l"
"""Colours, cursor, alternate screen, bracketed paste and mouse, as a full-screen program may have left them."""


def terminal(
    ctx: typer.Context,
    session: SessionArgument,
    attach: Annotated[str | None, typer.Option(help="Go on in a terminal that was detached from, by its name.")] = None,
) -> None:
    """Open a terminal in the sandbox. Ctrl-C goes to the program, Ctrl-] detaches; a paused session is resumed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInputError("This is not a terminal. Next step: run `lot session terminal` in one, without pipes")
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    with connect(ctx) as client:
        found = _woken(client, find_session(client, session))
        if attach is None:
            rows, columns = window_size(screen)
            process = client.open_terminal(found.id, NewTerminal(rows=rows, columns=columns))
        else:
            process = find_process(client, found.id, attach)
        err.print(f"{process.name} of {found.id}; Ctrl-] detaches", style="dim")
        with client.process_socket(found.id, process.name, process.starts.get("out", 0)) as socket:
            is_detached = _converse(socket, keyboard, screen)
        _say_how_it_ended(client, found, process, is_detached=is_detached)


def _woken(client: LotClient, session: SessionBody) -> SessionBody:
    if session.sandbox == "on":
        return session
    err.print(f"Session {session.id} is {session.label}; resuming it …")
    session = client.resume_session(session.id, WAIT_S)
    if session.sandbox != "on":
        raise SandboxUnavailableError(
            f"Session {session.id} is {session.label}: {session.reason or 'it did not come back in time'}. "
            f"Next step: `lot session show {session.id}`"
        )
    return session


def _converse(socket: ClientConnection, keyboard: int, screen: int) -> bool:
    """Pass keys, size and output on until the shell ends or the user detaches; return whether they detached."""
    with raw_mode(keyboard), _signals() as (wake, resized), _output(socket, screen, wake):
        try:
            _send_size(socket, screen)
            return _pass_keys(socket, keyboard, screen, resized)
        except ConnectionClosed:
            return False
        finally:
            socket.close()
            with suppress(OSError):
                write_all(screen, _SOFT_RESET)


@contextmanager
def _signals() -> Iterator[tuple[int, int]]:
    """Yield the two ends of a pipe that gets a byte when the window's size changes (or when the output has ended)."""
    ready, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.signal(signal.SIGWINCH, lambda *_: os.write(wake, b"s"))
    try:
        yield wake, ready
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(wake)
        os.close(ready)


@contextmanager
def _output(socket: ClientConnection, screen: int, wake: int) -> Iterator[None]:
    """Show what the shell prints, from a thread of its own, which ends with the connection."""

    def show() -> None:
        with suppress(OSError):
            for data in read_socket(socket, Place(0)):
                write_all(screen, data)
        os.write(wake, b"e")

    thread = threading.Thread(target=show, name="terminal-output")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _pass_keys(socket: ClientConnection, keyboard: int, screen: int, woken: int) -> bool:
    while True:
        readable, _, _ = select.select([keyboard, woken], [], [])
        if woken in readable:
            news = os.read(woken, _CHUNK_BYTES)
            if b"e" in news:
                return False
            _send_size(socket, screen)
        if keyboard in readable:
            keys = os.read(keyboard, _CHUNK_BYTES)
            before, detach, _ = keys.partition(DETACH)
            if before:
                socket.send(before)
            if detach or not keys:
                return True


def _send_size(socket: ClientConnection, screen: int) -> None:
    rows, columns = window_size(screen)
    socket.send(json.dumps({"rows": rows, "columns": columns}))


def _say_how_it_ended(client: LotClient, session: SessionBody, process: ProcessBody, *, is_detached: bool) -> None:
    again = f"`lot session terminal {session.id} --attach {process.name}`"
    if is_detached:
        return err.print(f"\nDetached; it goes on. Back with {again}")
    try:
        now = find_process(client, session.id, process.name)
    except LotError as error:
        return err.print(f"\nThe connection ended: {error}. Back with {again}", style="yellow")
    if now.is_running:
        return err.print(f"\nThe connection was lost; the shell goes on. Back with {again}", style="yellow")
    if now.exit_code:
        raise typer.Exit(now.exit_code)
    return None
