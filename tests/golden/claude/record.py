"""Records output anew from the real agent program: `python tests/golden/claude/record.py [turns] [conversation]`.

To be run when the pinned CLI changes; the difference in `*.events.json` shows what the change means for us.
"""

import json
import sys
from pathlib import Path

import anyio

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parents[1])]

from agent_rig import AgentRig, Followed, agent_rig, directive, read_journal  # noqa: E402

from lot.core.asks import Answer  # noqa: E402
from lot.core.ids import AskId  # noqa: E402
from lot.core.records import AgentMode  # noqa: E402
from lot.harness.claude_output import Gathered  # noqa: E402

PROMPTS = (
    directive("edit", file="a.txt", old="two", new="2"),
    directive("write", file="b.txt", content="new\n"),
    directive("bash", command="echo out; echo err >&2; false"),
    directive("edit", file="missing.txt", old="a", new="b"),
    directive("fault", status=401, message="invalid x-api-key"),
    directive("fault", status=503, times=1),
    "a message without a scenario",
)


async def record_turns(rig: AgentRig, followed: Followed) -> None:
    """Play all prompts, then one that is interrupted, and one that is steered."""
    for number, prompt in enumerate(PROMPTS, start=1):
        await rig.send(prompt)
        await followed.turns(number)
    await rig.send(directive("slow", seconds=15))
    await anyio.sleep(3)
    await rig.harness.interrupt()
    await followed.turns(len(PROMPTS) + 1)
    await rig.send(directive("long_tool", seconds=3))
    await followed.until(lambda f: f.events[-1].kind == "tool_called")  # type: ignore[attr-defined]
    await rig.send("steering")
    await followed.turns(len(PROMPTS) + 2)


async def record_conversation(rig: AgentRig, followed: Followed) -> None:
    """Play what a user is asked and shown: questions, plans, permissions, lists, sub-agents, a retry."""
    turns = 0

    async def play(scenario: str, *answers: Answer, **arguments: object) -> None:
        nonlocal turns
        before = set(asks(followed))
        await rig.send(directive(scenario, **arguments))
        for number, answer in enumerate(answers, start=1):
            await followed.until(lambda f, count=number: len(set(asks(f)) - before) >= count)  # type: ignore[misc]
            await rig.harness.answer(AskId(asks(followed)[-1]), answer)
        turns += 1
        await followed.turns(turns)

    await play("think")
    await play("ask_many", Answer(choices={"Which pages shall I change?": ("Home", "About")}, text="Welcome"))
    await play("todos")
    await play("parallel")
    await play("subagent")
    await rig.harness.configure(model="rehearsal-small", effort="low", mode=AgentMode.PLAN)
    await play("plan", Answer(verdict="deny", text="Shorter, please."))
    await play("plan", Answer(verdict="allow", mode="ask"), Answer(verdict="allow"))
    await play("permission", Answer(verdict="deny", text="Not this file."), Answer(verdict="allow_always"))
    await rig.send(directive("ask"))
    await followed.until(lambda f: len(f.of("question_asked")) == 2)
    await rig.harness.interrupt()
    await followed.turns(turns + 1)
    await rig.send(directive("slow", seconds=4))
    await anyio.sleep(1)
    await rig.gateway.quiesce(0.1)
    await anyio.sleep(0.5)
    await rig.gateway.open()
    await followed.turns(turns + 2)
    await rig.harness.configure(model="rehearsal-small", effort=None, mode=AgentMode.FULL)
    await rig.send(directive("background"))
    await followed.turns(turns + 4)  # the end of the command begins a turn of its own


def asks(followed: Followed) -> list[str]:
    """Return what was asked so far."""
    kinds = ("question_asked", "plan_proposed", "permission_asked")
    return [event.ask_id for event in followed.events if event.kind in kinds]  # type: ignore[attr-defined]


async def record(name: str) -> None:
    """Record one conversation and what it means."""
    async with agent_rig() as rig:
        await rig.harness.start(rig.link, rig.options())
        async with rig.following() as followed:
            await RECORDS[name](rig, followed)
        raw = await read_journal(rig.link, "agent-1")
    # Most of it, and no events: what the program can do, said at each attachment, and the copy of its transcript.
    left_out = (b'"commands":[', b'"type":"transcript_mirror"')
    lines = raw.splitlines(keepends=True)
    raw = b"".join(line for line in lines if not any(mark in line for mark in left_out))
    raw = raw.replace(str(rig.folder).encode(), b"/rig").replace(rig.folder.name.encode(), b"rig")
    (FOLDER / f"{name}.ndjson").write_bytes(raw)
    write_events(name, raw)


def write_events(name: str, raw: bytes) -> None:
    """Write down what recorded output means."""
    gathered = Gathered(run=1, at=0)
    gathered.add(0, raw)
    events = [event.model_dump(mode="json", exclude={"at"}) for event in gathered.end(None).events]
    (FOLDER / f"{name}.events.json").write_text(json.dumps(events, indent=1) + "\n")


RECORDS = {"turns": record_turns, "conversation": record_conversation}


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RECORDS:
        anyio.run(record, chosen)
