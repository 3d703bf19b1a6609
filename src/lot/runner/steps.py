"""Times what a runner does, step by step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lot.runner.protocol import Step


class Steps:
    """The steps of one operation, in the order in which they ended."""

    def __init__(self) -> None:
        self._done: list[Step] = []

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add a step that lasts as long as the block, if the block succeeds."""
        began = time.monotonic()
        yield
        self._done.append(Step(step=step, seconds=time.monotonic() - began))

    @property
    def done(self) -> tuple[Step, ...]:
        """What was done so far."""
        return tuple(self._done)
