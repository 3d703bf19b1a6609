"""How quick a conversation is, and that many at once lose and reorder nothing.

The scripted model writes into each piece of text the instant at which it sends it (scenario `clock`), on the one clock
that everybody here shares. What lies between is the way through broker, gateway, sandbox, agent program, journal,
runner, control plane and socket.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lot.api.schemas.projects import NewProject, ProjectBody
from lot.api.schemas.sessions import EventBody, NewMessage, NewSession
from lot.bench.bare_agent import BareAgent
from lot.bench.figures import Figure, percentile
from lot.bench.sessions import TIMEOUT_S, wait_for_build
from lot.client.client import LotClient
from lot.client.follow import follow_live
from lot.core.errors import AgentError, LotError
from lot.core.events import LivePart
from lot.examples import vite_react

STREAM_EVENTS = 10_000
STREAM_PACE_MS = 2.0
MANY_EVENTS = 200
MANY_PACE_MS = 100.0
"""As quick as a model streams. Twenty sessions at five times that need more than two cores: leases run out."""
KEYS = (
    "first_event_awake",
    "first_request_awake",
    "first_event_new_agent",
    "first_request_new_agent",
    "first_event_paused",
    "first_request_paused",
)


@dataclass
class ConversationResult:
    """Everything that was measured."""

    figures: dict[str, Figure] = field(default_factory=lambda: {key: Figure() for key in KEYS})
    """Seconds from the request that sends a message to the first thing on screen, and to the model's first request."""
    event_s: list[float] = field(default_factory=list)
    """Of each streamed piece: from the model to the client's socket."""
    bare_event_s: list[float] = field(default_factory=list)
    """The same with the agent program alone on the host: from the model to its standard output."""
    many: "Many | None" = None
    runner_memory_bytes: int = 0
    agent_memory_bytes: int = 0
    """What the sandbox holds more once its agent has answered."""

    def as_json(self) -> dict[str, Any]:
        """Return the object that `lot bench conversation --json` prints."""
        return {
            **{key: figure.as_json() for key, figure in self.figures.items()},
            "event_ms": _milliseconds(self.event_s),
            "bare_event_ms": _milliseconds(self.bare_event_s),
            "many": None if self.many is None else self.many.as_json(),
            "runner_memory_bytes": self.runner_memory_bytes,
            "agent_memory_bytes": self.agent_memory_bytes,
            "reasons": [f"{key}: {why}" for key, figure in self.figures.items() for why in figure.failures],
        }


@dataclass
class Many:
    """Sessions that streamed at the same time."""

    sessions: int
    events: int
    """Streamed pieces in all."""
    lost: int
    reordered: int
    event_s: list[float]
    failures: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "sessions": self.sessions,
            "events": self.events,
            "lost": self.lost,
            "reordered": self.reordered,
            "event_ms": _milliseconds(self.event_s),
            "failures": self.failures,
        }


def measure_conversation(
    client: LotClient, data_dir: Path, runs: int, sessions: int, progress: Callable[[str, float], None]
) -> ConversationResult:
    """Measure everything: first answers `runs` times, streaming once, and `sessions` at once.

    Raises:
        LotError: nothing could be measured; what fails in single runs is in the result.
    """
    result = ConversationResult()
    progress("preparing", 0.0)
    project = _project(client, data_dir)
    with BareAgent(data_dir / "bare-agent") as bare:
        for run in range(runs):
            progress(f"first answers, run {run + 1} of {runs}", 0.05 + 0.5 * run / runs)
            _measure_first_answers(client, project, result)
        progress(f"{STREAM_EVENTS} streamed events", 0.55)
        _measure_stream(client, project, result)
        progress("the agent program alone", 0.7)
        result.bare_event_s = bare.latencies(STREAM_EVENTS, STREAM_PACE_MS)
    progress(f"{sessions} sessions at once", 0.75)
    result.many = _measure_many(client, project, sessions)
    progress("done", 1.0)
    return result


def clock(count: int, pace_ms: float) -> NewMessage:
    """Return a message that has the scripted model say the time, so many times."""
    text = "@@clock " + json.dumps({"count": count, "ms_per_delta": pace_ms})
    return NewMessage(id=str(uuid.uuid4()), text=text)


def _project(client: LotClient, data_dir: Path) -> ProjectBody:
    """Create a project without a dev server: what is measured is the conversation."""
    source = str(vite_react.make_repository(data_dir / "bench-conversation"))
    # Empty rather than left out: what is left out would be detected.
    project = client.create_project(
        NewProject(source=source, name=f"bench-{uuid.uuid4().hex[:8]}", setup_command="", has_setup_session=False)
    )
    return wait_for_build(client, project)


def _measure_first_answers(client: LotClient, project: ProjectBody, result: ConversationResult) -> None:
    session = _begin(client, project)
    try:
        before = client.get_usage(session).memory_bytes
        for kind in ("new_agent", "awake", "paused"):
            if kind == "paused":
                client.pause_session(session, TIMEOUT_S)
            _first_answer(client, session, kind, result)
            if kind == "new_agent":
                used = client.get_usage(session)
                result.runner_memory_bytes = max(result.runner_memory_bytes, used.runner_memory_bytes)
                result.agent_memory_bytes = max(result.agent_memory_bytes, used.memory_bytes - before)
    finally:
        client.delete_session(session)


