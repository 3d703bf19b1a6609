"""How long work tells how far it is; leaves out how that is shown."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of the whole is finished, from 0.0 to 1.0."""


def silent(what: str, finished: float) -> None:
    """Show nothing."""
