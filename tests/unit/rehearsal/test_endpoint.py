"""The rehearsal as an endpoint: what it answers, streamed and whole, and what goes wrong on request."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lot.rehearsal.app import Rehearsal
from lot.rehearsal.serve import serve_rehearsal

pytestmark = pytest.mark.anyio


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
async def client(rehearsal: Rehearsal, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    socket = tmp_path / "r.sock"
    async with serve_rehearsal(socket, rehearsal):
        assert socket.stat().st_mode & 0o777 == 0o600
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        async with httpx.AsyncClient(transport=transport, base_url="http://rehearsal", timeout=20) as client:
            yield client
    assert not socket.exists()


def body(prompt: str, **changes: Any) -> dict[str, Any]:
    return {"model": "rehearsal", "max_tokens": 100, "messages": [{"role": "user", "content": prompt}], **changes}


def events(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]


async def test_stream_and_whole_message_say_the_same(client: httpx.AsyncClient) -> None:
    prompt = '@@bash {"command": "ls"}'
    whole = (await client.post("/v1/messages", json=body(prompt))).json()
    assert [block["type"] for block in whole["content"]] == ["text", "tool_use"]
    assert whole["stop_reason"] == "tool_use"
    streamed = events((await client.post("/v1/messages", json=body(prompt, stream=True))).content)
    assert streamed[0]["type"] == "message_start"
    assert streamed[-1]["type"] == "message_stop"
    text = "".join(e["delta"].get("text", "") for e in streamed if e["type"] == "content_block_delta")
    given = "".join(e["delta"].get("partial_json", "") for e in streamed if e["type"] == "content_block_delta")
    assert text == whole["content"][0]["text"]
    assert json.loads(given) == whole["content"][1]["input"]
    assert streamed[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


async def test_the_rest_of_the_api(client: httpx.AsyncClient, rehearsal: Rehearsal) -> None:
    assert (await client.post("/v1/messages", json=body("Hi", max_tokens=1))).status_code == 200
    assert (await client.post("/v1/messages", json=body("Hi", model="other"))).status_code == 404
    assert (await client.post("/v1/messages", content=b"{}")).status_code == 400
    assert (await client.post("/v1/messages", json=body("@@nonsense"))).status_code == 400
    assert (await client.post("/v1/messages/count_tokens", json=body("Hi"))).json()["input_tokens"] > 0
    assert (await client.get("/v1/models")).json()["data"][0]["id"] == "rehearsal"
    assert (await client.head("/api/hello")).status_code == 200
    assert [logged.status for logged in rehearsal.log] == [200, 404, 400]


async def test_fault_with_a_status_ends_after_its_times(client: httpx.AsyncClient) -> None:
    prompt = '@@fault {"status": 529, "times": 2, "retry_after_s": 1}'
    answers = [await client.post("/v1/messages", json=body(prompt)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [529, 529, 200]
    assert answers[0].json()["error"]["type"] == "overloaded_error"
    assert answers[0].headers["retry-after"] == "1"


async def test_stream_that_breaks_ends_early_or_errs(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/v1/messages", json=body('@@fault {"drop_after": 3}', stream=True))
    early = await client.post("/v1/messages", json=body('@@fault {"fin_after": 3}', stream=True))
    assert len(events(early.content)) == 3
    erring = await client.post("/v1/messages", json=body('@@fault {"sse_error_after": 3}', stream=True))
    assert events(erring.content)[-1]["error"]["type"] == "overloaded_error"


async def test_pace_and_stall_take_their_time(client: httpx.AsyncClient) -> None:
    for prompt in ('@@say {"text": "a b c d", "seconds": 0.4}', '@@fault {"stall_after": 2, "stall_s": 0.4}'):
        began = time.monotonic()
        await client.post("/v1/messages", json=body(prompt, stream=True))
        assert time.monotonic() - began >= 0.4
