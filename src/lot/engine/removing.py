"""Removing folders of the host's disk that may be gone already."""

import contextlib
import shutil


def remove_folder(path: str) -> None:
    """Remove a folder with all it holds; nothing happens when there is none."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
