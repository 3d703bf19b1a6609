"""How often sign-in may be tried."""

import pytest

from lot.core.errors import TooManyAttemptsError
from lot.sign_in.attempts import Attempts, address_key, link_key, name_key


def tried(attempts: Attempts, times: int, *keys: str) -> Attempts:
    for _ in range(times):
        attempts.count(*keys)
    return attempts


def test_eleventh_attempt_for_a_name_waits_from_whatever_address() -> None:
    attempts = Attempts()
    for number in range(10):
        attempts.count(address_key(f"192.0.2.{number}"), name_key("ada"))
    with pytest.raises(TooManyAttemptsError, match=r"wait 15 min") as caught:
        attempts.count(address_key("192.0.2.99"), name_key("ada"))
    assert 890 < caught.value.retry_after_s <= 900
    attempts.count(address_key("192.0.2.99"), name_key("grace"))


def test_eleventh_attempt_from_an_address_waits_for_whatever_name() -> None:
    attempts = Attempts()
    for number in range(10):
        attempts.count(address_key("192.0.2.1"), name_key(f"user{number}"))
    with pytest.raises(TooManyAttemptsError):
        attempts.count(address_key("192.0.2.1"), name_key("ada"))


def test_success_forgets_what_came_before() -> None:
    attempts = tried(Attempts(), 10, "key")
    attempts.forget("key")
    tried(attempts, 10, "key")


def test_wait_is_told_in_seconds_when_it_is_short() -> None:
    attempts = tried(Attempts("2/30 seconds"), 2, "key")
    with pytest.raises(TooManyAttemptsError, match=r"wait (30|29) s"):
        attempts.count("key")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "testclient", False),
    ],
)
def test_network_of_an_ipv6_address_counts_as_one(one: str, other: str, is_same: bool) -> None:
    assert (address_key(one) == address_key(other)) is is_same


def test_wrong_passwords_do_not_stand_in_the_way_of_a_link() -> None:
    tried(Attempts(), 10, address_key("192.0.2.1")).count(link_key("192.0.2.1"))
