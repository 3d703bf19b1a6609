"""How the agent program is started: its command line and environment, pinned word for word."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from lot.core.errors import AgentError
from lot.core.records import AgentMode
from lot.harness import claude
from lot.harness.claude import DISALLOWED_TOOLS, ClaudeHarness, agent_binary, command_line
from lot.harness.claude_prompt import appended_prompt
from lot.harness.harness import AgentOptions

OPTIONS = AgentOptions(
    run=1,
    agent_session="17eacb06-dec8-461d-8c58-6c0e4b46c5c3",
    is_continuation=False,
    cwd=PurePosixPath("/workspace"),
    model="sonnet",
    provider="anthropic",
)


def test_command_line_is_the_one_that_was_tried() -> None:
    harness = ClaudeHarness()
    assert command_line(harness._sdk_options(OPTIONS, is_continuation=False)) == (
        "/opt/lot/claude",
        *("--output-format", "stream-json", "--verbose"),
        *("--append-system-prompt", appended_prompt(OPTIONS)),
        *("--disallowedTools", ",".join(DISALLOWED_TOOLS)),
        *("--model", "sonnet"),
        *("--permission-prompt-tool", "stdio"),
        *("--permission-mode", "bypassPermissions"),
        "--session-id=17eacb06-dec8-461d-8c58-6c0e4b46c5c3",
        *("--settings", json.dumps({"attribution": {"commit": "", "pr": ""}, "useAutoModeDuringPlan": False})),
        "--include-partial-messages",
        "--setting-sources=project",
        "--replay-user-messages",
        "--allow-dangerously-skip-permissions",
        "--session-mirror",
        *("--input-format", "stream-json"),
    )
    again = command_line(harness._sdk_options(OPTIONS, is_continuation=True))
    assert "--resume=17eacb06-dec8-461d-8c58-6c0e4b46c5c3" in again
    assert not any(word.startswith("--session-id") for word in again)


def test_environment_leads_to_the_gateway_and_holds_no_key() -> None:
    environment = ClaudeHarness()._environment(OPTIONS)
    assert environment["ANTHROPIC_BASE_URL"] == "http://10.200.0.1/model"
    assert environment["NO_PROXY"] == "10.200.0.1"
    assert environment["ANTHROPIC_API_KEY"].startswith("lot-placeholder")
    assert environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"
    assert not any("TOKEN" in name for name in environment)


def test_program_comes_with_the_sdk(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    binary = agent_binary()
    assert binary.source.is_file()
    assert binary.target == PurePosixPath("/opt/lot/claude")
    assert binary.version[0].isdigit()
    monkeypatch.setattr(claude.claude_agent_sdk, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(AgentError, match="install claude-agent-sdk"):
        agent_binary()


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (AgentMode.FULL, "bypassPermissions"),
        (AgentMode.EDITS, "acceptEdits"),
        (AgentMode.ASK, "default"),
        (AgentMode.PLAN, "plan"),
    ],
)
def test_mode_and_effort_are_those_of_the_session(mode: AgentMode, word: str) -> None:
    words = command_line(ClaudeHarness()._sdk_options(replace(OPTIONS, mode=mode, effort="low"), is_continuation=False))
    assert words[words.index("--permission-mode") + 1] == word
    assert json.loads(words[words.index("--settings") + 1])["effortLevel"] == "low"
    assert "--effort" not in words, "it could not be taken away again while the program runs"
