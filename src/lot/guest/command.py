"""One short command: run to its end, with bounded output and a time limit."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from lot.guest.pump import Bounded, Feed, Pump
from lot.guest.refusal import Refused
from lot.guest.spawn import Launcher

_numbers = itertools.count(1)


async def run_command(launcher: Launcher, request: dict[str, Any], stdin: bytes) -> tuple[dict[str, Any], bytes]:
    """Run a command; when its time is over, or nobody waits any more, it is killed with all its descendants.

    Returns:
        The result's head, and stdout followed by stderr.
    """
    marker = f"command.{next(_numbers)}"  # no name of a durable process has a dot
    started = time.monotonic()
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    child = launcher.start(
        marker,
        request["argv"],
        request["cwd"],
        request["environment"],
        request["user"],
        lambda code: None if ended.done() else ended.set_result(code),
    )
    drained = asyncio.Event()
    out, err = Bounded(request["max_output_bytes"]), Bounded(request["max_output_bytes"])
    pumps = [Pump(child.out, out, drained.set, outlives_program=False)]
    if child.err is not None:
        pumps.append(Pump(child.err, err, drained.set, outlives_program=False))
    feed = Feed(child.feed)
    try:
        await feed.accept(stdin, None)
        feed.finish()
        exit_code = await asyncio.wait_for(ended, request["timeout_s"])
        for pump in pumps:
            pump.finish()
        while not all(pump.is_drained for pump in pumps):
            drained.clear()
            await drained.wait()
    except asyncio.TimeoutError:  # noqa: UP041 (another class before Python 3.11)
        await launcher.tree.end(marker, 0)
        raise Refused("timed_out", f"{request['argv'][0]!r} was killed after {request['timeout_s']:g} s") from None
    except asyncio.CancelledError:
        await launcher.tree.end(marker, 0)
        raise
    finally:
        feed.close()
        for pump in pumps:
            pump.close()
    head = {
        "exit_code": exit_code,
        "out_bytes": len(out.data),
        "is_truncated": out.is_truncated or err.is_truncated,
        "duration_s": time.monotonic() - started,
    }
    return head, bytes(out.data + err.data)
