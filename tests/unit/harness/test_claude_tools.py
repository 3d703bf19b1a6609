"""Which of Lot's tools Claude is offered, and that a call always ends with an answer."""

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import cast

import anyio
import pytest

from lot.harness import claude_tools
from lot.harness.claude import ClaudeHarness, command_line
from lot.harness.claude_prompt import appended_prompt
from lot.harness.claude_tools import _log, _preview, free_tools
from lot.harness.harness import AgentOptions, SessionTools

pytestmark = pytest.mark.anyio

OPTIONS = AgentOptions(
    run=1,
    agent_session="17eacb06-dec8-461d-8c58-6c0e4b46c5c3",
    is_continuation=False,
    cwd=PurePosixPath("/workspace"),
    model="sonnet",
    provider="anthropic",
)


class NeverAnswers:
    """Tools that hang."""

    async def read_dev_log(self, lines: int, process: str | None) -> str:
        await anyio.sleep_forever()
        raise AssertionError


async def test_call_that_takes_too_long_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_tools, "TOOL_TIMEOUT_S", 0.01)
    answer = await _log(cast(SessionTools, NeverAnswers())).handler({})
    assert answer["is_error"]
    assert "took longer" in answer["content"][0]["text"]


async def test_project_without_a_port_has_no_address() -> None:
    answer = await _preview(OPTIONS).handler({})
    assert "no port" in answer["content"][0]["text"]


def test_command_line_names_the_server_and_what_needs_no_permission() -> None:
    harness = ClaudeHarness(tools=cast(SessionTools, NeverAnswers()))
    words = command_line(harness._sdk_options(OPTIONS, is_continuation=False))
    servers = json.loads(words[words.index("--mcp-config") + 1])
    assert servers == {"mcpServers": {"lot": {"type": "sdk", "name": "lot", "alwaysLoad": True}}}
    assert words[words.index("--allowedTools") + 1] == ",".join(free_tools())
    assert not any("create" in name or "restart" in name for name in free_tools())


def test_prompt_tells_what_the_session_has() -> None:
    plain = appended_prompt(OPTIONS)
    assert "Preview" not in plain
    assert "take_screenshot" not in plain
    whole = appended_prompt(replace(OPTIONS, preview_url="http://preview", has_browser=True))
    assert "http://preview" in whole
    assert "take_screenshot" in whole
    assert len(whole) < 2_000
