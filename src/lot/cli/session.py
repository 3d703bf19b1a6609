"""`lot session`: its list of commands; each is in a file of its own."""

from typing import ClassVar

import typer

from lot.cli.lazy import Entry, LazyGroup


class _SessionGroup(LazyGroup):
    entries: ClassVar = {
        "new": Entry("lot.cli.session_new", "new", "Start a session on a project."),
        "list": Entry("lot.cli.session_show", "list_sessions", "List the sessions."),
        "show": Entry("lot.cli.session_show", "show", "Show a session."),
        "send": Entry("lot.cli.send", "send", "Send a message."),
        "watch": Entry("lot.cli.watch", "watch", "Show a session's conversation as it grows."),
        "asks": Entry("lot.cli.asks", "asks", "Show what the agent asks."),
        "answer": Entry("lot.cli.asks", "answer", "Answer what the agent asks."),
        "model": Entry("lot.cli.settings", "model", "Change the model, and how hard it thinks."),
        "mode": Entry("lot.cli.settings", "mode", "Change what the agent may do without asking."),
        "budget": Entry("lot.cli.settings", "budget", "Limit what a session may use of models."),
        "usage": Entry("lot.cli.session_usage", "usage", "Show what a session used."),
        "raw": Entry("lot.cli.session_usage", "raw", "Print the agent program's own lines."),
        "stop": Entry("lot.cli.moves", "stop", "Interrupt the agent's turn."),
        "pause": Entry("lot.cli.moves", "pause", "Hibernate a session with all its memory."),
        "resume": Entry("lot.cli.moves", "resume", "Bring a paused session back as it was."),
        "restart": Entry("lot.cli.moves", "restart", "Restart the dev server with the newest environment."),
        "fork": Entry("lot.cli.moves", "fork", "Make a second session out of one; both go on."),
        "diff": Entry("lot.cli.diff", "diff", "Show a session's changes."),
        "pr": Entry("lot.cli.pull_request", "pr", "Open a pull request, or bring it up to date."),
        "ports": Entry("lot.cli.session_ports", "ports", "List the ports that are listened on."),
        "logs": Entry("lot.cli.logs", "logs", "Show what the dev processes print."),
        "terminal": Entry("lot.cli.terminal", "terminal", "Open a terminal in the sandbox."),
        "delete": Entry("lot.cli.moves", "delete", "Delete a session for good."),
    }


app = typer.Typer(cls=_SessionGroup, add_completion=False, no_args_is_help=True)


@app.callback()
def session() -> None:
    """Start, follow, pause, resume, fork and end sessions. SESSION is an id, the beginning of one, or `last`."""
