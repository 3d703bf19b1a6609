"""Where a project comes from, as it is typed."""

from pathlib import Path


def source_of(text: str) -> str:
    """Return a Git URL as it is, and a path of this machine made absolute."""
    path = Path(text).expanduser()
    is_path = text.startswith((".", "/", "~")) or path.is_dir()
    return str(path.resolve()) if is_path else text
