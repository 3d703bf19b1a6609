"""What surrounds the real agent program: Lot's tools, the repository's instructions, its transcript, live output."""

import json
import os
import shutil
import signal
import struct
import time
import uuid
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from agent_rig import PATIENCE_S, AgentRig, Followed, agent_rig, directive

from lot.core.errors import AgentError
from lot.core.records import AgentMode, FileLines
from lot.harness.claude import ClaudeHarness

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PREVIEW = "http://5173--abc.preview.localhost:7700"


def picture(width: int = 8, height: int = 8) -> bytes:
    """Return a grey PNG."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress((b"\0" + b"\x80" * width) * height)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class CountingTools:
    """Tools that answer at once, count their calls, and can be slow or fail on demand."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.failure: Exception | None = None
        self.is_slow = False

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        await self._called("create_pull_request")
        return f"Opened {title!r}"

    async def restart_dev_server(self) -> str:
        await self._called("restart_dev_server")
        return "The dev server answers."

    async def read_dev_log(self, lines: int, process: str | None) -> str:
        await self._called("read_dev_log")
        return f"the last {lines} lines{f' of {process}' if process else ''}"

    async def screenshot(self, path: str, width: int, height: int) -> bytes:
        await self._called("screenshot")
        return picture()

    async def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.is_slow:
            await anyio.sleep(PATIENCE_S)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig() as rig:
        yield rig


@pytest.fixture
def tools(rig: AgentRig) -> CountingTools:
    tools = CountingTools()
    rig.harness = ClaudeHarness(rig.place, tools)
    return tools


def outputs(followed: Followed) -> list[str]:
    return [event.output for event in followed.of("tool_finished")]  # type: ignore[attr-defined]


def own_files(rig: AgentRig, folder: Path) -> None:
    """Give what a test has written to the agent's user."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, rig.place.user)


def keep_bodies(rig: AgentRig) -> list[str]:
    """Have the rehearsal keep the requests as they came."""
    bodies: list[str] = []
    note = rig.rehearsal._note

    def keep(request: Any, raw: bytes, *rest: Any) -> None:
        bodies.append(raw.decode())
        note(request, raw, *rest)

    rig.rehearsal._note = keep  # type: ignore[method-assign, assignment]
    return bodies


async def call(rig: AgentRig, followed: Followed, name: str, **given: object) -> str:
    """Have the agent call one of Lot's tools; return what it got."""
    turns = len(followed.of("turn_ended"))
    await rig.send(directive("tools", name=name, input=given))
    await followed.turns(turns + 1)
    return outputs(followed)[-1]


async def test_agent_calls_lots_tools_and_errors_are_told_in_words(rig: AgentRig, tools: CountingTools) -> None:
    bodies = keep_bodies(rig)
    await rig.harness.start(rig.link, rig.options(preview_url=PREVIEW, has_browser=True))
    async with rig.following() as followed:
        assert await call(rig, followed, "read_dev_log", lines=7) == "the last 7 lines"
        assert await call(rig, followed, "read_dev_log", process="worker") == "the last 100 lines of worker"
        loaded = {tool["name"] for tool in json.loads(bodies[0])["tools"]}
        assert {"mcp__lot__create_pull_request", "mcp__lot__take_screenshot"} <= loaded
        assert await call(rig, followed, "read_dev_log") == "the last 100 lines"
        assert PREVIEW in await call(rig, followed, "preview_address")
        assert "'Better'" in await call(rig, followed, "create_pull_request", title="Better", body="so it is")
        assert await call(rig, followed, "restart_dev_server") == "The dev server answers."
        await call(rig, followed, "take_screenshot", path="/about")
        assert followed.of("tool_finished")[-1].images == 1  # type: ignore[attr-defined]
        assert not any(event.is_error for event in followed.of("tool_finished"))  # type: ignore[attr-defined]

        tools.failure = AgentError("this project has no dev command")
        assert "this project has no dev command" in await call(rig, followed, "restart_dev_server")
        tools.failure = ZeroDivisionError("a defect")
        assert "Lot has a defect" in await call(rig, followed, "restart_dev_server")
        assert "not of type 'integer'" in await call(rig, followed, "read_dev_log", lines="many")
        assert all(event.is_error for event in followed.of("tool_finished")[-3:])  # type: ignore[attr-defined]


async def test_screenshots_are_offered_only_with_a_browser(rig: AgentRig, tools: CountingTools) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        assert "No such tool" in await call(rig, followed, "take_screenshot")
    assert not tools.calls


async def test_tools_that_only_look_need_no_permission(rig: AgentRig, tools: CountingTools) -> None:
    await rig.harness.start(rig.link, rig.options(mode=AgentMode.ASK))
    async with rig.following() as followed:
        assert await call(rig, followed, "read_dev_log") == "the last 100 lines"
        await rig.send(directive("tools", name="restart_dev_server"))
        await followed.until(lambda f: bool(f.of("permission_asked")))
    assert not tools.calls["restart_dev_server"]


