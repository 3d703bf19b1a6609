"""Where the keys of encryption at rest come from: the settings, else a file in the data folder; the newest first."""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lot.config import Settings
from lot.core.errors import InvalidInputError, SetupError, UnavailableError
from lot.store.secrets import KEY_BYTES, SecretBox

KEY_FILE = "secret.key"


@contextmanager
def keys_in_use(data_dir: Path, *, alone: bool = False) -> Iterator[None]:
    """Keep the keys of a data folder from being changed for the length of the block; `alone`: to change them.

    Raises:
        UnavailableError: somebody uses them, or is changing them.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            busy = "a server runs on it. Next step: stop `lot up`" if alone else "its keys are being changed; try again"
            raise UnavailableError(f"{data_dir}: {busy}") from error
        yield
    finally:
        os.close(descriptor)


def load_box(settings: Settings) -> SecretBox:
    """Return what seals and opens the secrets of an installation; its key file is made on first use.

    Raises:
        InvalidInputError: a key of the settings is not base64 of 32 bytes.
        SetupError: the key file is damaged or others can read it.
    """
    return SecretBox(*load_keys(settings))


def load_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the keys of an installation, the newest first; raises as `load_box` does.

    There are several while they are being changed: the others only open what the newest has not yet sealed.
    """
    if settings.secret_key is None:
        present = _ensure_key_file(settings.data_dir / KEY_FILE)
    else:
        present = (_decode_key(settings.secret_key.get_secret_value()),)
    old = settings.secret_key_old.get_secret_value() if settings.secret_key_old is not None else ""
    return (*present, *(_decode_key(text) for text in old.split(",") if text.strip()))


def make_key() -> bytes:
    """Return a fresh key."""
    return secrets.token_bytes(KEY_BYTES)


def write_keys(data_dir: Path, keys: Sequence[bytes]) -> None:
    """Put other keys into the key file, the newest first; a power cut leaves all of the old or all of the new ones."""
    path = data_dir / KEY_FILE
    draft = _draft(path, keys)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(data_dir)


def _decode_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except ValueError:
        # `from None`: no piece of the key reaches a log with the library's message.
        raise InvalidInputError("the secret key is not base64") from None
    return key


def _ensure_key_file(path: Path) -> tuple[bytes, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _create_key_file(path)
    if path.stat().st_mode & 0o077:
        raise SetupError(f"{path} can be read by others; change the key, or run: chmod 600 {path}")
    try:
        keys = tuple(_decode_key(line) for line in path.read_text("ascii").splitlines())
    except (InvalidInputError, UnicodeDecodeError):
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise SetupError(f"{path} does not hold a key; restore it, stored secrets open with no other")
    return keys


def _create_key_file(path: Path) -> None:
    """Write a fresh key; when two processes do so at once, both end up with the same file."""
    draft = _draft(path, [make_key()])
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _draft(path: Path, keys: Sequence[bytes]) -> Path:
    """Write keys to a file of another name, for their owner alone."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
