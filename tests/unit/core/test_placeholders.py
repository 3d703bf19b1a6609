"""What takes the place of a user's values in what sessions share."""

import pytest

from lot.core.placeholders import is_secret, placeholders


@pytest.mark.parametrize(
    "value", ["", "x", "true", "FALSE", "3000", "development", "Production", "127.0.0.1:5432", "12.5", "123456789"]
)
def test_switches_numbers_and_stages_are_no_secrets(value: str) -> None:
    assert not is_secret(value)
    assert placeholders({"NAME": value}) == {"NAME": value}


@pytest.mark.parametrize("value", ["hunter", "4111111111111111", "production-key", "geheim\nzwei", "::::::::"])
def test_everything_else_is_one_and_none_of_it_is_left(value: str) -> None:
    given = placeholders({"API_KEY": value})
    assert given == {"API_KEY": "placeholder-api_key"}


def test_address_stays_an_address_of_its_kind_without_its_password() -> None:
    given = placeholders({"DATABASE_URL": "postgresql+asyncpg://admin:hunter2@db.example:5432/shop"})
    assert given["DATABASE_URL"].startswith("postgresql+asyncpg://localhost:")
    assert "hunter2" not in given["DATABASE_URL"]
