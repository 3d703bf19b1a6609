"""`lot rehearsal`: listed with arguments, served by itself."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


def test_scenarios_are_listed_with_their_arguments(lot, tmp_path: Path):
    own = tmp_path / "own.yaml"
    own.write_text("mine: {about: My own., required: [who], steps: [{text: 'hello ${who}'}]}")
    text = lot("rehearsal", "list", "--scenarios", str(own)).stdout
    for words in ("scripted rehearsal, no model", "@@many", "count=1000", "@@mine", "who"):
        assert words in text
    assert lot.json("rehearsal", "list", "--json")["edit"]["required"] == ["file", "old", "new"]


def test_file_without_scenarios_is_a_usage_error(lot, tmp_path: Path):
    for name, content in (("a", "- 1"), ("b", "x: {about: y}"), ("c", "{")):
        (tmp_path / name).write_text(content)
        assert lot("rehearsal", "list", "--scenarios", str(tmp_path / name)).exit_code == 2
    assert lot("rehearsal", "list", "--scenarios", str(tmp_path / "none")).exit_code == 2


def test_serves_on_the_loopback_interface_until_interrupted(tmp_path: Path):
    (tmp_path / "own.yaml").write_text("mine: {about: My own., steps: [{text: served}]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lot.cli.main", "rehearsal", "serve", "--port", str(port)]
    command += ["--scenarios", str(tmp_path / "own.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}) as served:
        try:
            answer = _answer(f"http://127.0.0.1:{port}/v1/messages")
        finally:
            served.send_signal(signal.SIGINT)
            _, said = served.communicate(timeout=20)
    assert answer["content"][0]["text"] == "served"
    assert "scripted rehearsal, no model" in said


def _answer(url: str) -> dict[str, list[dict[str, str]]]:
    body = {"model": "rehearsal", "max_tokens": 9, "messages": [{"role": "user", "content": "@@mine"}]}
    deadline = time.monotonic() + 20
    while True:
        try:
            found: dict[str, list[dict[str, str]]] = json.loads(
                httpx.post(url, json=body, trust_env=False).raise_for_status().content
            )
            return found
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
