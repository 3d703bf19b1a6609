"""Lot's own tools for Claude: an MCP server in the runner's process, called over the program's control protocol.

Leaves out what the tools do (`SessionTools`). A call that was under way when the runner let go is made again by the
next one (`claude_transport.py`), so each tool may be repeated.
"""

import base64
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import anyio
from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool, ToolAnnotations, create_sdk_mcp_server

from lot.core.errors import LotError
from lot.core.records import SetupCommands
from lot.harness.harness import AgentOptions, SessionTools

SERVER = "lot"
TOOL_TIMEOUT_S = 57.0
"""A call is to be answered within a minute."""
MAX_LOG_LINES = 1_000
MAX_TITLE_CHARS, MAX_BODY_CHARS = 300, 60_000
MAX_COMMAND_CHARS = 16_384
MAX_PROCESS_CHARS = 32
SCREENSHOT_SIZE = (1280, 800)

Content = list[dict[str, Any]]
Arguments = dict[str, Any]

_READS = ToolAnnotations(readOnlyHint=True)
_ACTS = ToolAnnotations(readOnlyHint=False, destructiveHint=False, idempotentHint=True)
_FREE = ("read_dev_log", "preview_address", "take_screenshot")

logger = logging.getLogger(__name__)


def free_tools() -> tuple[str, ...]:
    """Return the tools that need no permission in any mode: they only look."""
    return tuple(f"mcp__{SERVER}__{name}" for name in _FREE)


def tool_server(tools: SessionTools, options: AgentOptions) -> McpSdkServerConfig:
    """Return the server with the tools that one session's agent is offered."""
    offered = [_pull_request(tools), _restart(tools), _log(tools), _preview(options)]
    more = [*([_screenshot(tools)] if options.has_browser else []), *([_setup(tools)] if options.is_setup else [])]
    server = create_sdk_mcp_server(SERVER, tools=[*offered, *more])
    # A few small tools: in every request, or the agent had to look for them first.
    return cast(McpSdkServerConfig, {**server, "alwaysLoad": True})


def _pull_request(tools: SessionTools) -> SdkMcpTool[Arguments]:
    async def create(arguments: Arguments) -> Content:
        return _text(await tools.create_pull_request(arguments.get("title"), arguments.get("body")))

    return _tool(
        "create_pull_request",
        "Save all work of this session, push its branch and open its pull request, or update the one there is. "
        "Returns its address. Use it when the user asks for a pull request, instead of git push.",
        {
            "title": _string(
                "One line that says what changes; left out: as it is, or the session's title.", MAX_TITLE_CHARS
            ),
            "body": _string("Markdown: what changes, why, and how it was tested.", MAX_BODY_CHARS),
        },
        create,
        _ACTS,
    )


def _setup(tools: SessionTools) -> SdkMcpTool[Arguments]:
    async def propose(arguments: Arguments) -> Content:
        commands = SetupCommands(
            setup_command=arguments.get("setup_command") or None,
            dev_command=arguments.get("dev_command") or None,
            port=arguments.get("port"),
        )
        return _text(await tools.propose_setup(commands))

    return _tool(
        "propose_setup",
        "Say how this project is set up and started. Lot runs the commands once on a fresh checkout in a clean "
        "sandbox, waits until the dev server answers over HTTP, and freezes the result as the project's snapshot. "
        "Returns how it went, with the log where it failed: mend the commands and call it again. While it says that "
        "the build is under way, call it again with the same arguments to wait on.",
        {
            "setup_command": _string(
                "Installs everything, from system packages to the project's own dependencies, and creates databases.",
                MAX_COMMAND_CHARS,
            ),
            "dev_command": _string(
                "Starts the services that the app needs, then the dev server in the foreground.", MAX_COMMAND_CHARS
            ),
            "port": _integer("On which the dev server answers over HTTP.", 1, 65_535),
        },
        propose,
        _ACTS,
    )


