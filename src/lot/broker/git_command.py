"""Runs the host's git: a clean environment, a time limit, bounded output, and no child that outlives the call.

Leaves out git inside sandboxes (`runner/workspace.py`), which never runs on the host.
"""

import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from lot.core.credentials import GitCredential
from lot.core.errors import GitError

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is finished, from 0.0 to 1.0."""

_PASSED_ON = frozenset(
    {
        "PATH",
        "TMPDIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "SSH_AUTH_SOCK",
    }
)
"""What git needs of the machine to reach a host: programs, proxies, certificates, the user's key agent."""

_HELPER = '!f() { [ "$1" = get ] && printf "username=%s\\npassword=%s\\n" "$LOT_GIT_USERNAME" "$LOT_GIT_PASSWORD"; }; f'
"""`store` and `erase` do nothing. The shell expands the names; its arguments hold only them."""
_GRACE_S = 2.0
_PROGRESS = re.compile(r"^(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+(\d+)%")
_NOISE = re.compile(
    r"hint:|warning:|remote:\s*$|(?:remote: )?[A-Z][a-z]+ [a-z]+: +\d+"
    # What it says below any failure to reach a repository.
    r"|fatal: Could not read from remote|Please make sure you have the correct|and the repository exists"
)
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class GitOutput:
    """How a git command ended."""

    exit_code: int
    stdout: bytes
    stderr: str
    """What git told the user, with passwords in addresses masked; its end when it was long."""
    is_truncated: bool

    @property
    def text(self) -> str:
        """Standard output as one stripped string."""
        return self.stdout.decode(errors="replace").strip()

    @property
    def words(self) -> str:
        """What git said, on one line, without its hints and its progress."""
        lines = (line.strip() for line in self.stderr.splitlines())
        said = "; ".join(line.rstrip(".") for line in lines if line and not _NOISE.match(line))
        return said.removeprefix("fatal: ")


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment in which git runs on the host."""
    # What a child process inherits of the machine is no setting of Lot, so it is not in config.py.
    passed_on = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON}
    return passed_on | {
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        # A file rather than `-c`: git drops command-line settings when it starts the other side of a local transfer.
        "GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("host.gitconfig")),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        **(extra or {}),
    }


def credential_environment(credential: GitCredential) -> dict[str, str]:
    """Return what lets one git process, and no other, answer a host that asks who it is.

    The secret is in that process's environment alone: git runs the helper, which prints it into git's own pipe. It is
    in no file, no argument and no configuration, and git asks only for addresses below `credential.url`.
    """
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"credential.{credential.url}.helper",
        "GIT_CONFIG_VALUE_0": _HELPER,
        "LOT_GIT_USERNAME": credential.username,
        "LOT_GIT_PASSWORD": credential.password.get_secret_value(),
    }


@asynccontextmanager
async def git_process(*arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Start git with all three streams on pipes; at the end of the block it and its children are gone."""
    process = await anyio.open_process(
        ["git", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def run_git(
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_s: float = 60.0,
    max_output_bytes: int = 1 << 20,
    progress: Progress | None = None,
    accept: tuple[int, ...] = (0,),
) -> GitOutput:
    """Run git to its end.

    Args:
        folder: The repository to run in.
        max_output_bytes: Of stdout; what is beyond is dropped and `is_truncated` says so.
        accept: Exit codes that are results; any other is an error.

    Raises:
        GitError: git failed, with its words, or was killed after `timeout_s`.
    """
    where = ("-C", str(folder)) if folder else ()
    out, err = _Start(max_output_bytes), _End(1 << 16, _ProgressReader(progress) if progress else None)
    try:
        with anyio.fail_after(timeout_s):
            async with (
                git_process(*where, *arguments, environment=git_environment(environment)) as process,
                anyio.create_task_group() as tasks,
            ):
                assert process.stdout is not None
                assert process.stderr is not None
                tasks.start_soon(_feed, process, stdin)
                tasks.start_soon(out.read, process.stdout)
                tasks.start_soon(err.read, process.stderr)
                exit_code = await process.wait()
    except TimeoutError as error:
        raise GitError(f"git {_verb(arguments)} did not finish within {timeout_s:g} s and was ended") from error
    said = _PASSWORD.sub("***@", err.data.decode(errors="replace"))
    output = GitOutput(exit_code, bytes(out.data), said, out.is_truncated)
    if exit_code not in accept:
        raise GitError(output.words or f"git {_verb(arguments)} failed with exit code {exit_code}")
    return output


class _Start:
    """Reads a stream to its end and keeps its first bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.data = bytearray()
        self.is_truncated = False

    async def read(self, stream: ByteReceiveStream) -> None:
        async for chunk in stream:
            room = self._limit - len(self.data)
            self.data += chunk[:room]
            self.is_truncated |= len(chunk) > room


class _End:
    """Reads a stream to its end and keeps its last bytes."""

    def __init__(self, limit: int, look: Callable[[bytes], None] | None = None) -> None:
        self._limit, self._look = limit, look
        self.data = bytearray()

    async def read(self, stream: ByteReceiveStream) -> None:
        async for chunk in stream:
            if self._look:
                self._look(chunk)
            self.data += chunk
            del self.data[: -self._limit]


class _ProgressReader:
    """Picks percentages out of what git writes while it works."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._rest = progress, ""

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = re.split(r"[\r\n]", self._rest[-1000:] + chunk.decode(errors="replace"))
        for line in lines:
            if found := _PROGRESS.match(line):
                self._progress(found[1].lower(), int(found[2]) / 100)


async def _feed(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    try:
        if data:
            await process.stdin.send(data)
        await process.stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # It ended without reading everything; its exit code tells why.


async def _end(process: Process) -> None:
    """End the process group: asked first, because git removes its temporary files, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with suppress(ProcessLookupError):  # It has just ended, which is not known here yet.
                os.killpg(process.pid, number)
            with anyio.move_on_after(_GRACE_S):
                await process.wait()
    await process.aclose()


def _verb(arguments: tuple[str, ...]) -> str:
    return next((word for word in arguments if not word.startswith("-") and "=" not in word), "")
