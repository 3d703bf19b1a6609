"""Takes in files that come with a message: decoded, and refused where size, name or kind is not as it should be."""

import base64
import binascii
from collections.abc import Sequence

from lot.api.schemas.sessions import NewAttachment
from lot.core.errors import InvalidInputError, TooLargeError
from lot.core.media_types import media_type_of
from lot.core.records import Attachment

MAX_IMAGE_BYTES = 5 << 20
MAX_FILE_BYTES = 10 << 20
MAX_TOGETHER_BYTES = 16 << 20

_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""What model providers take."""


def take_in(given: Sequence[NewAttachment]) -> tuple[Attachment, ...]:
    """Return the files as they are to be kept.

    Raises:
        InvalidInputError: not base64, a name that is a path or comes twice, or content of another kind than stated.
        TooLargeError: one is too large, or all together are.
    """
    names = [file.name for file in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"two files are named {twice!r}: give each a name of its own")
    files = tuple(_decoded(file) for file in given)
    if sum(len(file.data) for file in files) > MAX_TOGETHER_BYTES:
        raise TooLargeError(f"the files of a message have at most {MAX_TOGETHER_BYTES >> 20} MiB together")
    return files


def _decoded(file: NewAttachment) -> Attachment:
    if file.name in (".", "..") or "/" in file.name:
        raise InvalidInputError(f"{file.name!r} is no file name")
    is_image = file.media_type.startswith("image/")
    limit = MAX_IMAGE_BYTES if is_image else MAX_FILE_BYTES
    if len(file.data) > (limit + 2) // 3 * 4:
        raise _too_large(file, limit, is_image)
    try:
        data = base64.b64decode(file.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"the file {file.name!r} is not base64: {error}") from error
    if len(data) > limit:
        raise _too_large(file, limit, is_image)
    if is_image and file.media_type not in _IMAGES:
        raise InvalidInputError(f"{file.media_type} is no image that models take; use {', '.join(sorted(_IMAGES))}")
    seen = media_type_of(data)
    if seen != file.media_type and (is_image or file.media_type == "application/pdf"):
        raise InvalidInputError(f"the file {file.name!r} is not {file.media_type} but {seen or 'something else'}")
    return Attachment(name=file.name, media_type=file.media_type, data=data)


def _too_large(file: NewAttachment, limit: int, is_image: bool) -> TooLargeError:
    kind = "an image" if is_image else "a file"
    return TooLargeError(f"{file.name!r} is too large: {kind} of a message has at most {limit >> 20} MiB")
