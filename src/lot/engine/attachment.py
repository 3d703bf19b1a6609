"""The control plane's live connection to one session that is on: records of its agent, news of its runner, messages."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import anyio
import structlog
from anyio.abc import TaskGroup

from lot.core.errors import (
    AgentError,
    LotError,
    NotFoundError,
    RunnerGoneError,
    SandboxUnavailableError,
    StaleEpochError,
    StaleWriteError,
)
from lot.core.events import AgentGone, AgentStarted, DevServerChanged, SessionEvent, StateChanged, TurnFailed
from lot.core.ids import MessageId, SessionId
from lot.core.records import Message, Session
from lot.core.session import AgentState, Trigger, label
from lot.engine.diffs import keep_diff
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.harness.harness import AgentRecord
from lot.runner.protocol import AgentOrder, RunnerNews

logger = structlog.get_logger(__name__)

FRUITLESS_RUNS = 3
"""So often is the agent started anew for the same messages before a person has to look."""


class Attachment:
    """Follows one running sandbox until it is closed or its runner is lost.

    `lost` says why it can no longer serve: the worker looks at it whenever it is woken.
    """

    def __init__(self, parts: Parts, moves: Moves, session_id: SessionId, holding: Holding, wake: Callable[[], None]):
        self._parts, self._moves, self._id, self._wake = parts, moves, session_id, wake
        self.holding = holding
        self.lost: str | None = None
        self.is_sandbox_gone = False
        self.is_running = False
        self._scope = anyio.CancelScope()
        self._group: TaskGroup | None = None
        self._is_ready = anyio.Event()
        self._following: int | None = None
        self._agent_up: int | None = None
        self._sent: set[MessageId] = set()
        self._fruitless = 0
        """Agent runs in a row that ended before they took a message."""

    async def run(self) -> None:
        """Follow the runner until closed; ends by itself when the runner is lost."""
        self.is_running = True
        with self._scope:
            async with anyio.create_task_group() as self._group:
                self._group.start_soon(self._watch)
                session = await self._parts.store.get_session(self._id)
                if session.agent_run > 0:
                    await self._reattach_agent(session)
                self._is_ready.set()

    def close(self) -> None:
        """Stop following; repeatable."""
        self._scope.cancel()

    async def deliver(self) -> None:
        """Hand every kept message to the agent, in order; the agent ignores one that it has seen.

        Raises:
            AgentError: the agent did not come up or is gone.
        """
        await self._is_ready.wait()
        if not await self._unsent():
            return
        if self._fruitless >= FRUITLESS_RUNS:
            self._sent.update(message.id for message in await self._unsent())
            self._fruitless = FRUITLESS_RUNS - 1
            raise AgentError("the agent program ended each time before it took the message; send another to try again")
        await self._ensure_agent()
        messages = await self._unsent()
        await self._moves.apply(self._id, agent=Trigger.TURN_STARTED, epoch=self.holding.epoch)
        for message in messages:
            await self.holding.client.send_message(message.id, message.text)
            self._sent.add(message.id)

    async def _unsent(self) -> list[Message]:
        kept = await self._parts.store.kept_messages(self._id)
        return [message for message in kept if message.id not in self._sent]

    async def _ensure_agent(self) -> None:
        """Have the agent program up: the present run's, or a new run that continues the conversation."""
        session = await self._parts.store.get_session(self._id)
        if session.agent_run > 0 and self._agent_up == session.agent_run:
            return
        is_first = session.agent_session is None
        renewed = await self._moves.note(
            self._id,
            epoch=self.holding.epoch,
            agent_session=session.agent_session or str(uuid4()),
            agent_run=session.agent_run + 1,
            agent_offset=0,
        )
        self._sent.clear()
        await self._start_agent(renewed, is_continuation=not is_first)
        await self._tell_started(renewed)

    async def _start_agent(self, session: Session, *, is_continuation: bool) -> None:
        if session.agent_session is None:
            return
        await self.holding.client.start_agent(
            AgentOrder(
                run=session.agent_run,
                agent_session=session.agent_session,
                is_continuation=is_continuation,
                model=session.model,
                provider=session.provider,
                is_scripted=self._parts.get_provider(session.provider).is_scripted,
            )
        )
        self._agent_up = session.agent_run
        self._follow(session.agent_run)

    async def _tell_started(self, session: Session) -> None:
        provider = self._parts.get_provider(session.provider)
        await self._moves.tell(
            self._id,
            AgentStarted(
                at=self._parts.now(),
                program="claude",
                model=session.model,
                provider=session.provider,
                is_scripted=provider.is_scripted,
            ),
        )

    async def _reattach_agent(self, session: Session) -> None:
        """Go on with the agent that came along: read what it printed meanwhile and take up its questions again."""
        name = f"agent-{session.agent_run}"
        try:
            processes = await self.holding.client.processes()
        except LotError as error:
            self._lose(str(error))
            return
        agent = next((process for process in processes if process.name == name), None)
        if agent is None:
            return
        if not agent.is_running:
            self._follow(session.agent_run)
            return
        try:
            await self._start_agent(session, is_continuation=True)
        except LotError as error:
            logger.warning("agent could not be attached", session_id=self._id, error=str(error))
            self._follow(session.agent_run)

    def _follow(self, run: int) -> None:
        if self._group is not None and self._following != run:
            self._following = run
            self._group.start_soon(self._follow_agent, run)

    async def _follow_agent(self, run: int) -> None:
        try:
            session = await self._parts.store.get_session(self._id)
            offset = session.agent_offset if session.agent_run == run else 0
            async for record in self.holding.client.agent_records(run, offset):
                await self._keep(record)
                if record.is_end:
                    self._agent_up = None
                    self._fruitless += 1
                    self._sent.clear()
                    self._wake()
        except SandboxUnavailableError as error:
            # Why it is gone is told by the news, or seen by whoever attaches next.
            logger.info("agent is no longer heard", session_id=self._id, error=str(error))
        except RunnerGoneError as error:
            self._lose(str(error))
        except (StaleEpochError, StaleWriteError, NotFoundError) as error:
            self._lose(f"the session is another's now: {error}")

    async def _keep(self, record: AgentRecord) -> None:
        """Bring one record into the store, with what it means for the session's state; a repeat is dropped there."""
        session = await self._parts.store.get_session(self._id)
        events: list[SessionEvent] = list(record.events)
        agent = record.agent
        if record.is_end and (agent or session.agent) in (AgentState.RUNNING, AgentState.WAITING):
            agent = AgentState.ERRORED
            events.append(TurnFailed(at=self._parts.now(), reason="the agent program ended before the turn was over"))
        fields: dict[str, object] = {}
        if agent is not None and agent is not session.agent:
            fields = self._moves.pause_fields(agent, session.sandbox_state)
            fields["reason"] = _why(events) if agent is AgentState.ERRORED else None
            events.append(self._told(session, agent, fields))
        kept = await self._parts.store.append_agent_events(
            self._id,
            epoch=self.holding.epoch,
            run=record.run,
            from_offset=record.from_offset,
            to_offset=record.to_offset,
            events=events,
            agent=agent,
            delivered=record.delivered,
            now=self._parts.now(),
            **fields,
        )
        if kept is None:
            return
        self._parts.bus.publish(self._id)
        if record.delivered:
            self._fruitless = 0
        if any(event.kind in ("turn_ended", "turn_failed") for event in record.events):
            await self._keep_diff()
            self._wake()

    def _told(self, session: Session, agent: AgentState, fields: dict[str, object]) -> StateChanged:
        return StateChanged.model_validate(
            {
                "at": self._parts.now(),
                "agent": agent,
                "sandbox": session.sandbox_state,
                "label": label(agent, session.sandbox_state),
                "reason": fields.get("reason"),
                "pause_at": fields.get("pause_at"),
            }
        )

    async def _keep_diff(self) -> None:
        try:
            await keep_diff(self._parts, await self._parts.store.get_session(self._id), self.holding.client)
        except LotError as error:
            logger.warning("diff could not be kept", session_id=self._id, error=str(error))

    async def _watch(self) -> None:
        try:
            async for news in self.holding.client.watch():
                await self._hear(news)
            self._lose("the runner ended")
        except RunnerGoneError as error:
            self._lose(str(error))

    async def _hear(self, news: RunnerNews) -> None:
        if news.news == "sandbox_gone":
            self.is_sandbox_gone = True
            self._lose(news.detail or "the sandbox ended")
        elif news.news == "lease_lost":
            self._lose(news.detail or "the runner lost its lease")
        elif news.news == "dev_server" and news.dev is not None and news.dev.status != "absent":
            await self._moves.tell(
                self._id,
                DevServerChanged(
                    at=self._parts.now(), status=news.dev.status, port=news.dev.port, detail=news.dev.detail
                ),
            )

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
        self._wake()


def _why(events: Sequence[SessionEvent]) -> str | None:
    """Return why the newest turn failed, as the user is to read it."""
    reasons = [event.reason for event in events if isinstance(event, TurnFailed | AgentGone)]
    return reasons[-1] if reasons else None
