"""What the engine is made of; built once by `compose.py` and handed to every file here."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from lot.broker.mirror import Mirrors
from lot.broker.passes import Passes
from lot.config import Settings
from lot.core.image_source import FetchedImage, ImageSource
from lot.core.records import LayerMeasure, Project
from lot.engine.bus import Bus
from lot.engine.folders import Folders
from lot.fleet.fleet import Fleet
from lot.forge.forge import Forge, GitHosts
from lot.runner.protocol import CommandOrder, ImageBuild
from lot.store.store import Store


class ModelChoice(Protocol):
    """A model that a provider has now."""

    @property
    def id(self) -> str:
        """What is asked for."""

    @property
    def name(self) -> str:
        """What people call it."""


class ModelProvider(Protocol):
    """What the engine must know of a provider of models."""

    @property
    def name(self) -> str:
        """What sessions call it."""

    @property
    def models(self) -> tuple[str, ...]:
        """What can be chosen, the default first."""

    @property
    def is_scripted(self) -> bool:
        """Whether it plays a script instead of asking a model."""

    async def list_models(self) -> Sequence[ModelChoice]:
        """Return the models that it has now.

        Raises:
            LotError: it cannot be asked.
        """

    def readiness(self) -> str | None:
        """Return why it cannot be used, with the next step; None when it can."""


class Images(Protocol):
    """The images that sandboxes are made of, beside the default one."""

    async def fetch(self, source: ImageSource) -> FetchedImage:
        """Bring an image here, unless it is here.

        Raises:
            LotError: it cannot be had, or nothing can make it fit.
        """

    async def take_in(self, archive: Path, made_from: str) -> FetchedImage:
        """Unpack what a build left; raises as `fetch` does."""

    async def hand_over(self, source: ImageSource, archive: Path) -> None:
        """Write an image into a new file, for a build; raises as `fetch` does."""

    def environment(self, image_id: str) -> Mapping[str, str]:
        """Return what an image, perhaps the default one, gives its programs.

        Raises:
            LotError: the image is gone.
        """

    async def release(self, used: Collection[str]) -> Sequence[Path]:
        """Remove what nobody but this installation used and it uses no more; return the folders."""


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
    forge_of: Callable[[Project], Awaitable[Forge]]
    hosts: GitHosts
    get_provider: Callable[[str], ModelProvider]
    """Returns a provider by its name, or raises `InvalidInputError`."""
    list_providers: Callable[[], Sequence[ModelProvider]]
    available_memory: Callable[[], int]
    """Returns the host's memory that is free for use, in bytes."""
    browser: CommandOrder
    """Puts a browser into the snapshot of a project with browser verification; may be repeated."""
    find_base_image: Callable[[], str]
    """The id of the base image of projects that name no image; images are built on it."""
    measure_layer: Callable[[Path], LayerMeasure]
    """Reads a layer wholly; blocking."""
    prove_image: Callable[[Path], int]
    """Reads a memory image wholly and returns its size, or raises `ImageDamagedError`; blocking."""
    images: Images
    image_build: Callable[[ImageBuild], CommandOrder]
    """Returns the command that builds an image in a sandbox of the base image."""
