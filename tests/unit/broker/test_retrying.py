"""What the broker asks again, when, and what the agent is told when it gives up; clocks and dice are the test's own."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from model_bench import SECRET, STREAM, Bench, Pieces, key, streamed

from lot.broker.backoff import Backoff

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@dataclass
class Time:
    """Passes only while somebody sleeps."""

    passed_s: float = 0.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed_s += seconds
        self.on_sleep()

    def backoff(self, **changes: object) -> Backoff:
        clocks = {"sleep": self.sleep, "clock": lambda: self.passed_s, "now": lambda: NOW, "dice": lambda: 1.0}
        return Backoff(**clocks | changes)  # type: ignore[arg-type]


def failing(
    status: int, times: int, headers: dict[str, str] | None = None, message: str = "a fault"
) -> Callable[[httpx.Request], httpx.Response]:
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response:
        if left[0] == 0:
            return streamed()(request)
        left[0] -= 1
        body = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": message}})
        return httpx.Response(status, headers=headers, stream=Pieces(body.encode(), 9))

    return answer


def raising(error: Exception, times: int = 1_000) -> Callable[[httpx.Request], httpx.Response]:
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response:
        if left[0] == 0:
            return streamed()(request)
        left[0] -= 1
        raise error

    return answer


async def ask(bench: Bench) -> httpx.Response:
    async with bench.client() as client:
        return await client.post("/v1/messages", json={"stream": True})


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
async def test_passing_fault_is_waited_for_and_each_wait_is_told(status: int) -> None:
    time = Time()
    bench = Bench(failing(status, 3), key(), time.backoff())
    answer = await ask(bench)
    assert (answer.status_code, answer.content) == (200, STREAM)
    assert time.slept == [1.0, 2.0, 4.0]
    assert bench.accounts.waits == [("abc", n, 2.0 ** (n - 1), status, "a fault") for n in (1, 2, 3)]
    assert len(bench.metered) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_refusal_stays_a_refusal(status: int) -> None:
    time = Time()
    bench = Bench(failing(status, 1_000), key(), time.backoff())
    assert (await ask(bench)).status_code == status
    assert (len(bench.seen), time.slept, bench.accounts.waits) == (1, [], [])


async def test_provider_that_forbids_another_attempt_is_obeyed() -> None:
    time = Time()
    bench = Bench(failing(529, 1_000, {"x-should-retry": "false"}), key(), time.backoff())
    assert (await ask(bench)).status_code == 529
    assert len(bench.seen) == 1


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.ReadError("no"), httpx.RemoteProtocolError("no")],
)
async def test_connection_that_fails_before_the_first_byte_is_made_again(error: Exception) -> None:
    time = Time()
    bench = Bench(raising(error, 2), key(), time.backoff())
    assert (await ask(bench)).content == STREAM
    [first, _] = bench.accounts.waits
    assert first == ("abc", 1, 1.0, None, f"the model provider anthropic cannot be reached ({type(error).__name__})")


async def test_answer_that_breaks_before_its_first_byte_is_asked_for_again_and_a_later_break_is_not() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=Pieces(b"" if len(bench.seen) == 1 else STREAM, 50, True))

    bench = Bench(answer, key(), Time().backoff())
    async with bench.client() as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/v1/messages", json={})
    assert len(bench.seen) == 2
    assert len(bench.metered) == 1


async def test_address_that_can_never_work_is_not_tried_again() -> None:
    time = Time()
    answer = await ask(Bench(raising(httpx.UnsupportedProtocol("x")), key(), time.backoff()))
    assert (answer.status_code, time.slept) == (502, [])


@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [
        ("30", 33.0),
        ("0.5", 1.0),
        (format_datetime(NOW + timedelta(seconds=20), usegmt=True), 22.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 1.0),
        ("soon", 1.0),
        ("nan", 1.0),
        ("-7", 1.0),
    ],
)
async def test_retry_after_is_honoured(retry_after: str, delay_s: float) -> None:
    time = Time()
    await ask(Bench(failing(429, 1, {"retry-after": retry_after}), key(), time.backoff()))
    assert time.slept == pytest.approx([delay_s])


async def test_nobody_waits_longer_than_the_patience_even_if_asked_to() -> None:
    for retry_after in ("301", "1e300", "inf"):
        time = Time()
        bench = Bench(failing(429, 1_000, {"retry-after": retry_after}), key(), time.backoff(attempts=3))
        answer = await ask(bench)
        assert answer.status_code == 429
        assert sum(time.slept) < 300
        assert answer.headers["retry-after"] == retry_after


async def test_given_up_is_said_once_with_the_cause_and_is_not_to_be_tried_again() -> None:
    time = Time()
    bench = Bench(failing(529, 1_000, {"request-id": "r9"}, "Overloaded"), key(), time.backoff())
    answer = await ask(bench)
    spent = f"{sum(time.slept):.0f} s"
    assert answer.status_code == 529
    assert (answer.headers["x-should-retry"], answer.headers["request-id"]) == ("false", "r9")
    assert answer.json() == {
        "type": "error",
        "error": {
            "type": "overloaded_error",
            "message": f"the model provider anthropic answered 529: Overloaded (tried 10 times in {spent})",
        },
    }
    assert (len(bench.seen), len(bench.accounts.waits)) == (10, 9)
    assert time.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert bench.metered == []


async def test_unreachable_provider_is_given_up_in_words() -> None:
    bench = Bench(raising(httpx.ConnectError(f"http://user:{SECRET}@proxy")), key(), Time().backoff(attempts=2))
    answer = await ask(bench)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (502, "false")
    words = answer.json()["error"]["message"]
    assert words == "the model provider anthropic cannot be reached (ConnectError) (tried 2 times in 1 s)"
    assert SECRET not in answer.text + str(bench.accounts.waits)


async def test_error_without_a_readable_body_is_told_by_its_status() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"<html>" * 1_000

    bench = Bench(lambda request: httpx.Response(503, stream=Endless()), key(), Time().backoff(attempts=2))
    answer = await ask(bench)
    assert "503: Service Unavailable" in answer.json()["error"]["message"]


async def test_epoch_that_ends_during_a_wait_ends_the_request() -> None:
    time = Time()
    bench = Bench(failing(529, 1_000), key(), time.backoff())

    def take_over() -> None:
        bench.epoch = 4

    time.on_sleep = take_over
    assert (await ask(bench)).status_code == 409
    assert len(bench.seen) == 1


async def test_delays_are_spread_and_never_negative() -> None:
    for dice in (0.0, 0.3, 1.0):
        backoff = Backoff(dice=lambda dice=dice: dice)
        delays = [backoff.delay_s(attempt, 0.0, None) for attempt in range(1, 10)]
        nominal = [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert delays == pytest.approx([one * (0.5 + 0.5 * dice) for one in nominal])
    assert Backoff().delay_s(10, 0.0, None) is None
    assert Backoff().delay_s(1, 299.9, None) is None


async def test_requests_wait_each_for_itself() -> None:
    time = Time()
    bench = Bench(failing(529, 2), key(), time.backoff())
    async with bench.client() as client:
        assert (await client.post("/v1/messages", json={"n": 1})).status_code == 200
        assert (await client.post("/v1/messages", json={"n": 2})).status_code == 200
    assert [wait[1] for wait in bench.accounts.waits] == [1, 2]
