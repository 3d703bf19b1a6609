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


def deltas(raw: bytes, kind: str) -> list[str]:
    found = [event["delta"] for event in events(raw) if event["type"] == "content_block_delta"]
    return [delta[kind] for delta in found if kind in delta]


async def test_small_pieces_come_numbered_and_in_order(client: httpx.AsyncClient) -> None:
    prompt = '@@many {"count": 500, "word": "p"}'
    raw = (await client.post("/v1/messages", json=body(prompt, stream=True))).content
    assert deltas(raw, "text") == [f"p {number} " for number in range(1, 501)]
    whole = (await client.post("/v1/messages", json=body(prompt))).json()
    assert whole["content"][0]["text"] == "".join(deltas(raw, "text"))


async def test_thinking_is_streamed_in_pieces_before_the_text(client: httpx.AsyncClient) -> None:
    raw = (await client.post("/v1/messages", json=body('@@think {"thinking": "a b c"}', stream=True))).content
    assert deltas(raw, "thinking") == ["a ", "b ", "c"]
    assert deltas(raw, "signature") == ["rehearsal"]
    assert "".join(deltas(raw, "text")).startswith("I have thought")


async def test_pace_waits_before_each_piece_also_where_nothing_is_streamed(client: httpx.AsyncClient) -> None:
    for is_stream in (True, False):
        began = time.monotonic()
        await client.post("/v1/messages", json=body('@@many {"count": 10, "ms_per_delta": 30}', stream=is_stream))
        assert time.monotonic() - began >= 0.3


async def test_tokens_to_report_are_reported(client: httpx.AsyncClient) -> None:
    prompt = '@@spend {"input_tokens": 5000, "output_tokens": 70, "cache_read_input_tokens": 9}'
    usage = (await client.post("/v1/messages", json=body(prompt))).json()["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]) == (5000, 70, 9)
    raw = (await client.post("/v1/messages", json=body(prompt, stream=True))).content
    assert events(raw)[0]["message"]["usage"]["input_tokens"] == 5000
    assert events(raw)[-2]["usage"]["output_tokens"] == 70


async def test_log_says_what_a_request_was_about(client: httpx.AsyncClient, rehearsal: Rehearsal) -> None:
    content = [{"type": "image", "source": {}}, {"type": "text", "text": "@@image"}]
    asked = {**body(""), "messages": [{"role": "user", "content": content}], "output_config": {"effort": "high"}}
    headers = {"x-claude-code-session-id": "s1"}
    answer = await client.post("/v1/messages", json={**asked, "model": "rehearsal-small"}, headers=headers)
    assert "1 images" in answer.json()["content"][0]["text"]
    logged = rehearsal.log[-1]
    assert (logged.model, logged.effort, logged.images, logged.documents) == ("rehearsal-small", "high", 1, 0)
    assert (logged.session, logged.scenario) == ("s1", "image")
