"""The operator's token: whoever can read the file that it is kept in runs this installation."""

import os
import secrets
from pathlib import Path

TOKEN_FILE = "api-token"


def load_token(data_dir: Path) -> str:
    """Return the API token of an installation; made at first use, in a file of mode 0600."""
    path = data_dir / TOKEN_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token
