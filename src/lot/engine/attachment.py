"""The control plane's live connection to one session that is on: its agent's records, its runner's news, what goes in.

Leaves out what a record means (`keeping.py`), how the agent is started (`agent_order.py`) and how answers reach it
(`answering.py`).
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import anyio
import structlog
from anyio.abc import TaskGroup

from lot.core.errors import (
    AgentError,
    CallerError,
    LotError,
    NotFoundError,
    RunnerGoneError,
    SandboxUnavailableError,
    StaleEpochError,
    StaleWriteError,
)
from lot.core.events import AgentStarted, DevServerChanged, StoredEvent
from lot.core.ids import MessageId, SessionId
from lot.core.records import Message, Session
from lot.core.session import Trigger
from lot.engine.agent_order import agent_order
from lot.engine.answering import Answering
from lot.engine.asking import open_asks
from lot.engine.diffs import keep_diff
from lot.engine.file_hints import hint_at_files
from lot.engine.keeping import RecordKeeper
from lot.engine.live import Change
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.harness.harness import AgentRecord
from lot.runner.protocol import AttachmentBody, RunnerNews

logger = structlog.get_logger(__name__)

FRUITLESS_RUNS = 3
"""So often is the agent started anew for the same messages before a person has to look."""


class Attachment:
    """Follows one running sandbox until it is closed or its runner is lost.

    `lost` says why it can no longer serve: the worker looks at it whenever it is woken.
    """

    def __init__(
        self,
        parts: Parts,
        moves: Moves,
        session_id: SessionId,
        holding: Holding,
        wake: Callable[[], None],
        to_stop: set[MessageId],
    ):
        """`to_stop` holds the messages that were stopped before the agent took them; each is stopped once taken."""
        self._parts, self._moves, self._id, self._wake = parts, moves, session_id, wake
        self.holding = holding
        self.lost: str | None = None
        self.is_sandbox_gone = False
        self.is_running = False
        self._scope = anyio.CancelScope()
        self._hints = anyio.CancelScope()
        self._group: TaskGroup | None = None
        self._is_ready = anyio.Event()
        self._keeper = RecordKeeper(parts, moves, session_id, holding.epoch)
        self._answering = Answering(parts, moves, session_id, holding.client)
        self._following: int | None = None
        self._agent_up: int | None = None
        self._sent: set[MessageId] = set()
        self._to_stop = to_stop
        self._fruitless = 0
        """Agent runs in a row that ended before they took a message."""

    @property
    def is_agent_up(self) -> bool:
        """Whether the agent program runs and is attached to."""
        return self._agent_up is not None and self.lost is None

    async def run(self) -> None:
        """Follow the runner until closed; ends by itself when the runner is lost."""
        self.is_running = True
        with self._scope:
            async with anyio.create_task_group() as self._group:
                self._group.start_soon(self._watch)
                self._group.start_soon(self._hint_at_files)
                session = await self._parts.store.get_session(self._id)
                self._parts.bus.live.begin(self._id, session.events)
                if session.agent_run > 0:
                    await self._reattach_agent(session)
                self._is_ready.set()

    def close(self) -> None:
        """Stop following; repeatable."""
        self._scope.cancel()

    async def until_ready(self) -> None:
        """Return once the agent program that came along is attached to, where there is one."""
        await self._is_ready.wait()

    async def deliver(self) -> None:
        """Hand over every answer, then every kept message, in order; the agent ignores what it has seen.

        Raises:
            AgentError: the agent did not come up or is gone. RunnerGoneError: this connection is lost.
        """
        await self._is_ready.wait()
        if self.lost is not None:
            raise RunnerGoneError(self.lost)
        await self._answering.hand_over(self._agent_up)
        if not await self._unsent():
            return
        if self._fruitless >= FRUITLESS_RUNS:
            self._sent.update(message.id for message in await self._unsent())
            self._fruitless = FRUITLESS_RUNS - 1
            raise AgentError("the agent program ended each time before it took the message; send another to try again")
        await self._ensure_agent()
        messages = await self._unsent()
        if not open_asks(await self._parts.store.list_asks(self._id)):
            await self._moves.apply(self._id, agent=Trigger.TURN_STARTED, epoch=self.holding.epoch)
        for message in messages:
            await self._send(message)

    @contextmanager
    def expecting(self, settings: Mapping[str, Any]) -> Iterator[None]:
        """Take the agent's word of these settings for an echo of its user's, for the length of the block."""
        self._keeper.expected = settings
        try:
            yield
        finally:
            self._keeper.expected = {}

    async def _send(self, message: Message) -> None:
        try:
            await self.holding.client.send_message(message.id, message.text, await self._attachments(message))
        except CallerError:
            # Nothing mends it, and it must not keep those behind it from the agent.
            self._sent.add(message.id)
            raise
        self._sent.add(message.id)

    async def _unsent(self) -> list[Message]:
        kept = await self._parts.store.kept_messages(self._id)
        return [message for message in kept if message.id not in self._sent]

    async def _attachments(self, message: Message) -> list[AttachmentBody]:
        if not message.attachments:
            return []
        files = await self._parts.store.attachments_of(self._id, message.id)
        return [
            AttachmentBody(name=file.name, media_type=file.media_type, data=b64encode(file.data).decode())
            for file in files
        ]

    async def _ensure_agent(self) -> None:
        """Have the agent program up: the present run's, or a new run that continues the conversation."""
        session = await self._parts.store.get_session(self._id)
        if session.agent_run > 0 and self._agent_up == session.agent_run:
            return
        is_first = session.agent_session is None
        if not is_first:
            # One that could not be attached to may still run: two must not work on one conversation.
            await self.holding.client.end_agent(session.agent_run)
        renewed = await self._moves.note(
            self._id,
            epoch=self.holding.epoch,
            agent_session=session.agent_session or str(uuid4()),
            agent_run=session.agent_run + 1,
            agent_offset=0,
        )
        self._sent.clear()
        await self._start_agent(renewed, is_continuation=not is_first, is_new_run=True)
        await self._tell_started(renewed)

    async def _start_agent(self, session: Session, *, is_continuation: bool, is_new_run: bool) -> None:
        order = await agent_order(self._parts, session, is_continuation=is_continuation, is_new_run=is_new_run)
        await self.holding.client.start_agent(order)
        self._agent_up = session.agent_run
        self._follow(session)

    async def _tell_started(self, session: Session) -> None:
        provider = self._parts.get_provider(session.provider)
        await self._moves.tell(
            self._id,
            AgentStarted(
                at=self._parts.now(),
                program=session.program,
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
            self._follow(session)
            return
        try:
            await self._start_agent(session, is_continuation=True, is_new_run=False)
        except LotError as error:
            logger.warning("agent could not be attached", session_id=self._id, error=str(error))
            self._follow(session)

    def _follow(self, session: Session) -> None:
        if self._group is not None and self._following != session.agent_run:
            self._following = session.agent_run
            self._group.start_soon(self._follow_agent, session.agent_run, session.program)

    async def _follow_agent(self, run: int, program: str) -> None:
        try:
            session = await self._parts.store.get_session(self._id)
            offset = session.agent_offset if session.agent_run == run else 0
            async for record in self.holding.client.agent_records(run, offset, program):
                stored = await self._keeper.keep(record)
                if stored is not None:
                    await self._react(record, stored)
                if record.is_end and self._following == run:
                    self._agent_up = None
                    self._fruitless += not record.is_lost
                    self._sent.clear()
                    self._parts.bus.live.reset(self._id)
                    self._wake()
        except SandboxUnavailableError as error:
            # Why it is gone is told by the news, or seen by whoever attaches next.
            logger.info("agent is no longer heard", session_id=self._id, error=str(error))
        except RunnerGoneError as error:
            self._lose(str(error))
        except (StaleEpochError, StaleWriteError, NotFoundError) as error:
            self._lose(f"the session is another's now: {error}")

    async def _react(self, record: AgentRecord, stored: list[StoredEvent]) -> None:
        """Do what follows from a record that is now kept."""
        if record.delivered:
            self._fruitless = 0
            await self._stop_if_asked(record)
        if any(one.event.kind in ("turn_ended", "turn_failed") for one in stored):
            await self._keep_diff()
            self._wake()

    async def _stop_if_asked(self, record: AgentRecord) -> None:
        """Stop a turn that was stopped before the agent had taken its message."""
        stopped = self._to_stop.intersection(record.delivered)
        if not stopped:
            return
        self._to_stop.difference_update(stopped)
        try:
            await self.holding.client.interrupt()
        except AgentError as error:
            logger.info("agent ended before it was stopped", session_id=self._id, error=str(error))

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
            self._parts.bus.live.reset(self._id)
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
        elif news.news == "dev_process":
            ended = DevServerChanged(at=self._parts.now(), status="exited", detail=news.detail, process=news.process)
            await self._moves.tell(self._id, ended)
        elif news.news == "ports":
            self._parts.bus.live.tell_change(self._id, Change.PORTS)

    async def _hint_at_files(self) -> None:
        with self._hints:
            await hint_at_files(self._parts.bus.live, self._id, self.holding.client)

    def _lose(self, why: str) -> None:
        if self.lost is None:
            self.lost = why
        self._hints.cancel()
        self._is_ready.set()
        self._wake()
