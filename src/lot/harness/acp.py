"""Any program that speaks the Agent Client Protocol as a harness: the command of `acp:<command>`, run in the sandbox.

Leaves out what its output means (`acp_events.py`), how that is read (`acp_output.py`), what is said to it
(`acp_course.py`) and how that is said once (`acp_conversation.py`, `acp_notes.py`).
"""

import base64
import json
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import anyio
from acp import schema

from lot.core.asks import Answer
from lot.core.errors import AgentError, InvalidInputError, TooLargeError
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, Attachment
from lot.harness import acp_course as course
from lot.harness import acp_wire as wire
from lot.harness.acp_conversation import Conversation
from lot.harness.acp_environment import environment
from lot.harness.acp_notes import Notes, find_notes, keep_notes
from lot.harness.acp_output import read_records
from lot.harness.acp_place import AcpPlace
from lot.harness.acp_settings import Setting
from lot.harness.acp_wishes import wanted_settings
from lot.harness.claude_output import JOURNAL_BYTES, last_words, process_name
from lot.harness.harness import AgentOptions, AgentRecord
from lot.harness.program_end import ending
from lot.sandbox.link import GuestLink, ProcessSpec, ProcessStatus, WhenFull

PROGRAM_PREFIX = "acp:"
START_TIMEOUT_S = 60.0
SET_TIMEOUT_S = 15.0
CATCH_UP_TIMEOUT_S = 15.0
INTERRUPT_TIMEOUT_S = 5.0
EXPLAIN_TIMEOUT_S = 15.0
MAX_MESSAGE_BYTES = 24 << 20
"""Of a user's message as JSON, with its images."""

logger = logging.getLogger(__name__)