async def test_call_under_way_is_carried_out_by_the_next_runner_and_answered_ones_are_not(
    rig: AgentRig, tools: CountingTools
) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await call(rig, followed, "create_pull_request", title="One")
        tools.is_slow = True
        await rig.send(directive("tools", name="restart_dev_server"))
        with anyio.fail_after(PATIENCE_S):
            while not tools.calls["restart_dev_server"]:  # noqa: ASYNC110 - a double tells no event
                await anyio.sleep(0.02)
        await rig.harness.detach()
        again = CountingTools()
        rig.harness = ClaudeHarness(rig.place, again)
        await rig.harness.start(rig.link, rig.options())
        await followed.turns(2)
        assert outputs(followed)[-1] == "The dev server answers."
    assert again.calls == Counter(restart_dev_server=1)


async def test_repositorys_instructions_reach_the_model_and_its_hooks_run_beside_the_agent(rig: AgentRig) -> None:
    claude = rig.workspace / ".claude"
    (claude / "skills/bake").mkdir(parents=True)
    (claude / "commands").mkdir()
    (rig.workspace / "CLAUDE.md").write_text("Always answer in the style of a lighthouse keeper.\n")
    (claude / "skills/bake/SKILL.md").write_text("---\nname: bake\ndescription: Bakes lemon cakes.\n---\nPreheat.\n")
    (claude / "commands/ship.md").write_text('@@say {"text": "shipped $ARGUMENTS"}\n')
    hook = {"type": "command", "command": "id -un > hook-ran; env | sort > hook-env"}
    hooks = {"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [hook]}]}}
    (claude / "settings.json").write_text(json.dumps(hooks))
    own_files(rig, rig.workspace)
    bodies = keep_bodies(rig)

    await rig.harness.start(rig.link, rig.options(preview_url=PREVIEW))
    async with rig.following() as followed:
        await rig.send(directive("bash", command="true"))
        await followed.turns(1)
        await rig.send("/ship now")
        await followed.turns(2)
    assert followed.of("agent_text")[-1].text == "shipped now"  # type: ignore[attr-defined]
    assert "style of a lighthouse keeper" in bodies[0]
    assert "Bakes lemon cakes" in bodies[0]
    assert "You work in a sandbox of Lot" in bodies[0]
    assert PREVIEW in bodies[0]
    assert (rig.workspace / "hook-ran").read_text().strip() == rig.place.user
    environment = (rig.workspace / "hook-env").read_text()
    assert not any(f"{name}=" in environment for name in os.environ if name.startswith(("PYTEST", "LOT_CONFIG")))


async def run_and_lose_the_transcript(rig: AgentRig, *prompts: str) -> tuple[FileLines, ...]:
    """Play turns, kill the program, and remove all that it kept of them; return what the records say was kept."""
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        for number, prompt in enumerate(prompts, start=1):
            await rig.send(prompt)
            await followed.turns(number)
        os.kill((await rig.status()).pid, signal.SIGKILL)
        await followed.until(lambda f: f.records[-1].is_end)
    shutil.rmtree(rig.folder / "home/.claude")
    (rig.folder / "home/.claude.json").unlink()
    return tuple(file for record in followed.records for file in record.files)


async def test_conversation_goes_on_from_the_stored_transcript_alone(rig: AgentRig) -> None:
    first = directive("bash", command="echo Erinnerung \u2028 \\\\u0000")
    files = await run_and_lose_the_transcript(rig, first, directive("subagent"))
    assert {file.path.rsplit("/", 1)[-1] for file in files} >= {f"{rig.agent_session}.jsonl"}
    assert any("/subagents/agent-" in file.path for file in files)

    await rig.harness.start(rig.link, rig.options(run=2, transcript=files))
    folder = rig.folder / "home/.claude/projects"
    put_back = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {file.path for file in files} <= put_back
    assert any(path.endswith(".meta.json") for path in put_back)
    assert {(folder / path).stat().st_mode & 0o777 for path in put_back} == {0o600}
    async with rig.following(run=2) as followed:
        await rig.send("@@recall")
        await followed.turns(1)
        more = tuple(file for record in followed.records for file in record.files)
    said = followed.of("agent_text")[-1].text  # type: ignore[attr-defined]
    assert "Erinnerung" in said
    assert "@@subagent" in said
    # What a continued program writes comes after what was kept: a second loss costs no more than the first.
    await rig.link.stop("agent-2")
    shutil.rmtree(rig.folder / "home/.claude")
    await rig.harness.start(rig.link, rig.options(run=3, transcript=files + more))
    async with rig.following(run=3) as followed:
        await rig.send("@@recall")
        await followed.turns(1)
    said = followed.of("agent_text")[-1].text  # type: ignore[attr-defined]
    assert said.count("Erinnerung") == 1
    assert said.count("@@recall") == 2


async def test_end_of_a_transcript_that_the_sandbox_lost_is_put_back(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("say", text="first"))
        await followed.turns(1)
        [file] = (rig.folder / "home/.claude/projects").glob(f"*/{rig.agent_session}.jsonl")
        early = file.read_bytes()
        await rig.send(directive("say", text="second"))
        await followed.turns(2)
        os.kill((await rig.status()).pid, signal.SIGKILL)
        await followed.until(lambda f: f.records[-1].is_end)
    file.write_bytes(early)

    stored = tuple(kept for record in followed.records for kept in record.files)
    await rig.harness.start(rig.link, rig.options(run=2, transcript=stored))
    async with rig.following(run=2) as followed:
        await rig.send("@@recall")
        await followed.turns(1)
    said = followed.of("agent_text")[-1].text  # type: ignore[attr-defined]
    assert (said.count("first"), said.count("second")) == (1, 1)


async def test_conversation_without_any_transcript_begins_anew(rig: AgentRig) -> None:
    files = await run_and_lose_the_transcript(rig, directive("say", text="forgotten"))
    others = tuple(replace(file, path=file.path.replace(rig.agent_session, str(uuid.uuid4()))) for file in files)
    await rig.harness.start(rig.link, rig.options(run=2, transcript=others))
    async with rig.following(run=2) as followed:
        await rig.send("@@recall")
        await followed.turns(1)
    assert "forgotten" not in followed.of("agent_text")[-1].text  # type: ignore[attr-defined]


def shown(followed: Followed) -> dict[str, str]:
    """Return the output that was shown live, by call; each part must follow the one before."""
    texts: dict[str, str] = {}
    for part in followed.parts:
        if part.kind == "tool_output":
            assert part.offset == len(texts.get(part.key, ""))
            texts[part.key] = texts.get(part.key, "") + part.text
    return texts


async def test_output_of_a_command_is_shown_while_it_runs(rig: AgentRig) -> None:
    go = rig.workspace / "go"
    waits = f"while ! test -e {go}; do sleep 0.05; done"
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        began = time.monotonic()
        await rig.send(directive("bash", command=f"printf 'grün \"1\"\\n'; echo oops >&2; {waits}; echo end; exit 3"))
        await followed.until(lambda f: "oops" in "".join(shown(f).values()))
        took_s = time.monotonic() - began
        assert not followed.of("tool_finished")
        go.touch()
        await followed.turns(1)
    called = followed.of("tool_called")[0].tool_call_id  # type: ignore[attr-defined]
    assert shown(followed)[called].startswith('grün "1"\noops\n')
    assert outputs(followed) == ['Exit code 3\ngrün "1"\noops\nend']
    assert all(record.from_offset == record.to_offset for record in followed.records if record.is_live)
    stored = [record for record in followed.records if not record.is_live]
    assert [record.from_offset for record in stored[1:]] == [record.to_offset for record in stored[:-1]]
    assert took_s < PATIENCE_S / 2


async def test_each_of_several_commands_has_its_own_output(rig: AgentRig) -> None:
    go = rig.workspace / "go"
    waits = f"while ! test -e {go}; do sleep 0.05; done"
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("background", command=f"echo behind; {waits}; echo done"))
        await followed.turns(1)
        prompt = directive("bash", command=f"echo below; {waits}")
        await rig.send(directive("subagent", prompt=prompt))
        await followed.until(lambda f: {"behind\n", "below\n"} <= set(shown(f).values()))
        calls = {event.tool_call_id: event for event in followed.of("tool_called")}  # type: ignore[attr-defined]
        for key, text in shown(followed).items():
            assert f"echo {text.strip()}" in calls[key].input["command"]  # type: ignore[attr-defined]
        below = next(part for part in followed.parts if part.text == "below\n")
        assert below.parent_tool_call_id in calls
        go.touch()
        await followed.turns(2)


async def test_next_runner_goes_on_showing_a_command_that_runs(rig: AgentRig) -> None:
    go = rig.workspace / "go"
    command = f"echo first; while ! test -e {go}; do sleep 0.05; done; echo second; sleep 1.5"
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as before:
        await rig.send(directive("bash", command=command))
        await before.until(lambda f: bool(shown(f)))
    offset = max(record.to_offset for record in before.records)
    async with rig.following(offset=offset) as after:
        go.touch()
        await after.until(lambda f: "second\n" in "".join(shown(f).values()))
        await after.turns(1)
    assert set(shown(after)) == set(shown(before))


async def test_flood_of_output_is_shown_up_to_a_limit_and_costs_the_command_nothing(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send(directive("bash", command="yes 0123456789 | head -c 3000000; sleep 1.5; echo the end"))
        await followed.turns(1)
    assert 1_000 < sum(map(len, shown(followed).values())) <= 64 << 10
    assert "Output too large (2.9MB)" in outputs(followed)[0]
