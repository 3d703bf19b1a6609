"""Claude Code as a harness: its CLI in the sandbox, driven from the host by claude-agent-sdk over a durable pipe.

Leaves out what its output means (`claude_events.py`), how that is read (`claude_output.py`), what it waits for
(`claude_asks.py`), its settings while it runs (`claude_settings.py`) and what Lot adds to the system prompt
(`claude_prompt.py`). SDK and CLI are pinned together: the command line is the SDK's own.
"""

import json
import logging
import signal
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import anyio
import claude_agent_sdk
from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ClaudeSDKError,
    PermissionResultAllow,
    PermissionResultDeny,
    ToolPermissionContext,
)
from claude_agent_sdk._cli_version import __cli_version__
from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

from lot.core.asks import Answer
from lot.core.errors import AgentError, InvalidInputError, NotFoundError, SandboxUnavailableError, TooLargeError
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, Attachment
from lot.harness.claude_asks import OpenAsks
from lot.harness.claude_attachments import content, put
from lot.harness.claude_commands import RunningCommands, with_output
from lot.harness.claude_modes import CLAUDE_MODES
from lot.harness.claude_output import JOURNAL_BYTES, MAX_LINE_BYTES, last_words, process_name, read_records
from lot.harness.claude_prompt import appended_prompt
from lot.harness.claude_settings import CONTROL_TIMEOUT_S, ClaudeSettings
from lot.harness.claude_tools import SERVER, free_tools, tool_server
from lot.harness.claude_transcript import newest_entry, put_back, transcript_folder
from lot.harness.claude_transport import PipeTransport
from lot.harness.harness import AgentBinary, AgentOptions, AgentRecord, SessionTools
from lot.harness.program_end import ending
from lot.sandbox.driver import GATEWAY_ADDRESS, GATEWAY_SOCKET
from lot.sandbox.link import CommandRequest, GuestLink, ProcessSpec, ProcessStatus, WhenFull

PLACEHOLDER_KEY = "lot-placeholder-the-real-key-stays-outside"
START_TIMEOUT_S = 45.0
MAX_RETRIES = 2
"""Of the program's own: the broker waits and asks again while the agent notices nothing."""
INTERRUPT_TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = 24 << 20
"""Of a user's message as JSON, with its pictures and documents."""

DISALLOWED_TOOLS = (
    "WebFetch",
    "WebSearch",
    "Workflow",
    "CronCreate",
    "CronDelete",
    "CronList",
    "ScheduleWakeup",
    "SendMessage",
    "ListAgents",
    "EnterWorktree",
    "ExitWorktree",
    "ReportFindings",
)
"""What needs services of Anthropic beyond the Messages API, or makes no sense in a session of Lot."""

_BINARY = PurePosixPath("/opt/lot/claude")
_HOME = PurePosixPath("/home/lot")
_ROOT = PurePosixPath("/")
_WORDS = uuid.UUID("9f6c9ad0-5c5a-4f0e-8f0b-0c1f6a3f7f52")
"""Names what users add to permissions."""
_NOTES = PurePosixPath(".lot")
"""Below the home: what is open of each run."""

logger = logging.getLogger(__name__)
# The SDK logs an agent's end as an error; ours comes as a record, and is nothing that an operator must act on.
logging.getLogger("claude_agent_sdk._internal.query").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudePlace:
    """Where the CLI finds itself inside a sandbox; other than the defaults only in tests."""

    binary: PurePosixPath = _BINARY
    home: PurePosixPath = _HOME
    user: str = "lot"
    model_url: str = f"http://{GATEWAY_ADDRESS}/model"
    model_socket: PurePosixPath | None = GATEWAY_SOCKET
    """The guest's unix socket to the gateway, through which `model_url` is asked; None: over TCP."""


