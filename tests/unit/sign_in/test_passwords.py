"""How passwords are kept."""

import pytest
from argon2 import PasswordHasher, extract_parameters

from lot.sign_in.passwords import Passwords

pytestmark = pytest.mark.anyio


async def test_password_is_kept_as_argon2id_and_known_again() -> None:
    passwords = Passwords()
    stored = await passwords.hash("pass phrase \ud83d")
    assert stored.startswith("$argon2id$")
    assert await passwords.is_right(stored, "pass phrase \ud83d")
    assert not await passwords.is_right(stored, "pass phrase")


@pytest.mark.parametrize("stored", [None, "", "nonsense"])
async def test_where_there_is_no_password_none_is_right(stored: str | None) -> None:
    assert not await Passwords().is_right(stored, "")


def test_user_without_a_password_costs_as_much_to_refuse() -> None:
    """The decoy is checked with the very parameters of a real hash, so that time tells nothing."""
    decoy = Passwords()._decoy
    assert extract_parameters(decoy) == extract_parameters(PasswordHasher().hash("x"))
