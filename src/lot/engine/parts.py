"""What the engine is made of; built once by `compose.py` and handed to every file here."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from lot.broker.mirror import Mirrors
from lot.broker.passes import Passes
from lot.config import Settings
from lot.core.credentials import CredentialKind, ModelKey
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

    @property
    def base_url(self) -> str:
        """Where it is asked."""

    @property
    def needs_credential(self) -> bool:
        """Whether it is asked with a key."""

    @property
    def key_kind(self) -> CredentialKind | None:
        """What kind of key it is asked with; None: there is none."""

    @property
    def key_origin(self) -> Literal["environment", "stored"] | None:
        """Where its key was set; the environment's cannot be changed while Lot runs."""

    async def list_models(self) -> Sequence[ModelChoice]:
        """Return the models that it has now.

        Raises:
            LotError: it cannot be asked.
        """

    def readiness(self) -> str | None:
        """Return why it cannot be used, with the next step; None when it can."""


class ModelAccess(Protocol):
    """What providers of models are asked with."""

    async def check_key(self, name: str, key: ModelKey) -> None:
        """Do nothing when a key may be used for a provider.

        Raises:
            KeyRefusedError: the provider does not know it.
            CallerError: the provider takes no key, or the environment has set one.
        """

    def use_key(self, name: str, key: ModelKey | None) -> None:
        """Ask a provider with a key from the next request on; None: as the environment has it.

        Raises:
            CallerError: the provider takes no key, or the environment has set one.
        """


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
    model_access: ModelAccess
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
