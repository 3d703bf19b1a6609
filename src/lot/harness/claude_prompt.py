"""What Lot adds to the agent's system prompt: short, and all of it here."""

from lot.harness.harness import AgentOptions

_SANDBOX = """\
You work in a sandbox of Lot, on a checkout of the user's repository. You may do anything in it: run commands, install
packages, use sudo.
Dev server: where the project has one it already runs on this checkout and picks up changes by itself. Never start a
second one. If it must be restarted (a new dependency, changed configuration), call `mcp__lot__restart_dev_server`; its
output is in `mcp__lot__read_dev_log`. Workers that the project runs beside it are restarted with it, and each has a log
there by its name. `.env` is written by Lot: read it, do not change it."""

_BRANCH = """\
Branch: the checkout is on the branch of this session and nobody but you works on it. Leave your work in the working
tree or commit it as you like. Do not push and do not open pull requests yourself: when the user wants one, call
`mcp__lot__create_pull_request`, which saves and pushes everything; called again it updates the same pull request."""

_BROWSER = """\
Browser: `mcp__lot__take_screenshot` shows you a page of the app; look at what you changed when it can be seen."""

_SETUP = """\
Setup: this session belongs to the setup of the project. To change how its snapshot is made (setup command, dev command,
port, services that must run), try it here, then call `mcp__lot__propose_setup`: Lot proves the commands from a clean
base, and later sessions start from that."""


def appended_prompt(options: AgentOptions) -> str:
    """Return what the agent of one session is told."""
    preview = () if options.preview_url is None else (f"Preview: the user sees the app at {options.preview_url}.",)
    browser = (_BROWSER,) if options.has_browser else ()
    setup = (_SETUP,) if options.is_setup else ()
    return "\n".join((_SANDBOX, *preview, *browser, _BRANCH, *setup))