def agent_binary() -> AgentBinary:
    """Return the CLI that comes with the SDK.

    Raises:
        AgentError: the installed SDK has none.
    """
    source = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
    if not source.is_file():
        raise AgentError(
            f"the agent program {source} is missing: install claude-agent-sdk from a wheel that bundles it "
            "(glibc Linux on x86-64 or arm64), then start Lot again"
        )
    return AgentBinary(source=source, target=ClaudePlace().binary, version=__cli_version__)


class ClaudeHarness:
    """Drives one Claude Code CLI; `tools` are what it is offered of Lot, if anything."""

    def __init__(self, place: ClaudePlace | None = None, tools: SessionTools | None = None) -> None:
        self._place = place or ClaudePlace()
        self._tools = tools
        self._link: GuestLink | None = None
        self._client: ClaudeSDKClient | None = None
        self._asks = OpenAsks(AgentMode.FULL)
        self._settings: ClaudeSettings | None = None
        self._name = ""

    async def start(self, link: GuestLink, options: AgentOptions) -> None:
        """Start the program, or attach to the one of this run that is already up; repeatable.

        Raises:
            AgentError: it did not come up, or this run has ended already.
        """
        await self.detach()
        name = process_name(options.run)
        status = await _find(link, name)
        is_old = status is not None
        if status is None:
            status = await self._launch(link, options)
        elif not status.is_running:
            raise AgentError(f"run {options.run} of the agent has ended: start the next run")
        await link.acknowledge(name, "err", status.ends.get("err", 0))
        self._asks = OpenAsks(options.mode)
        # What is allowed stands on the command line; said here, the SDK would warn that it will not be asked about.
        sdk = replace(self._sdk_options(options, is_continuation=False), permission_mode=None, allowed_tools=[])
        client = ClaudeSDKClient(sdk, PipeTransport(link, status, self._place.home / _NOTES, self._place.user))
        try:
            with anyio.fail_after(START_TIMEOUT_S):
                await client.connect()
        except Exception as error:  # the SDK raises bare exceptions too
            raise AgentError(await _explain(link, name, error)) from error
        self._link, self._client, self._name = link, client, name
        self._settings = ClaudeSettings(client, options.model, options.effort, options.mode)
        if is_old:
            await self._match(options)

    async def send(self, message: MessageId, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Hand over a user's message; the program ignores an id that it has seen, in this run or an earlier one.

        Raises:
            AgentError: the program is gone, or was never started.
            TooLargeError: the message is longer than `MAX_MESSAGE_BYTES`.
        """
        client = self._connected()
        try:
            line = {
                "type": "user",
                "uuid": message,
                "session_id": "default",
                "parent_tool_use_id": None,
                "message": {"role": "user", "content": await self._content(message, text, attachments)},
            }
            size = len(json.dumps(line))
            if size > MAX_MESSAGE_BYTES:
                raise TooLargeError(f"the message has {size} bytes, more than {MAX_MESSAGE_BYTES}: put it into a file")
            await client.query(_once(line))
        except (NotFoundError, InvalidInputError, ClaudeSDKError) as error:
            raise AgentError(f"the agent program is gone: {error}") from error

    async def interrupt(self) -> None:
        """Stop the running turn and the commands it started; nothing happens when none runs.

        A program that does not obey is killed with everything it started; the next run continues the conversation.
        """
        client = self._connected()
        try:
            with anyio.fail_after(INTERRUPT_TIMEOUT_S):
                await client.interrupt()
        except SandboxUnavailableError:
            raise
        except Exception as error:  # the SDK raises bare exceptions too
            logger.warning("agent did not confirm an interrupt, killing it", extra={"reason": str(error)})
            if self._link is not None:
                await self._link.signal(self._name, signal.SIGKILL)

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        """Answer what the agent asked; repeatable.

        Returns:
            False when the program that asked is gone or no longer waits for it.
        """
        if self._client is None or self._link is None:
            return False
        status = await _find(self._link, self._name)
        if status is None or not status.is_running:
            return False

        async def tell(text: str) -> None:
            # The same id for the same permission: said again after a broken connection, it is taken once.
            await self.send(MessageId(str(uuid.uuid5(_WORDS, ask))), text)

        return await self._asks.answer(ask, answer, tell)

    async def configure(self, *, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Use these from the next request on; what is as it was already is left alone.

        Raises:
            AgentError: the provider does not have the model; all stays as it was.
        """
        self._connected()
        assert self._settings is not None  # as long as there is a client
        await self._settings.change(model, effort, mode)
        self._asks.mode = mode

    def records(self, link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        """Yield everything from byte `offset` of a run's output on, then what comes; independent of `start`."""
        commands = RunningCommands()
        return with_output(read_records(link, run, offset, commands.see), commands, link, run, offset)

    async def detach(self) -> None:
        """Let go of the program without ending it: before a checkpoint, or when the runner retires."""
        client, self._client, self._link = self._client, None, None
        if client is not None:
            await client.disconnect()

    async def _content(
        self, message: MessageId, text: str, attachments: Sequence[Attachment]
    ) -> str | list[dict[str, Any]]:
        if not attachments or self._link is None:
            return text
        return content(
            text, attachments, await put(self._link, message, attachments, self._place.home, self._place.user)
        )

    async def _match(self, options: AgentOptions) -> None:
        """Give a program that ran already the session's present settings, as far as it takes them."""
        assert self._settings is not None  # called behind the connection
        try:
            await self._settings.match(options.model, options.effort, options.mode)
        except AgentError as error:
            logger.warning("agent keeps its settings", extra={"reason": str(error)})

    def _connected(self) -> ClaudeSDKClient:
        if self._client is None:
            raise AgentError("the agent program is not attached: start it first")
        return self._client

    async def _ask(
        self, tool: str, given: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResultAllow | PermissionResultDeny:
        return await self._asks.ask(tool, given, context)

    async def _launch(self, link: GuestLink, options: AgentOptions) -> ProcessStatus:
        is_known = options.is_continuation or options.run > 1
        sdk = self._sdk_options(options, is_continuation=is_known and await self._ensure_transcript(link, options))
        spec = ProcessSpec(
            name=process_name(options.run),
            argv=command_line(sdk),
            cwd=options.cwd,
            environment=self._environment(options),
            user=self._place.user,
            journal_bytes=JOURNAL_BYTES,
            when_full=WhenFull.BLOCK,
        )
        try:
            return await link.start(spec)
        except InvalidInputError as error:
            raise AgentError(f"the agent program could not be started: {error}") from error

    async def _ensure_transcript(self, link: GuestLink, options: AgentOptions) -> bool:
        """Return whether there is a conversation to continue, put back from the store if the sandbox has lost it.

        A sandbox that was killed may have lost its end alone: what the program wrote last, and told before.
        """
        newest = newest_entry(options.transcript, options.agent_session)
        if newest is None or await self._has_entry(link, options, newest):
            return await self._has_transcript(link, options)
        is_back = await put_back(link, self._place.home, self._place.user, options.transcript)
        return is_back or await self._has_transcript(link, options)

    async def _has_transcript(self, link: GuestLink, options: AgentOptions) -> bool:
        """Return whether the CLI knows the conversation: it writes a transcript with the first message, not before.

        It refuses to continue an unknown conversation, and to begin one that it knows.
        """
        projects = str(transcript_folder(self._place.home))
        argv = ("find", projects, "-maxdepth", "2", "-name", f"{options.agent_session}.jsonl", "-size", "+0")
        request = CommandRequest(argv=argv, cwd=_ROOT, user=self._place.user, timeout_s=20.0)
        found = await link.run(request)
        return bool(found.stdout.strip())

    async def _has_entry(self, link: GuestLink, options: AgentOptions, entry: str) -> bool:
        projects = str(transcript_folder(self._place.home))
        argv = ("grep", "-rqsF", "--include", f"{options.agent_session}.jsonl", "-e", entry, projects)
        request = CommandRequest(argv=argv, cwd=_ROOT, user=self._place.user, timeout_s=20.0)
        return (await link.run(request)).exit_code == 0

    def _environment(self, options: AgentOptions) -> Mapping[str, str]:
        host = self._place.model_url.split("/")[2].split(":")[0]
        socket = self._place.model_socket
        return {
            **({} if socket is None else {"ANTHROPIC_UNIX_SOCKET": str(socket)}),
            "HOME": str(self._place.home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_PROXY": host,
            "no_proxy": host,
            "ANTHROPIC_BASE_URL": self._place.model_url,
            "ANTHROPIC_API_KEY": PLACEHOLDER_KEY,
            "CLAUDE_CODE_ENTRYPOINT": "sdk-py",
            "CLAUDE_AGENT_SDK_VERSION": claude_agent_sdk.__version__,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
            # A sandbox that is paused in the middle of a stream must not find that it waited too long.
            "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "3600000",
            "CLAUDE_CODE_MAX_RETRIES": str(MAX_RETRIES),
            # The list of things to do comes whole with each change, as `TodoWrite`.
            "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",
            "CLAUDE_CODE_ENABLE_TASKS": "0",
            "DISABLE_AUTOUPDATER": "1",
        }

    def _sdk_options(self, options: AgentOptions, *, is_continuation: bool) -> ClaudeAgentOptions:
        return ClaudeAgentOptions(
            cli_path=str(self._place.binary),
            model=options.model,
            permission_mode=CLAUDE_MODES[options.mode],
            can_use_tool=self._ask,
            setting_sources=["project"],
            settings=json.dumps(_flag_settings(options)),
            system_prompt={"type": "preset", "preset": "claude_code", "append": appended_prompt(options)},
            mcp_servers={} if self._tools is None else {SERVER: tool_server(self._tools, options)},
            allowed_tools=[] if self._tools is None else list(free_tools()),
            disallowed_tools=list(DISALLOWED_TOOLS),
            session_id=None if is_continuation else options.agent_session,
            resume=options.agent_session if is_continuation else None,
            max_buffer_size=MAX_LINE_BYTES,
            include_partial_messages=True,
            forward_subagent_text=True,
            # Without the second flag nobody could change to the mode that asks nothing while the program runs. The
            # third: `claude_transcript.py`; the SDK's own way to it would have the SDK read all output.
            extra_args={
                "replay-user-messages": None,
                "allow-dangerously-skip-permissions": None,
                "session-mirror": None,
            },
        )


def _flag_settings(options: AgentOptions) -> dict[str, Any]:
    effort = {} if options.effort is None else {"effortLevel": options.effort}
    # Commands that only look around are allowed while planning by asking the user, not by a model elsewhere.
    return {"attribution": {"commit": "", "pr": ""}, "useAutoModeDuringPlan": False, **effort}


def command_line(options: ClaudeAgentOptions) -> tuple[str, ...]:
    """Return the command line that the SDK itself would use; a test pins it."""
    if options.can_use_tool is not None:
        options = replace(options, can_use_tool=None, permission_prompt_tool_name="stdio")
    return tuple(SubprocessCLITransport(prompt="", options=options)._build_command())


async def _once(line: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield line


async def _find(link: GuestLink, name: str) -> ProcessStatus | None:
    return next((status for status in await link.processes() if status.name == name), None)


async def _explain(link: GuestLink, name: str, error: Exception) -> str:
    """Say why a program did not come up, in its own words where it has left some."""
    with anyio.move_on_after(CONTROL_TIMEOUT_S):
        status = await _find(link, name)
        if status is not None and not status.is_running:
            words = await last_words(link, status)
            return f"the agent program {ending(status)} at once: {words or 'it said nothing'}"
    return f"the agent program does not answer: {error or type(error).__name__}"
