"""What counts as an HTTP answer of a dev server."""

import pytest

from lot.runner.dev_server import _http_status


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", 200),
        (b"HTTP/1.0 404 Not Found\r\n", 404),
        (b"HTTP/1.1 500\r\n", 500),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"HTTP/1.1 2x0 odd\r\n", None),
        (b"HTTP/1.1", None),
        (b"", None),
    ],
)
def test_only_a_status_line_is_an_answer(beginning: bytes, status: int | None) -> None:
    assert _http_status(beginning) == status
