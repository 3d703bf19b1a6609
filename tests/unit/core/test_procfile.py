"""The Procfile: what is a process, what is not, and what is refused."""

import pytest

from lot.core.errors import InvalidInputError
from lot.core.procfile import parse_procfile


def test_processes_come_in_their_order_with_names_as_ours_are() -> None:
    text = "web: bundle exec puma -p $PORT\r\n\r\n  # jobs\nJob_2 : env A=b: sidekiq \ncss:\twatch"
    assert list(parse_procfile(text).items()) == [
        ("web", "bundle exec puma -p $PORT"),
        ("job-2", "env A=b: sidekiq"),
        ("css", "watch"),
    ]
    assert parse_procfile("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [("web: x\nserve\n", "line 2 is not"), ("web:\n", "line 1"), ("a: x\n\nA: y\n", "line 3: there is a process a")],
)
def test_line_that_is_no_process_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse_procfile(text)
