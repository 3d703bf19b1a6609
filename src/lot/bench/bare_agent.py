"""The agent program alone: on the host, without sandbox and without Lot, asking a scripted model of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

from lot.core.errors import AgentError
from lot.harness.claude import agent_binary

START_TIMEOUT_S = 20.0
TURN_TIMEOUT_S = 300.0
POLL_S = 0.05


class BareAgent:
    """A scripted model on a port of the loopback interface, for the length of the block."""

    def __init__(self, folder: Path) -> None:
        """`folder` becomes the program's HOME and working directory."""
        self._folder = folder
        self._model: subprocess.Popen[bytes] | None = None
        self._address = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        self._model = subprocess.Popen(
            [sys.executable, "-m", "lot.cli.main", "rehearsal", "serve", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > until:
                raise AgentError("the scripted model did not start")
            time.sleep(POLL_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._model is not None:
            self._model.kill()
            self._model.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def latencies(self, count: int, pace_ms: float) -> list[float]:
        """Return, of each of `count` streamed pieces, the seconds from the model to the program's standard output.

        Raises:
            AgentError: the program did not answer.
        """
        prompt = "@@clock " + json.dumps({"count": count, "ms_per_delta": pace_ms})
        command = [str(agent_binary().source), "-p", prompt, "--output-format", "stream-json", "--verbose"]
        process = subprocess.Popen(
            [*command, "--include-partial-messages", "--model", "rehearsal", "--tools", ""],
            cwd=self._folder,
            # A HOME and an environment of its own: nothing of this machine's is read.
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "ANTHROPIC_BASE_URL": self._address,
                "ANTHROPIC_API_KEY": "no-key-is-needed",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        found: list[float] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                now = time.time()
                if b'"text_delta"' in line:
                    found += [now - float(word) for word in json.loads(line)["event"]["delta"]["text"].split()]
            process.wait(TURN_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
        if not found:
            raise AgentError(f"the agent program alone ended with exit code {process.returncode} and said nothing")
        return found

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self._address}/api/hello", trust_env=False).is_success
        except httpx.TransportError:
            return False
