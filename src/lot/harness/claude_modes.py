"""Claude's words for what an agent may do without asking, and ours."""

from collections.abc import Mapping

from claude_agent_sdk import PermissionMode

from lot.core.records import AgentMode

CLAUDE_MODES: Mapping[AgentMode, PermissionMode] = {
    AgentMode.FULL: "bypassPermissions",
    AgentMode.EDITS: "acceptEdits",
    AgentMode.ASK: "default",
    AgentMode.PLAN: "plan",
}
OUR_MODES: Mapping[str, str] = {theirs: ours.value for ours, theirs in CLAUDE_MODES.items()}
