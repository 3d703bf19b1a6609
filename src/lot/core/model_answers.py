"""An answer of a model that was read to its end while the sandbox which had asked was paused."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAnswer:
    """An answer as it goes to the agent, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
