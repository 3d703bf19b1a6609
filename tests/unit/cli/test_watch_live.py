"""`lot session watch` on a terminal: a real one, with scripted keys."""

import io
import os
import pty
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from mock_lot import MockLot
from rich.console import Console

from lot.cli.render_tools import Cut
from lot.cli.watch import watch_live
from lot.client.client import LotClient
from lot.client.errors import SessionDeletedError

SESSION = "abcdefghij"


class Terminal:
    """A person who watches: keys go in, everything that was drawn is kept."""

    def __init__(self, client: LotClient, after: int = 0) -> None:
        self.keys, self._keyboard = pty.openpty()
        self.drawn = io.StringIO()
        console = Console(file=self.drawn, force_terminal=True, width=80, height=24, _environ={})
        self.ended: Exception | None = None

        def run() -> None:
            try:
                watch_live(client, SESSION, after, Cut(), console, self._keyboard)
            except SessionDeletedError as error:
                self.ended = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def type(self, keys: str) -> None:
        os.write(self.keys, keys.encode())

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, self.drawn.getvalue()[-3000:]
            time.sleep(0.01)

    def sees(self, *words: str) -> None:
        self.until(lambda: all(word in self.drawn.getvalue() for word in words))

    def leave(self) -> None:
        self.type("\x04")
        self._thread.join(10)
        assert not self._thread.is_alive()
        os.close(self.keys)
        os.close(self._keyboard)


@pytest.fixture
def terminal(mock: MockLot, client: LotClient) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(after: int = 0) -> Terminal:
        made.append(Terminal(client, after))
        return made[-1]

    mock.add_session()
    yield make
    for each in made:
        each.leave()


def ask(mock: MockLot, ask_id: str = "toolu_1") -> None:
    choices = [{"label": "Red"}, {"label": "Blue"}]
    questions = [{"question": "Which colour?", "choices": choices}]
    mock.ask(SESSION, ask_id, kind="question_asked", questions=questions)


def test_question_is_answered_in_place_and_the_watching_goes_on(mock: MockLot, terminal: Callable[..., Terminal]):
    watching = terminal()
    ask(mock)
    watching.sees("Which colour?", "2. ", "a number, or")
    watching.type("2\r")
    watching.until(lambda: bool(mock.answers))
    assert mock.answers[0].choices == {"Which colour?": ("Blue",)}
    mock.tell(SESSION, "notice", text="it goes on")
    watching.sees("it goes on")


def test_question_from_before_the_beginning_is_answered_too(mock: MockLot, terminal: Callable[..., Terminal]):
    ask(mock)
    watching = terminal(after=1)
    watching.sees("Which colour?")
    watching.type("1\r")
    watching.until(lambda: bool(mock.answers))


def test_answer_that_comes_too_late_is_told_and_not_asked_again(mock: MockLot, terminal: Callable[..., Terminal]):
    watching = terminal()
    ask(mock)
    watching.sees("a number, or")
    mock.asks[SESSION][0] = mock.asks[SESSION][0].model_copy(update={"state": "taken"})
    watching.type("1\r")
    watching.sees("answered elsewhere")
    assert mock.answers == []


def test_line_is_sent_as_a_message(mock: MockLot, terminal: Callable[..., Terminal]):
    watching = terminal()
    watching.sees("Enter to send")
    watching.type("make it blue\r")
    watching.until(lambda: bool(mock.messages))
    assert mock.messages[0].text == "make it blue"
    watching.sees("Turn completed")


def test_refused_message_stays_where_it_was_typed(mock: MockLot, terminal: Callable[..., Terminal]):
    watching = terminal()
    watching.sees("Enter to send")
    session = mock.sessions.pop(SESSION)
    watching.type("hello\r")
    watching.until(lambda: watching.ended is not None or "Not sent" in watching.drawn.getvalue())
    mock.sessions[SESSION] = session


def test_streamed_text_is_drawn_and_deletion_ends_it(mock: MockLot, terminal: Callable[..., Terminal]):
    mock.tell(SESSION, "notice", text="first")
    mock.parts[SESSION] = [(1, {"kind": "text", "key": "m", "offset": 0, "text": "streamed words"})]
    watching = terminal()
    watching.sees("first", "streamed words")
    mock.sessions.clear()
    watching.until(lambda: watching.ended is not None)