def _restart(tools: SessionTools) -> SdkMcpTool[Arguments]:
    async def restart(_: Arguments) -> Content:
        return _text(await tools.restart_dev_server())

    return _tool(
        "restart_dev_server",
        "Restart the project's dev server, with what runs beside it, and wait until it answers or has failed. Only "
        "needed when hot reload is not enough: new dependencies, changed configuration or environment, a crash.",
        {},
        restart,
        _ACTS,
    )


def _log(tools: SessionTools) -> SdkMcpTool[Arguments]:
    async def read(arguments: Arguments) -> Content:
        log = await tools.read_dev_log(arguments.get("lines", 100), arguments.get("process"))
        return _text(log or "It has written nothing.")

    return _tool(
        "read_dev_log",
        "Read the newest lines of the dev server's log, or of a process that runs beside it: compile errors, requests, "
        "stack traces.",
        {
            "lines": _integer("How many lines; 100 if left out.", 1, MAX_LOG_LINES),
            "process": _string("Name of a process beside the dev server, such as worker.", MAX_PROCESS_CHARS),
        },
        read,
        _READS,
    )


def _preview(options: AgentOptions) -> SdkMcpTool[Arguments]:
    async def tell(_: Arguments) -> Content:
        if options.preview_url is None:
            return _text("This project has no port for a preview: nobody sees its app from outside.")
        return _text(f"The user sees the app at {options.preview_url} (only with their own access to Lot).")

    return _tool("preview_address", "Get the address at which the user sees the running app.", {}, tell, _READS)


def _screenshot(tools: SessionTools) -> SdkMcpTool[Arguments]:
    async def take(arguments: Arguments) -> Content:
        width, height = SCREENSHOT_SIZE
        image = await tools.screenshot(
            arguments.get("path", "/"), arguments.get("width", width), arguments.get("height", height)
        )
        return [{"type": "image", "data": base64.b64encode(image).decode(), "mimeType": "image/png"}]

    return _tool(
        "take_screenshot",
        "See a page of the running app as a browser renders it.",
        {
            "path": _string("Path of the page, such as /settings?tab=1; / if left out.", 2_000),
            "width": _integer(f"Of the window in pixels; {SCREENSHOT_SIZE[0]} if left out.", 200, 2_560),
            "height": _integer(f"Of the window in pixels; {SCREENSHOT_SIZE[1]} if left out.", 200, 4_096),
        },
        take,
        _READS,
    )


def _tool(
    name: str,
    description: str,
    properties: dict[str, Any],
    work: Callable[[Arguments], Awaitable[Content]],
    annotations: ToolAnnotations,
) -> SdkMcpTool[Arguments]:
    async def handle(arguments: Arguments) -> dict[str, Any]:
        return await _answer(name, work, arguments)

    schema = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    return SdkMcpTool(name=name, description=description, input_schema=schema, handler=handle, annotations=annotations)


async def _answer(name: str, work: Callable[[Arguments], Awaitable[Content]], arguments: Arguments) -> dict[str, Any]:
    """Carry a call out; whatever goes wrong is told to the agent in plain words."""
    try:
        with anyio.fail_after(TOOL_TIMEOUT_S):
            return {"content": await work(arguments)}
    except LotError as error:
        return _error(str(error))
    except TimeoutError:
        return _error(f"this took longer than {TOOL_TIMEOUT_S:.0f} s and was given up; it may still come about")
    except Exception:
        logger.exception("tool of the agent failed", extra={"tool": name})
        return _error("Lot has a defect here; its log has the details. Go on without this tool.")


def _error(words: str) -> dict[str, Any]:
    return {"content": _text(words), "is_error": True}


def _text(words: str) -> Content:
    return [{"type": "text", "text": words}]


def _string(description: str, max_chars: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_chars}


def _integer(description: str, lowest: int, highest: int) -> dict[str, Any]:
    return {"type": "integer", "description": description, "minimum": lowest, "maximum": highest}
