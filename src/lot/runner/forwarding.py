"""Raw connections to ports inside the sandbox, for previews: a line that says where to, then bytes both ways.

The caller sends `<epoch> <port>\\n` and gets `ok\\n`, or `error <code> <message>\\n` and the end. A side that has said
all it has to say ends its half; the other goes on.
"""

import logging

import anyio
from anyio.abc import ByteStream, SocketStream

from lot.core.errors import InvalidInputError, LotError
from lot.runner.runner import Runner

logger = logging.getLogger(__name__)

_GREETING_TIME_S = 10.0
_MAX_GREETING_BYTES = 64
_CHUNK_BYTES = 64 << 10


async def forward(runner: Runner, caller: SocketStream) -> None:
    """Serve one caller to the end."""
    is_open = False
    async with caller:
        try:
            epoch, port = await _read_greeting(caller)
            runner.require_epoch(epoch)
            async with runner.ways.dial(port) as inside:
                await caller.send(b"ok\n")
                is_open = True
                await _both_ways(caller, inside)
        except LotError as error:
            if not is_open:
                await _refuse(caller, error)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            return
        except Exception:
            logger.exception("forwarding failed")


async def _read_greeting(caller: SocketStream) -> tuple[int, int]:
    line = b""
    with anyio.move_on_after(_GREETING_TIME_S):
        while not line.endswith(b"\n") and len(line) < _MAX_GREETING_BYTES:
            line += await caller.receive(1)
    numbers = line.split()
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        raise InvalidInputError("a forwarded connection begins with a line `<epoch> <port>`")
    return int(numbers[0]), int(numbers[1])


async def _refuse(caller: SocketStream, error: LotError) -> None:
    message = str(error).replace("\n", " ")
    try:
        await caller.send(f"error {error.code} {message}\n".encode())
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


async def _both_ways(one: ByteStream, other: ByteStream) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_pass_on, one, other)
        tasks.start_soon(_pass_on, other, one)


async def _pass_on(source: ByteStream, target: ByteStream) -> None:
    """Copy until the source has said all; a target that is gone ends it as well."""
    try:
        while True:
            await target.send(await source.receive(_CHUNK_BYTES))
    except anyio.EndOfStream:
        pass
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        # One side is gone for good: let the other know instead of waiting for it.
        await source.aclose()
    try:
        await target.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return
