"""Files that come with a message: pictures and PDFs as the model sees them, and all of them as files in the sandbox."""

import base64
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from lot.core.ids import MessageId
from lot.core.media_types import media_type_of
from lot.core.records import Attachment
from lot.sandbox.link import GuestLink

MAX_IMAGE_BYTES = 3_750_000
"""Of a picture: the Messages API takes 5 MB of base64. A larger one is only a file."""
MAX_PDF_BYTES = 24_000_000
"""Of a document: the Messages API takes requests of 32 MB."""


async def put(
    link: GuestLink, message: MessageId, attachments: Sequence[Attachment], home: PurePosixPath, user: str
) -> tuple[PurePosixPath, ...]:
    """Write the files of a message into the sandbox, where the agent finds them; repeatable."""
    folder = home / "attachments" / message
    paths: list[PurePosixPath] = []
    for number, attachment in enumerate(attachments):
        taken = {path.name for path in paths}
        name = attachment.name if attachment.name not in taken else f"{number}-{attachment.name}"
        await link.write_file(folder / name, attachment.data, user=user)
        paths.append(folder / name)
    return tuple(paths)


def content(text: str, attachments: Sequence[Attachment], paths: Sequence[PurePosixPath]) -> str | list[dict[str, Any]]:
    """Return a message's content: its text alone, or blocks with what the model can be shown first."""
    if not attachments:
        return text
    blocks = [block for attachment in attachments if (block := _block(attachment.data)) is not None]
    named = "\n".join(f"- {path}" for path in paths)
    words = f"{text}\n\nAttached files:\n{named}".lstrip()
    return [*blocks, {"type": "text", "text": words}]


def _block(data: bytes) -> dict[str, Any] | None:
    kind = media_type_of(data)
    is_document = kind == "application/pdf"
    if kind is None or len(data) > (MAX_PDF_BYTES if is_document else MAX_IMAGE_BYTES):
        return None
    source = {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}
    return {"type": "document" if is_document else "image", "source": source}
