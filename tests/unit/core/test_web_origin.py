"""Origins as browsers compare them."""

import pytest
from pydantic import ValidationError

from lot.config import Settings
from lot.core.errors import InvalidInputError
from lot.core.web_origin import WebOrigin


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://localhost:7070", "http://localhost:7070"),
        ("HTTPS://Lot.Example.org:443", "https://lot.example.org"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://lot.example.org:80", "https://lot.example.org:80"),
    ],
)
def test_origin_is_written_as_a_browser_writes_it(given: str, shown: str) -> None:
    assert str(WebOrigin.parse(given)) == shown


@pytest.mark.parametrize(
    "given",
    [
        "",
        "null",
        "localhost:7070",
        "file:///x",
        "http://",
        "http://a/",
        "http://a?b",
        "http://a@b",
        "http://a:b",
        "http://a\t",
    ],
)
def test_what_is_more_or_less_than_an_origin_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError):
        WebOrigin.parse(given)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({}, "http://localhost:7070"),
        ({"host": "0.0.0.0", "port": 80}, "http://localhost"),
        ({"host": "fd00::1"}, "http://[fd00::1]:7070"),
        ({"host": "0.0.0.0", "public_url": "https://lot.example.org/"}, "https://lot.example.org"),
    ],
)
def test_application_is_found_where_the_settings_say(settings: dict[str, str], shown: str) -> None:
    assert str(Settings(**settings).app_origin) == shown


def test_public_url_with_a_path_is_refused() -> None:
    with pytest.raises(ValidationError, match="scheme, host and port"):
        Settings(public_url="https://example.org/lot")
