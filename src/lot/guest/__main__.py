"""The guest's entry: `guest.pyz --listen ADDRESS:PORT --peer ADDRESS --state FOLDER`."""

from __future__ import annotations

import os
import sys

sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # asyncio does without; it costs start time and memory

import asyncio  # noqa: E402
import selectors  # noqa: E402
import signal  # noqa: E402

from lot.guest.server import Server  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Serve until told to end."""
    # Not argparse: importing it takes a tenth of the time until the guest answers.
    options = {sys.argv[i]: sys.argv[i + 1] for i in range(1, len(sys.argv) - 1, 2)}
    if len(sys.argv) != 7 or set(options) != {"--listen", "--peer", "--state"}:
        sys.exit("usage: guest.pyz --listen ADDRESS:PORT --peer ADDRESS --state FOLDER")
    address, _, port = options["--listen"].rpartition(":")
    os.umask(0o022)
    if os.getpid() != 1:
        _adopt_orphans()
    # Not epoll: after a restore gVisor's may tell for ever of a file that has long been closed (seen: one core busy
    # from the third restore on), and asyncio cannot take out what it no longer knows. `poll` keeps nothing.
    loop = asyncio.SelectorEventLoop(selectors.PollSelector())
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_serve(address, int(port), options["--peer"], options["--state"]))


async def _serve(address: str, port: int, peer: str, state: str) -> None:
    server = Server(address, port, peer, state)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Nobody asks PID 1 to end; root's `pkill python3` in a terminal must not end the sandbox.
        loop.add_signal_handler(number, _stay if os.getpid() == 1 else ending.set)
    listener = await server.listen()
    print(f"guest: listening on {address}:{port}", file=sys.stderr, flush=True)
    await ending.wait()
    listener.close()
    await server.end_everything()


def _stay() -> None:
    print("guest: told to end, stays", file=sys.stderr, flush=True)


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants, as PID 1 is anyway."""
    import ctypes  # not at the top: PID 1 needs neither its start time nor its memory

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
