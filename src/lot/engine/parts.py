"""What the engine is made of; built once by `compose.py` and handed to every file here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lot.broker.mirror import Mirrors
from lot.broker.passes import Passes
from lot.config import Settings
from lot.core.records import Project
from lot.engine.bus import Bus
from lot.engine.folders import Folders
from lot.fleet.fleet import Fleet
from lot.forge.forge import Forge
from lot.store.store import Store


class ModelProvider(Protocol):
    """What the engine must know of a provider of models."""

    @property
    def models(self) -> tuple[str, ...]:
        """What can be chosen, the default first."""

    @property
    def is_scripted(self) -> bool:
        """Whether it plays a script instead of asking a model."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the engine plays."""

    settings: Settings
    folders: Folders
    store: Store
    fleet: Fleet
    mirrors: Mirrors
    passes: Passes
    bus: Bus
    now: Callable[[], datetime]
    forge_of: Callable[[Project], Forge]
    get_provider: Callable[[str], ModelProvider]
    """Returns a provider by its name, or raises `InvalidInputError`."""
    available_memory: Callable[[], int]
    """Returns the host's memory that is free for use, in bytes."""
    find_base_image: Callable[[], str]
    """The id of the base image that new snapshots are built on."""
