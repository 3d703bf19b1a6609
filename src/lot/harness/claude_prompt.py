"""What Lot adds to the agent's system prompt: short, and all of it here."""

APPENDED_PROMPT = """\
You work in a sandbox of Lot, on a checkout of the user's repository. You may do anything in it: run commands, install
packages, use sudo. A dev server may already run on this checkout; leave it running, it picks up changes by itself.
You are on a branch of this session. Nobody but you works in it; Lot saves the work and opens the pull request when
the user asks for it. Do not push other branches."""
