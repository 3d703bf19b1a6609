"""Where the image of a project's sandboxes comes from, as its user writes it, and what was seen of it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from lot.core.errors import ImageUnfitError, InvalidInputError

DEFAULT_DOCKERFILE = "Dockerfile"


class ImageKind(StrEnum):
    """What an image is made from."""

    OCI = "oci"
    """A folder with an OCI image layout."""
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    """What `docker save` writes."""
    REGISTRY = "docker"
    DOCKERFILE = "dockerfile"
    """A file of the repository, built."""
    DEVCONTAINER = "devcontainer"
    """What the repository's devcontainer.json names."""


BUILT = frozenset({ImageKind.DOCKERFILE, ImageKind.DEVCONTAINER})
"""Made from the repository's own words, so made in a sandbox."""

FORMS = "oci:/path[:tag], oci-archive:/path, docker-archive:/path, docker://name[:tag], dockerfile[:path], devcontainer"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_REGISTRY_NAME = re.compile(
    r"([a-z0-9][A-Za-z0-9.-]{0,253}(:\d{1,5})?/)?"  # a host; without one, that of the tool's own configuration
    r"[a-z0-9][a-z0-9._-]{0,127}(/[a-z0-9][a-z0-9._-]{0,127}){0,8}"
    rf"(:{_TAG})?(@sha256:[0-9a-f]{{64}})?"
)


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One image: `reference` is a path on the server's machine, a registry's name, or a path in the repository."""

    kind: ImageKind
    reference: str = ""

    def __str__(self) -> str:
        """Return it as its user writes it."""
        if self.kind is ImageKind.REGISTRY:
            return f"docker://{self.reference}"
        return f"{self.kind}:{self.reference}" if self.reference else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedImage:
    """An image that was unpacked and looked at; kept only when it lacks nothing."""

    image_id: str
    system: str
    """What it calls its system."""
    missing: tuple[str, ...] = ()
    """What a sandbox needs and it lacks, as names of Debian packages."""
    can_be_completed: bool = False
    """Whether its own package manager can add that."""

    def require_complete(self) -> None:
        """Refuse an image that lacks something.

        Raises:
            ImageUnfitError: with what to add.
        """
        if self.missing:
            names = " ".join(self.missing)
            raise ImageUnfitError(
                f"the image ({self.system}) lacks {', '.join(self.missing)}, which Lot needs in a sandbox; add them "
                f"in its Dockerfile, on Debian and Ubuntu with `RUN apt-get update && apt-get install -y {names}`"
            )


def read_image_source(text: str) -> ImageSource:
    """Return what a user wrote as a source.

    Raises:
        InvalidInputError: it has none of the forms that Lot knows.
    """
    word, _, rest = text.partition(":")
    try:
        kind = ImageKind(word)
    except ValueError:
        raise InvalidInputError(f"image {text!r} is unknown; use one of {FORMS}") from None
    if any(not character.isprintable() for character in text):
        raise InvalidInputError(f"image {text!r} has characters that no name has")
    if kind is ImageKind.REGISTRY:
        return ImageSource(kind, read_registry_name(rest.removeprefix("//")))
    if kind is ImageKind.DOCKERFILE:
        return ImageSource(kind, inside_repository(rest or DEFAULT_DOCKERFILE))
    if kind is ImageKind.DEVCONTAINER:
        if rest:
            raise InvalidInputError(f"image {text!r}: `devcontainer` takes nothing; its file is found by its name")
        return ImageSource(kind)
    return ImageSource(kind, _path(kind, rest))


def read_registry_name(name: str) -> str:
    """Return the name of an image in a registry.

    Raises:
        InvalidInputError: it is none.
    """
    if not _REGISTRY_NAME.fullmatch(name):
        raise InvalidInputError(f"{name[:200]!r} is no image of a registry; write it as in `docker pull`")
    return name


def inside_repository(path: str) -> str:
    """Return a path relative to the repository, without `.` and `..`.

    Raises:
        InvalidInputError: it leads out of the repository, or is empty.
    """
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts:
            parts.pop()
        elif part in ("..", "/") or "\0" in part:
            raise InvalidInputError(f"{path!r} is not in the repository; name a path relative to its root")
        else:
            parts.append(part)
    return "/".join(parts)


def _path(kind: ImageKind, rest: str) -> str:
    if not rest.startswith("/"):
        raise InvalidInputError(f"image {kind}:{rest}: give an absolute path on the server's machine")
    if kind is not ImageKind.OCI and ":" in rest:
        raise InvalidInputError(f"image {kind}:{rest}: no path with a colon can be given to the tool that reads it")
    if kind is ImageKind.OCI and not re.fullmatch(rf"[^:]+(:{_TAG})?", rest):
        raise InvalidInputError(f"image {kind}:{rest}: write oci:/path or oci:/path:tag")
    return rest
