"""What Lot offers its agents as tools, as far as the runner carries it out."""

import re
from collections.abc import Sequence
from urllib.parse import quote

import anyio

from lot.core.errors import AgentError, InvalidInputError
from lot.core.records import SetupCommands
from lot.harness.closing import closing
from lot.runner.browser import picture
from lot.runner.dev_server import NAME, DevServer
from lot.runner.parts import ControlPlane
from lot.runner.protocol import DEV_PREFIX
from lot.sandbox.link import GuestLink, ProcessStatus

ANSWER_WAIT_S = 45.0
"""An agent's control requests must be answered within a minute."""
READ_TIMEOUT_S = 5.0
RESTART_LOG_LINES = 40
_LOG_BYTES = 64 << 10
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""What a terminal takes as colours, moves and titles."""
_PATH_LETTERS = "/?&=#%:;,@!$+~*'()[]"


class RunnerTools:
    """The tools of one session that is on; see `harness.harness.SessionTools`."""

    def __init__(self, link: GuestLink, dev: DevServer, control: ControlPlane) -> None:
        self._link, self._dev, self._control = link, dev, control
        self._restarting = anyio.Lock()

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        """Open the session's pull request or update it; return what to tell the agent, with its address."""
        return await self._control.create_pull_request(title, body)

    async def propose_setup(self, commands: SetupCommands) -> str:
        """Have the project's snapshot built by these commands, or go on waiting for that; return how it went so far."""
        return await self._control.propose_setup(commands)

    async def restart_dev_server(self) -> str:
        """Restart the dev server and wait until it answers or has failed; return which, with the end of its log."""
        async with self._restarting:
            # By way of the control plane, which has the newest environment written first.
            if not await self._control.restart_dev_server():
                raise AgentError("this project has no dev command: start a server yourself with a command")
            status = await self._dev.status(ANSWER_WAIT_S)
        if status.status == "answering":
            return f"The dev server answers on port {status.port} with HTTP {status.http_status}."
        return f"The dev server is {status.status}. Its log ends:\n{await self.read_dev_log(RESTART_LOG_LINES)}"

    async def read_dev_log(self, lines: int, process_name: str | None = None) -> str:
        """Return the newest lines of the dev server's log, or of a process's that runs beside it.

        Raises:
            InvalidInputError: none is called so; those that there are, are named.
        """
        processes = await self._link.processes()
        name = NAME if process_name in (None, NAME) else _beside(process_name or "", processes)
        process = next((process for process in processes if process.name == name), None)
        if process is None:
            return "The dev server was not started." if name == NAME else f"{process_name} was not started."
        text = _ESCAPES.sub("", (await self._log_end(process)).decode(errors="replace")).replace("\r\n", "\n")
        return "\n".join(text.splitlines()[-max(1, lines) :])

    async def screenshot(self, path: str, width: int, height: int) -> bytes:
        """Return the app's page as a PNG."""
        if not path.startswith("/"):
            raise InvalidInputError(f"{path!r} is no path of a page: it begins with /")
        status = await self._dev.status(0.0)
        if status.status != "answering" or status.port is None:
            raise AgentError(f"there is no page to look at: the dev server is {status.status}")
        return await picture(self._link, f"http://localhost:{status.port}{quote(path, _PATH_LETTERS)}", width, height)

    async def _log_end(self, process: ProcessStatus) -> bytes:
        begin, end = max(process.starts["out"], process.ends["out"] - _LOG_BYTES), process.ends["out"]
        found = bytearray()
        if begin == end:
            return b""
        with anyio.move_on_after(READ_TIMEOUT_S):
            async with closing(self._link.attach(process.name, "out", begin)) as chunks:
                async for chunk in chunks:
                    found += chunk.data
                    if len(found) >= end - begin:
                        break
        return bytes(found)


def _beside(name: str, processes: Sequence[ProcessStatus]) -> str:
    """Return the durable process of what runs beside the dev server under a name."""
    beside = [process.name for process in processes if process.name.startswith(DEV_PREFIX)]
    if f"{DEV_PREFIX}{name}" not in beside:
        there = ", ".join(process.removeprefix(DEV_PREFIX) for process in beside) or "none"
        raise InvalidInputError(f"no process {name!r} runs beside the dev server; there are: {there}")
    return f"{DEV_PREFIX}{name}"
