"""How an agent program has ended, as its durable process tells."""

from dataclasses import dataclass

from lot.sandbox.link import GuestLink, ProcessStatus

_LEFTOVERS_GRACE_S = 1.0
_ORDERLY = (0, 143, -15)
"""Exit codes of a program that was asked to end: by the end of its input, or by SIGTERM."""


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """The end of one run."""

    death: str | None = None
    """How it died, in words; None: it was asked to end, or ended with its sandbox."""
    is_lost: bool = False
    """It ended with its sandbox, and was found in the next one over the same disk."""


async def end_of(link: GuestLink, name: str) -> ProgramEnd:
    """Return how a program ended; what one that died has left running is ended."""
    status = next((status for status in await link.processes() if status.name == name), None)
    if status is None or status.exit_code is None:
        return ProgramEnd(is_lost=status is not None and not status.is_running)
    if status.exit_code in _ORDERLY:
        return ProgramEnd()
    await link.stop(name, _LEFTOVERS_GRACE_S)
    return ProgramEnd(f"The agent program {ending(status)}. The next message continues the conversation.")


def ending(status: ProcessStatus) -> str:
    """Return how a program ended, to be read after its name."""
    if status.exit_code is None or status.exit_code >= 0:
        return f"ended with exit code {status.exit_code}"
    return f"was killed by signal {-status.exit_code}"
