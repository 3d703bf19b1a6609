"""What the steps of a demo share: the server, what is played on, and the sessions that came to be."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lot.api.schemas.projects import ProjectBody
from lot.api.schemas.sessions import EventBody, NewMessage, SessionBody
from lot.client.address import Address
from lot.client.client import LotClient
from lot.client.preview import PreviewClient
from lot.client.turn import follow_turn
from lot.core import events as e
from lot.demo.hot_reload import HotReload
from lot.demo.report import CheckFailedError, check, must
from lot.demo.subject import Change, Subject

START_TIMEOUT_S = 120.0
EDITING_TOOLS = ("Edit", "MultiEdit", "Write")


@dataclass
class Stage:
    """The state of a demo. Fields that a step fills are read only by steps that need that step."""

    client: LotClient
    subject: Subject
    provider: str
    is_local: bool
    """The server runs on this machine, so that its processes can be looked for."""
    data_dir: Path | None
    """The server's data folder, where it may be searched."""
    stop_server: Callable[[], int] | None
    """Stops the server in order and returns its exit code; None: it is not ours to stop."""
    note: Callable[[str], None]
    """Told what is happening within a step."""
    held: ExitStack
    """Closed at the end of the demo."""
    project: ProjectBody = field(init=False)
    project_to_delete: str | None = None
    """The project's id for as long as it is there."""
    sessions: dict[str, str] = field(default_factory=dict)
    """The ids of the sessions: first, second, fork."""
    previews: dict[str, PreviewClient] = field(default_factory=dict)
    change: Change = field(init=False)
    """The newest change that was asked for."""
    hot_reload: HotReload | None = None
    called_at: float = 0.0
    """When the last call of an editing tool was seen in the transcript (monotonic)."""
    before_pause: "DevServer" = field(init=False)

    @property
    def address(self) -> Address:
        """The server."""
        return self.client.address

    def get(self, which: str) -> SessionBody:
        """Return one of the sessions as it is now."""
        return self.client.get_session(self.sessions[which])

    def open_preview(self, which: str) -> PreviewClient:
        """Return a client of a session's app; its first answer is waited for."""
        shown = must(self.get(which).preview, "the session has no preview address; name its port with --port")
        preview = self.held.enter_context(PreviewClient(self.address, shown.url))
        self.previews[which] = preview
        return preview

    def count_on(self, which: str) -> int:
        """Have the app count on, and return the number."""
        answer = self.previews[which].post(must(self.subject.counter_path, "this app has no counter"))
        check(
            answer.is_success,
            f"the counter of the {which} session answered HTTP {answer.status_code}: {answer.text[:300]}",
        )
        count: int = answer.json()["count"]
        return count

    def dev_server(self, which: str) -> "DevServer":
        """Return what can be told of the dev server without changing it."""
        process = next((each for each in self.client.list_processes(self.sessions[which]) if each.name == "dev"), None)
        pid = process.pid if process and process.is_running else None
        if self.subject.counter_path is None:
            return DevServer(pid=pid)
        answer = self.previews[which].get(self.subject.counter_path)
        check(answer.is_success, f"the counter of the {which} session answered HTTP {answer.status_code}")
        told: dict[str, Any] = answer.json()
        return DevServer(pid=pid, app_pid=told["pid"], started_at=told["startedAt"], count=told["count"])

    def take_turn(self, which: str, text: str, message_id: str) -> tuple[list[EventBody], e.TurnEnded]:
        """Send a message and follow the turn to its good end.

        Raises:
            CheckFailedError: it ended otherwise.
        """
        session = self.get(which)
        self.client.send_message(session.id, NewMessage(id=message_id, text=text))
        events: list[EventBody] = []
        for body in follow_turn(self.client, session.id, message_id, session.events):
            events.append(body)
            event = e.EVENT.validate_python(body.event)
            if isinstance(event, e.ToolCalled):
                self.note(f"{event.name} {event.input.get('file_path') or event.input.get('command') or ''}")
                self.called_at = time.monotonic() if event.name in EDITING_TOOLS else self.called_at
        last = e.EVENT.validate_python(events[-1].event)
        if not isinstance(last, e.TurnEnded):
            raise CheckFailedError(f"the turn did not end well: {getattr(last, 'reason', None) or last.kind}")
        check(last.outcome == "completed", f"the turn was {last.outcome}: {last.terminal_reason}")
        return events, last


@dataclass(frozen=True, slots=True, kw_only=True)
class DevServer:
    """A dev server's identity, and how far it has counted."""

    pid: int | None
    """In the sandbox."""
    app_pid: int | None = None
    started_at: str | None = None
    count: int | None = None

    def is_same_process_as(self, other: "DevServer") -> bool:
        """Return whether both are one process that never stopped, whatever it counted."""
        return (self.pid, self.app_pid, self.started_at) == (other.pid, other.app_pid, other.started_at)