def _first_answer(client: LotClient, session: str, kind: str, result: ConversationResult) -> None:
    event, request = result.figures[f"first_event_{kind}"], result.figures[f"first_request_{kind}"]
    try:
        heard = Heard(client, session)
        began = time.time()
        heard.listen(clock(1, 0.0))
    except LotError as error:
        event.failures.append(str(error))
        return
    event.seconds.append(heard.first_at - began)
    request.seconds.append(heard.stamps[0] - began)


def _measure_stream(client: LotClient, project: ProjectBody, result: ConversationResult) -> None:
    session = _begin(client, project)
    try:
        Heard(client, session).listen(clock(1, 0.0))
        heard = Heard(client, session)
        heard.listen(clock(STREAM_EVENTS, STREAM_PACE_MS))
        result.event_s = heard.latencies
    finally:
        client.delete_session(session)


def _measure_many(client: LotClient, project: ProjectBody, sessions: int) -> Many:
    """Have many sessions stream at the same time, all agents up before."""
    started: list[str] = []
    many = Many(sessions=sessions, events=0, lost=0, reordered=0, event_s=[], failures=[])

    def stream(session: str) -> "Heard":
        with LotClient(client.address) as own:
            heard = Heard(own, session)
            heard.listen(clock(MANY_EVENTS, MANY_PACE_MS))
            return heard

    def warm_up(session: str) -> None:
        with LotClient(client.address) as own:
            Heard(own, session).listen(clock(1, 0.0))

    try:
        for _ in range(sessions):
            started.append(_begin(client, project))
        with ThreadPoolExecutor(sessions) as threads:
            list(threads.map(warm_up, started))
            for heard in threads.map(stream, started):
                many.events += len(heard.stamps)
                many.lost += MANY_EVENTS - len(heard.stamps) + heard.gaps
                many.reordered += heard.reordered
                many.event_s += heard.latencies
    except LotError as error:
        many.failures.append(str(error))
    finally:
        for session in started:
            client.delete_session(session)
    return many


class Heard:
    """What a client hears of one turn of the scenario `clock`."""

    def __init__(self, client: LotClient, session: str) -> None:
        self._client, self._session = client, session
        self._after = client.get_session(session).events
        self._text = ""
        self.first_at = 0.0
        """When the first of the agent's words came, in seconds since the epoch."""
        self.latencies: list[float] = []
        self.stamps: list[float] = []
        """What the finished text says, in its order."""
        self.gaps = 0
        """Parts that did not follow the one before."""

    @property
    def reordered(self) -> int:
        """How many pieces came before one that was sent earlier."""
        return sum(1 for before, after in zip(self.stamps, self.stamps[1:], strict=False) if after < before)

    def listen(self, message: NewMessage) -> None:
        """Send a message and listen until the turn has ended.

        Raises:
            AgentError: it did not end well.
        """
        stream = follow_live(self._client, self._session, self._after)
        self._client.send_message(self._session, message)
        for heard in stream:
            if isinstance(heard, LivePart):
                self._take_part(heard)
            elif self._is_over(heard):
                return

    def _take_part(self, part: LivePart) -> None:
        if part.kind != "text":
            return
        now = time.time()
        self.first_at = self.first_at or now
        if part.offset == 0:
            self._text = ""
        elif part.offset != len(self._text):
            self.gaps += 1
        # A piece may end in the middle of a part only if the part was cut: the last word may be incomplete.
        known = len(self._text.split())
        self._text += part.text
        words = self._text.split()
        whole = words if self._text.endswith(" ") else words[:-1]
        self.latencies += [now - float(word) for word in whole[known:]]

    def _is_over(self, body: EventBody) -> bool:
        event = body.event
        match event["kind"]:
            case "agent_text":
                self.first_at = self.first_at or time.time()
                self.stamps = [float(word) for word in str(event["text"]).split()]
            case "turn_failed" | "agent_gone":
                raise AgentError(str(event["reason"]))
            case "turn_ended":
                return True
        return False


def _begin(client: LotClient, project: ProjectBody) -> str:
    """Start a session and return it once it is on."""
    session = client.create_session(NewSession(project=project.id, provider="rehearsal", mode="full")).id
    until = time.monotonic() + TIMEOUT_S
    while (seen := client.get_session(session)).label != "Idle" and time.monotonic() < until:
        time.sleep(0.02)
    if seen.label != "Idle":
        raise AgentError(f"session {session} is {seen.label}: {seen.reason}")
    return session


def _milliseconds(values: list[float]) -> dict[str, float | int] | None:
    if not values:
        return None
    shares: Iterator[tuple[str, float]] = iter((("p50", 0.5), ("p95", 0.95), ("p99", 0.99)))
    return {"n": len(values), **{name: round(1000 * percentile(values, share), 2) for name, share in shares}}
