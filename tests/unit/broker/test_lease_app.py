"""Renewals are answered by pass and epoch alone, from a loop that nothing else can keep busy."""

import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lot.broker.apart import apart
from lot.broker.lease import LEASE_TTL_S, Leases
from lot.broker.passes import MIN_KEY_BYTES, Passes
from lot.core.errors import UnavailableError
from lot.rehearsal.serve import serve_on_socket

pytestmark = pytest.mark.anyio

PASSES = Passes(b"k" * MIN_KEY_BYTES)


class PretendedStore:
    """Knows one lease: epoch 3 of session s."""

    def __init__(self) -> None:
        self.candidates: list[tuple[str, int, str]] = []
        self.is_away = False

    async def renew(self, kind: str, subject: str, epoch: int, ttl_s: float) -> bool:
        if self.is_away:
            raise UnavailableError("the database did not answer")
        return (kind, subject, epoch, ttl_s) == ("session", "s", 3, LEASE_TTL_S)

    async def save_candidate(self, session_id: str, epoch: int, image: str) -> None:
        self.candidates.append((session_id, epoch, image))


def client_of(store: PretendedStore) -> httpx.AsyncClient:
    app = Leases(PASSES, store).app()  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://control")


def shown(kind: str, subject: str, epoch: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {PASSES.issue(kind, subject, epoch)}"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (shown("session", "s", 3), 204),
        (shown("session", "s", 2), 409),
        (shown("session", "gone", 3), 409),
        (shown("snapshot", "s", 3), 409),
        ({"Authorization": "Bearer lot1.forged.pass"}, 409),
        ({}, 409),
    ],
)
async def test_only_the_pass_of_the_present_epoch_is_renewed(headers: dict[str, str], status: int) -> None:
    async with client_of(PretendedStore()) as http:
        assert (await http.post("/renew", headers=headers)).status_code == status


async def test_database_that_is_away_costs_no_lease() -> None:
    store = PretendedStore()
    store.is_away = True
    async with client_of(store) as http:
        assert (await http.post("/renew", headers=shown("session", "s", 3))).status_code == 503


async def test_candidate_is_noted_for_sessions_alone() -> None:
    store = PretendedStore()
    async with client_of(store) as http:
        for kind in ("session", "snapshot"):
            answer = await http.post("/candidate", headers=shown(kind, "s", 3), json={"image": "i"})
            assert answer.status_code == 204
        wrong = await http.post("/candidate", headers=shown("session", "s", 3), json={"image": "../i"})
    assert wrong.status_code == 422
    assert store.candidates == [("s", 3, "i")]


async def test_renewal_is_answered_while_the_other_loop_is_busy(tmp_path: Path) -> None:
    socket = tmp_path / "lease.sock"

    @asynccontextmanager
    async def serving() -> AsyncIterator[None]:
        async with serve_on_socket(Leases(PASSES, PretendedStore()).app(), socket):  # type: ignore[arg-type]
            yield

    statuses: list[int] = []
    answered = threading.Event()

    def renew() -> None:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://control") as http:
            statuses.append(http.post("/renew", headers=shown("session", "s", 3), timeout=20).status_code)
        answered.set()

    async with apart(serving):
        renewing = threading.Thread(target=renew)
        renewing.start()
        until = time.monotonic() + 20
        while not answered.is_set() and time.monotonic() < until:
            sum(range(1000))  # this loop gets to nothing else
        renewing.join()
    assert statuses == [204]
    assert not socket.exists()


async def test_what_fails_apart_is_raised_here() -> None:
    @asynccontextmanager
    async def failing() -> AsyncIterator[None]:
        raise UnavailableError("the socket is taken")
        yield

    with pytest.raises(UnavailableError, match="the socket is taken"):
        async with apart(failing):
            pytest.fail("never entered")
