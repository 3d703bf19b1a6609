"""`lot session watch`: a conversation as it grows, and on a terminal also the place to answer and to steer."""

import os
import queue
import select
import sys
import termios
import threading
import time
import tty
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import Segment, SegmentLines
from rich.text import Text

from lot.api.schemas.sessions import EventBody, NewMessage
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.conversation import Conversation, Reply
from lot.cli.line_input import PASTE_OFF, PASTE_ON
from lot.cli.output import err, out, plain, print_json, say_if_scripted
from lot.cli.render_tools import Cut
from lot.cli.transcript import Transcript, print_event
from lot.client.client import LotClient
from lot.client.errors import RefusedError, SessionDeletedError
from lot.client.follow import follow, follow_live
from lot.core.errors import LotError
from lot.core.events import LivePart

REFRESH_S = 0.1
"""Between two looks of what is still being written: fast for the eye, slow for the terminal."""
_MAX_WAITING = 10_000
"""Items read but not shown; a slow terminal slows the reading."""
_MAX_AT_ONCE = 500
_KEYS_BYTES = 65_536
_CONFLICT = 409


def watch(
    ctx: typer.Context,
    session: SessionArgument,
    after: Annotated[int, typer.Option(min=0, help="Begin after this event's number.")] = 0,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Print what there is, then end.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Cut nothing, however long.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a session's conversation and keep showing it; Ctrl-C ends the watching, not the session.

    On a terminal, questions, plans and requests for permission are answered by typing, and a line typed while nothing
    is asked is sent as a message. With --json, one event a line.
    """
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        if not shared.as_json:
            say_if_scripted(found.provider, is_scripted=found.is_scripted)
        try:
            if no_follow:
                _print_stored(client, found.id, after, Transcript(Cut(full)), as_json=shared.as_json)
            elif shared.as_json:
                for event in follow(client, found.id, after, on_lost=_say_lost):
                    print_json(event)
            elif out.is_terminal:
                watch_live(client, found.id, after, Cut(full))
            else:
                transcript = Transcript(Cut(full))
                for event in follow(client, found.id, after, on_lost=_say_lost):
                    print_event(out, event, transcript)
        except SessionDeletedError:
            if not shared.as_json:
                err.print("The session was deleted", style="yellow")


def _print_stored(client: LotClient, session: str, after: int, transcript: Transcript, *, as_json: bool) -> None:
    while True:
        page = client.list_events(session, after)
        for event in page.events:
            if as_json:
                print_json(event)
            else:
                print_event(out, event, transcript)
        if not page.events or page.events[-1].number >= page.newest:
            return
        after = page.events[-1].number


def watch_live(
    client: LotClient, session: str, after: int, cut: Cut, console: Console = out, keyboard: int | None = None
) -> None:
    """Show a conversation with what is still being written below it, until the user leaves.

    Args:
        client: Asks the server.
        session: Its whole id.
        after: The last event that is not shown.
        cut: How much of long things is shown.
        console: A terminal.
        keyboard: Where keys come from; by default standard input, where that is a terminal.

    Raises:
        SessionDeletedError: the session was deleted meanwhile.
    """
    if keyboard is None and sys.stdin.isatty():
        keyboard = sys.stdin.fileno()
    conversation = Conversation(time.monotonic, cut, can_type=keyboard is not None)
    with _Feed(client, session, after) as feed, _keys_one_by_one(keyboard, console):
        if after:
            for ask in client.list_asks(session):
                if (
                    ask.state == "open"
                    and ask.event.number <= after
                    and (shown := conversation.take(ask.event)) is not None
                ):
                    console.print(shown)
        with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
            screen = _Screen(live, conversation)
            while not conversation.is_left:
                screen.show(feed.drain(_MAX_AT_ONCE))
                for reply in conversation.type(_keys(keyboard, feed)):
                    _send(client, session, conversation, reply, live)


class _LeftError(Exception):
    """Ends the reading: nobody watches any more."""


class _Feed:
    """Reads the session's stream in a thread of its own, which ends with the block or with the stream."""

    def __init__(self, client: LotClient, session: str, after: int) -> None:
        self._client, self._session, self._after = client, session, after
        self._items: queue.Queue[EventBody | LivePart | str | Exception] = queue.Queue(_MAX_WAITING)
        self._is_over = threading.Event()
        self.news, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self.news, False)

    def __enter__(self) -> "_Feed":
        # A daemon, for it may stand in a read that nothing ends.
        threading.Thread(target=self._read, daemon=True, name="watch").start()
        return self

    def __exit__(self, *_: object) -> None:
        # The pipe stays open: the thread may write to it once more.
        self._is_over.set()

    def drain(self, count: int) -> list[EventBody | LivePart | str]:
        """Return what has come, at most so much.

        Raises:
            Exception: what ended the stream, once all before it was returned.
        """
        with suppress(BlockingIOError):
            os.read(self.news, _KEYS_BYTES)
        found: list[EventBody | LivePart | str] = []
        while len(found) < count:
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Exception):
                if found:
                    self._put(item)
                    break
                raise item
            found.append(item)
        if not self._items.empty():
            self._ring()
        return found

    def _read(self) -> None:
        try:
            for item in follow_live(self._client, self._session, self._after, on_lost=self._put, sleep=self._sleep):
                self._put(item)
                if self._is_over.is_set():
                    return
        except Exception as error:
            # For the main thread, which raises it.
            self._put(error)

    def _sleep(self, seconds: float) -> None:
        if self._is_over.wait(seconds):
            raise _LeftError

    def _put(self, item: EventBody | LivePart | str | Exception) -> None:
        while not self._is_over.is_set():
            with suppress(queue.Full):
                self._items.put(item, timeout=REFRESH_S)
                break
        self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake, b"n")


