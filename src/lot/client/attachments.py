"""Files of this machine as attachments of a message."""

import base64
import mimetypes
import re
from pathlib import Path

from lot.api.schemas.sessions import NewAttachment
from lot.core.errors import InvalidInputError
from lot.core.media_types import media_type_of

MAX_IMAGE_BYTES = 5 << 20
MAX_FILE_BYTES = 10 << 20
MAX_ATTACHMENTS = 10
UNKNOWN = "application/octet-stream"
SHOWN_TO_THE_MODEL = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")
"""Told by content, never by name: a model refuses what is not what it claims to be."""

_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_UNPRINTABLE = re.compile(r"[/\x00-\x1f]")


def read_attachments(paths: list[Path]) -> list[NewAttachment]:
    """Return files as attachments.

    Raises:
        InvalidInputError: one cannot be read or is too large, or there are too many.
    """
    if len(paths) > MAX_ATTACHMENTS:
        raise InvalidInputError(
            f"{len(paths)} files are attached, more than {MAX_ATTACHMENTS}. Next step: pack them into one"
        )
    return [read_attachment(path) for path in paths]


def read_attachment(path: Path) -> NewAttachment:
    """Return a file as an attachment, under the last part of its name.

    Raises:
        InvalidInputError: it cannot be read, or is larger than the server takes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be attached: {error.strerror}. Next step: check the name") from error
    kind = media_type(path.name, data)
    limit = MAX_IMAGE_BYTES if kind.startswith("image/") else MAX_FILE_BYTES
    if len(data) > limit:
        what = "an image" if limit == MAX_IMAGE_BYTES else "a file"
        raise InvalidInputError(
            f"{path} is larger than {limit >> 20} MiB, which is the most {what} may have. Next step: make it smaller, "
            "or put it into the repository"
        )
    name = _UNPRINTABLE.sub("_", path.name)[-200:] or "file"
    return NewAttachment(name=name, media_type=kind, data=base64.b64encode(data).decode())


def media_type(name: str, data: bytes) -> str:
    """Return what a file is: images and PDF by their content, anything else by its name."""
    by_content = media_type_of(data)
    if by_content is not None:
        return by_content
    guessed = (mimetypes.guess_type(name)[0] or UNKNOWN).lower()
    return UNKNOWN if guessed in SHOWN_TO_THE_MODEL or not _MEDIA_TYPE.fullmatch(guessed) else guessed
