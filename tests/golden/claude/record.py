"""Records `turns.ndjson` anew from the real agent program: `python tests/golden/claude/record.py`.

To be run when the pinned CLI changes; the difference in `turns.events.json` shows what the change means for us.
"""

import json
import sys
from pathlib import Path

import anyio

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parents[1])]

from agent_rig import agent_rig, directive, read_journal  # noqa: E402

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


async def record() -> None:
    """Play all prompts, then one that is interrupted, and one that is steered."""
    async with agent_rig() as rig:
        await rig.harness.start(rig.link, rig.options())
        async with rig.following() as followed:
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
        raw = await read_journal(rig.link, "agent-1")
        (FOLDER / "turns.ndjson").write_bytes(
            raw.replace(str(rig.folder).encode(), b"/rig").replace(rig.folder.name.encode(), b"rig")
        )
    gathered = Gathered(run=1, at=0)
    gathered.add(0, (FOLDER / "turns.ndjson").read_bytes())
    events = [event.model_dump(mode="json", exclude={"at"}) for event in gathered.end(None).events]
    (FOLDER / "turns.events.json").write_text(json.dumps(events, indent=1) + "\n")


if __name__ == "__main__":
    anyio.run(record)