class _Screen:
    """Draws a conversation; where nothing changed, nothing is written, so that nothing flickers."""

    def __init__(self, live: Live, conversation: Conversation) -> None:
        self._live, self._conversation = live, conversation
        self._drawn: list[list[Segment]] = []

    def show(self, items: list[EventBody | LivePart | str]) -> None:
        """Print what is finished above, and what is not below it."""
        finished: list[RenderableType] = []
        for item in items:
            if isinstance(item, str):
                finished.append(Text(f"· connection lost ({plain(item)}); reconnecting", style="dim"))
            elif (shown := self._conversation.take(item)) is not None:
                finished.append(shown)
        lines = self._live.console.render_lines(self._conversation.render(), pad=False)
        if finished or lines != self._drawn:
            self._drawn = lines
            # As one write, for between the two what is below is as it was.
            with self._live.console:
                if finished:
                    self._live.console.print(Group(*finished))
                self._live.update(SegmentLines(lines, new_lines=True), refresh=True)


def _keys(keyboard: int | None, feed: _Feed) -> bytes:
    """Wait for keys, for news or for the next look at the clock; return the keys."""
    watched = [feed.news] if keyboard is None else [feed.news, keyboard]
    readable, _, _ = select.select(watched, [], [], REFRESH_S)
    if keyboard is None or keyboard not in readable:
        if readable:
            # A burst of pieces is one look, not one each.
            time.sleep(REFRESH_S / 4)
        return b""
    # No keys although there is something to read: the terminal is gone.
    return os.read(keyboard, _KEYS_BYTES) or b"\x04"


def _send(client: LotClient, session: str, conversation: Conversation, reply: Reply, live: Live) -> None:
    """Send what was typed; a refusal is shown, and the watching goes on."""
    try:
        if reply.ask_id is not None and reply.answer is not None:
            client.answer_ask(session, reply.ask_id, reply.answer)
        else:
            client.send_message(session, checked(NewMessage, id=str(uuid.uuid4()), text=reply.text))
    except RefusedError as error:
        is_late = error.status == _CONFLICT and reply.ask_id is not None
        said = "It was answered elsewhere, or is withdrawn" if is_late else f"Not sent: {plain(str(error))}"
        live.console.print(Text(said, style="yellow" if is_late else "red"))
        if not is_late:
            conversation.ask_again(reply)
    except LotError as error:
        live.console.print(Text(f"Not sent: {plain(str(error))}", style="red"))
        conversation.ask_again(reply)


@contextmanager
def _keys_one_by_one(keyboard: int | None, console: Console) -> Iterator[None]:
    """Let a terminal pass keys on as they are pressed, unseen; Ctrl-C still interrupts."""
    if keyboard is None or not os.isatty(keyboard):
        yield
        return
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        console.file.write(PASTE_ON)
        console.file.flush()
        yield
    finally:
        console.file.write(PASTE_OFF)
        console.file.flush()
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)


def _say_lost(reason: str) -> None:
    err.print(f"· connection lost ({reason}); reconnecting", style="dim")
