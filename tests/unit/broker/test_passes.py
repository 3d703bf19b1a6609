"""Passes: what is accepted, and what is not."""

import pytest
from starlette.requests import Request

from lot.broker.passes import Pass, PassControl, Passes
from lot.core.errors import StaleEpochError, UnauthenticatedError

KEY = b"0123456789abcdef0123456789abcdef"
passes = Passes(KEY)


def request(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Request({"type": "http", "headers": headers})


async def check_epoch(kind: str, id: str, epoch: int) -> None:
    if epoch != 3:
        raise StaleEpochError(f"epoch {epoch} is over")


def test_pass_says_what_it_was_issued_for() -> None:
    assert passes.verify(passes.issue("session", "abc", 3)) == Pass(kind="session", id="abc", epoch=3)


def forgeries() -> list[str]:
    token = passes.issue("session", "abc", 3)
    scheme, body, signature = token.split(".")
    other = passes.issue("session", "abd", 3).split(".")[1]
    return [
        "",
        "..",
        scheme,
        f"{scheme}.{body}",
        f"{scheme}.{body}.",
        f"{scheme}.{other}.{signature}",
        f"lot2.{body}.{signature}",
        f"{scheme}.{body}.{signature[:-2]}AA",
        token + "A",
        Passes(b"x" * 32).issue("session", "abc", 3),
        "é" * 2000,
    ]


@pytest.mark.parametrize("token", forgeries())
def test_forged_pass_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        passes.verify(token)


def test_key_must_be_long_enough() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Passes(b"short")


@pytest.mark.anyio
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense"])
async def test_request_without_a_pass_is_refused(authorization: str | None) -> None:
    with pytest.raises(UnauthenticatedError):
        await PassControl(passes, check_epoch).admit(request(authorization))


@pytest.mark.anyio
async def test_pass_of_an_epoch_that_is_over_is_refused() -> None:
    control = PassControl(passes, check_epoch)
    assert (await control.admit(request(f"Bearer {passes.issue('session', 'abc', 3)}"))).epoch == 3
    with pytest.raises(StaleEpochError):
        await control.admit(request(f"Bearer {passes.issue('session', 'abc', 2)}"))


def test_pass_of_a_snapshot_is_none_of_a_session() -> None:
    with pytest.raises(UnauthenticatedError, match="session"):
        _ = passes.verify(passes.issue("snapshot", "abc", 1)).session_id
