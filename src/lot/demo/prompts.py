"""What the demo asks of the agent: of a model in words, of the rehearsal by the scenario that does the same."""

import json

from lot.demo.subject import Change

REHEARSAL = "rehearsal"


def change_prompt(provider: str, change: Change) -> str:
    """Return a message after which `change` is made and nothing else."""
    if provider == REHEARSAL:
        return "@@demo_change " + json.dumps({"file": change.file, "old": change.old, "new": change.new})
    return (
        f"In the file {change.file}, replace this line\n\n{change.old}\n\nby exactly this one\n\n{change.new}\n\n"
        "Use the Edit tool, change nothing else, create no other file and make no commit. Then say in one sentence "
        "what you changed."
    )


def wake_prompt(provider: str) -> str:
    """Return a message that is answered without any change."""
    if provider == REHEARSAL:
        return "@@say " + json.dumps({"text": "I am back, and I remember what I changed."})
    return "Without using any tool: in one sentence, which file did you change before, and how?"
