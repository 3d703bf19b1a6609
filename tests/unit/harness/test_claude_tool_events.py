"""Tool calls and their results as events, the agent's own lines as they are kept, and files as they are shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lot.core.events import ToolCalled, ToolFinished
from lot.core.media_types import media_type_of
from lot.core.records import Attachment
from lot.harness.claude_ask_events import closed
from lot.harness.claude_attachments import MAX_IMAGE_BYTES, content
from lot.harness.claude_lines import MAX_KEPT_BYTES, kept
from lot.harness.claude_tool_events import called, finished

AT = datetime(2026, 1, 2, tzinfo=UTC)


def call(tool: str, **given: Any) -> ToolCalled:
    event = next(called({"id": "t", "name": tool, "input": given}, None, AT))
    assert isinstance(event, ToolCalled)
    return event


def end(report: dict[str, Any], content: Any = "", **block: Any) -> ToolFinished:
    return finished({"tool_use_id": "t", "content": content, **block}, report, AT)


@pytest.mark.parametrize(
    ("tool", "given", "kind", "title"),
    [
        ("Edit", {"file_path": "/workspace/src/App.tsx"}, "edit", "Edit src/App.tsx"),
        ("Read", {"file_path": "/etc/hosts"}, "read", "Read /etc/hosts"),
        ("Bash", {"command": "npm test\necho done", "description": "Test"}, "execute", "npm test"),
        ("Grep", {"pattern": "TODO"}, "search", "Grep TODO"),
        ("Agent", {"description": "Look around", "prompt": "x"}, "think", "Look around"),
        ("ExitPlanMode", {}, "switch_mode", "Propose a plan"),
        ("mcp__lot__restart_dev_server", {}, "other", "Restart dev server"),
        ("Unknown", {"file_path": 7, "command": None}, "other", "Unknown"),
        ("Bash", {"command": "  "}, "execute", "Bash"),
    ],
)
def test_call_has_a_kind_and_a_title(tool: str, given: dict[str, Any], kind: str, title: str) -> None:
    event = call(tool, **given)
    assert (event.tool_kind, event.title) == (kind, title)


def test_list_of_things_to_do_comes_whole() -> None:
    todos = [{"content": "a", "status": "completed"}, {"content": "b", "status": "bogus"}, "x", {"status": "pending"}]
    events = list(called({"id": "t", "name": "TodoWrite", "input": {"todos": todos}}, "parent", AT))
    assert [event.kind for event in events] == ["tool_called", "plan_changed"]
    assert [(entry.content, entry.status) for entry in events[1].entries] == [("a", "completed")]  # type: ignore[union-attr]


def test_new_file_is_a_patch_of_added_lines() -> None:
    event = end({"type": "create", "filePath": "/workspace/a", "content": "one\ntwo\n", "structuredPatch": []})
    assert event.is_new_file
    assert event.patch == [{"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": 2, "lines": ["+one", "+two"]}]
    assert end({"type": "create", "content": ""}).patch is None


def test_change_of_a_notebooks_cell_is_a_patch() -> None:
    report = {"notebook_path": "/w/n.ipynb", "old_source": "a\nb", "new_source": "a\nc", "cell_id": "x"}
    event = end(report)
    assert event.path == "/w/n.ipynb"
    assert event.patch == [{"oldStart": 1, "oldLines": 2, "newStart": 1, "newLines": 2, "lines": [" a", "-b", "+c"]}]


def test_result_says_what_became_of_a_command_and_counts_pictures() -> None:
    assert end({"interrupted": True}).is_interrupted
    assert end({"backgroundTaskId": "b1"}).is_in_background
    assert end({"isAsync": True}).is_in_background
    assert end({}, [{"type": "image"}, {"type": "text", "text": "a"}, {"type": "image"}]).images == 2


def test_only_the_users_own_decisions_close_what_was_asked() -> None:
    def outcome(**meta: Any) -> list[str]:
        return [event.outcome for event in closed({"tool_result_meta": [{"id": "t", **meta}]}, AT)]

    assert outcome(permission_decision={"decision": "accept", "source": "user_temporary"}) == ["taken"]
    rejected = {"decision": "reject", "source": "user_reject"}
    assert outcome(permission_decision=rejected, non_execution_kind="permission-rule") == ["taken"]
    assert outcome(non_execution_kind="user-rejected") == ["withdrawn"]
    assert outcome(permission_decision={"decision": "accept", "source": "config"}) == []


def test_kept_line_has_no_copy_of_a_file_and_a_long_one_is_a_marker() -> None:
    def keep(**line: Any) -> str | None:
        return kept(json.dumps(line, separators=(",", ":")).encode(), line)

    assert keep(type="stream_event") is None
    assert keep(type="system", subtype="status", status="requesting") is None
    assert keep(type="system", subtype="status", permissionMode="plan")
    assert keep(type="control_response", response={"response": {"commands": []}}) is None
    edit = keep(type="user", tool_use_result={"filePath": "/a", "originalFile": "x" * MAX_KEPT_BYTES})
    assert json.loads(edit or "") == {"type": "user", "tool_use_result": {"filePath": "/a"}}
    long = json.loads(keep(type="user", text="x" * MAX_KEPT_BYTES) or "")
    assert long["type"] == "user"
    assert long["lot_omitted_bytes"] > MAX_KEPT_BYTES


def test_model_is_shown_what_a_file_is_and_not_what_it_is_called() -> None:
    assert media_type_of(b"\x89PNG\r\n\x1a\n...") == "image/png"
    assert media_type_of(b"RIFF1234WEBPVP8 ") == "image/webp"
    assert media_type_of(b"RIFF1234WAVE") is None
    picture, large = b"\xff\xd8\xff", b"\xff\xd8\xff" + b"x" * MAX_IMAGE_BYTES
    files = [Attachment(name=f"{n}.txt", media_type="text/plain", data=d) for n, d in enumerate((picture, large, b"a"))]
    blocks = content("Look", files, ())
    assert [block["type"] for block in blocks] == ["image", "text"]  # type: ignore[index]
    assert content("Look", (), ()) == "Look"