class AcpHarness:
    """Drives one agent program."""

    def __init__(self, place: AcpPlace | None = None) -> None:
        self._place = place or AcpPlace()
        self._link: GuestLink | None = None
        self._conversation: Conversation | None = None

    async def start(self, link: GuestLink, options: AgentOptions) -> None:
        """Start the program, or attach to the one of this run that is already up; repeatable.

        Raises:
            AgentError: it did not come up, does not begin a conversation, has no such model or mode, or this run has
                ended already.
        """
        await self.detach()
        name = process_name(options.run)
        status = await _find(link, name)
        notes = await find_notes(link, self._place.notes)
        is_new = status is None
        if status is None:
            notes = _notes_of_run(options, notes)
            # Before the program is there: one that is up has its notes.
            await keep_notes(link, self._place.notes, notes, self._place.user)
            status = await self._launch(link, options)
        elif not status.is_running:
            raise AgentError(f"run {options.run} of the agent has ended: start the next run")
        if notes is None or notes.run != options.run:
            await link.stop(name)
            raise AgentError("the notes of the conversation with the agent program are gone: it was ended")
        await link.acknowledge(name, "err", status.ends.get("err", 0))
        place = self._place
        conversation = Conversation(link, name, notes, path=place.notes, user=place.user, cwd=options.cwd)
        self._link, self._conversation = link, conversation
        try:
            await self._begin(conversation, options)
        except AgentError as error:
            await self.detach()
            words = await _explain(link, name, error)
            if is_new:
                await link.stop(name)
            raise AgentError(words) from error
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.detach()
            raise

    async def send(self, message: MessageId, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Hand over a user's message, after the running turn if there is one; an id that was seen does nothing.

        Raises:
            AgentError: the program is gone, or was never started.
            TooLargeError: the message is longer than `MAX_MESSAGE_BYTES`.
        """
        conversation = self._connected()
        if message in conversation.notes.known:
            return
        blocks = await self._blocks(conversation.notes, message, text, attachments)
        size = len(json.dumps(blocks))
        if size > MAX_MESSAGE_BYTES:
            raise TooLargeError(f"the message has {size} bytes, more than {MAX_MESSAGE_BYTES}: put it into a file")

        def once(notes: Notes) -> course.Said:
            return [] if message in notes.known else course.send(notes, message, blocks)

        await conversation.say(once)

    async def interrupt(self) -> None:
        """Stop the running turn; nothing happens when none runs.

        A program that does not obey is killed with everything it started; the next run continues the conversation.
        """
        conversation = self._connected()
        running = conversation.notes.running
        if running is None:
            return
        try:
            await conversation.say(course.interrupt)
            await conversation.until(lambda: conversation.notes.running != running, INTERRUPT_TIMEOUT_S)
        except AgentError as error:
            logger.warning("agent did not confirm an interrupt, killing it", extra={"reason": str(error)})
            if self._link is not None:
                await self._link.signal(process_name(conversation.notes.run), signal.SIGKILL)

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        """Answer what the agent asked; repeatable.

        Returns:
            False when the program that asked is gone or no longer waits for it.
        """
        try:
            conversation = self._connected()
        except AgentError:
            return False

        def once(notes: Notes) -> course.Said:
            open_ask = notes.asks.get(ask)
            return course.answer(notes, ask, answer) if open_ask is not None and open_ask.state == "open" else []

        try:
            await conversation.catch_up(CATCH_UP_TIMEOUT_S)
        except AgentError:
            return False
        if ask not in conversation.notes.asks:
            return False
        await conversation.say(once)
        return True

    async def configure(self, *, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Use these from the next request on; what is as it was already is left alone.

        Raises:
            AgentError: the agent has no such model, effort or mode; all stays as it was.
        """
        conversation = self._connected()
        wanted = wanted_settings(conversation.notes, model=model, effort=effort, mode=mode)
        for setting, value in wanted.items():
            await _set(conversation, setting, value)

    def records(self, link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        """Yield everything from byte `offset` of a run's output on, then what comes; independent of `start`."""
        return read_records(link, run, offset)

    async def detach(self) -> None:
        """Let go of the program without ending it: before a checkpoint, or when the runner retires."""
        conversation, self._conversation, self._link = self._conversation, None, None
        if conversation is not None:
            await conversation.close()

    def _connected(self) -> Conversation:
        if self._conversation is None:
            raise AgentError("the agent program is not attached: start it first")
        return self._conversation

    async def _launch(self, link: GuestLink, options: AgentOptions) -> ProcessStatus:
        spec = ProcessSpec(
            name=process_name(options.run),
            argv=("bash", "-lc", options.program.removeprefix(PROGRAM_PREFIX)),
            cwd=options.cwd,
            environment=environment(self._place, options),
            user=self._place.user,
            journal_bytes=JOURNAL_BYTES,
            when_full=WhenFull.BLOCK,
        )
        try:
            return await link.start(spec)
        except InvalidInputError as error:
            raise AgentError(f"the agent program could not be started: {error}") from error

    async def _begin(self, conversation: Conversation, options: AgentOptions) -> None:
        """Have a conversation with the settings that are asked for."""
        notes = conversation.notes
        await conversation.open()
        await conversation.until(lambda: notes.session is not None or notes.failure is not None, START_TIMEOUT_S)
        if notes.session is None:
            raise AgentError(f"the agent program does not begin a conversation: {notes.failure}")
        wanted = wanted_settings(notes, model=options.model, effort=options.effort, mode=options.mode, is_start=True)
        for setting, value in wanted.items():
            await _set(conversation, setting, value)

    async def _blocks(
        self, notes: Notes, message: MessageId, text: str, attachments: Sequence[Attachment]
    ) -> list[dict[str, Any]]:
        """Return a message as the agent takes it: images where it can, every other file by its path."""
        images: list[schema.ImageContentBlock] = []
        paths: list[str] = []
        for attachment in attachments:
            if notes.can_take_images and attachment.media_type.startswith("image/"):
                data = base64.b64encode(attachment.data).decode()
                images.append(schema.ImageContentBlock(type="image", data=data, mime_type=attachment.media_type))
            elif self._link is not None:
                path = self._place.attachments / message / attachment.name
                await self._link.write_file(path, attachment.data, user=self._place.user)
                paths.append(str(path))
        if paths:
            text = f"{text}\n\nFiles that came with this message: {', '.join(paths)}"
        words = schema.TextContentBlock(type="text", text=text)
        return [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in (words, *images)]


def _notes_of_run(options: AgentOptions, before: Notes | None) -> Notes:
    """Return the notes of a run that begins: it continues the last conversation if anything was said in it."""
    has_spoken = before.has_spoken if before is not None else options.is_continuation
    return Notes(
        run=options.run,
        mode=options.mode,
        previous=(before.session or before.previous) if before is not None and has_spoken else None,
        has_spoken=has_spoken,
    )


async def _set(conversation: Conversation, setting: Setting, value: str) -> None:
    request = uuid4().hex
    said = conversation.ask(
        f"{wire.SET}:{request}", lambda notes: course.choose(notes, setting, value, request), SET_TIMEOUT_S
    )
    answer = await said
    if answer.error is not None:
        raise AgentError(f"the agent did not take {value!r} as its {setting}: {answer.error}")
    conversation.notes.offers[setting].current = value


async def _find(link: GuestLink, name: str) -> ProcessStatus | None:
    return next((status for status in await link.processes() if status.name == name), None)


async def _explain(link: GuestLink, name: str, error: Exception) -> str:
    """Say why a program did not come up, in its own words where it has left some."""
    with anyio.move_on_after(EXPLAIN_TIMEOUT_S):
        status = await _find(link, name)
        if status is not None and not status.is_running:
            words = await last_words(link, status)
            return f"the agent program {ending(status)} at once: {words or 'it said nothing'}"
    return str(error)
