"""Encryption at rest, and where its key comes from.

What is encrypted is decided by the callers: environment values of projects and providers' credentials.
"""

import base64
import hmac
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lot.config import Settings
from lot.core.errors import InvalidInputError, SetupError, UnavailableError

KEY_BYTES = 32
KEY_FILE = "secret.key"
_NONCE_BYTES = 12
_SCHEME = "1:"
"""Names how a value was encrypted, so that a later way can stand beside this one."""


class SecretBox:
    """Encrypts text with AES-256-GCM under one key; each value is bound to its `context`.

    A ciphertext that was moved to another row does not open there.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise InvalidInputError(f"a secret key has {KEY_BYTES} bytes, this one {len(key)}")
        self._cipher = AESGCM(key)
        self._key = key

    def derive(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for one purpose, such as signing; it tells nothing of this one."""
        return hmac.digest(self._key, f"lot/{purpose}".encode(), "sha256")

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Take the key from the settings, else from `data_dir/secret.key`, which is made on first use.

        Raises:
            InvalidInputError: the key of the settings is not base64 of 32 bytes.
            SetupError: the key file is damaged or others can read it.
        """
        if settings.secret_key is not None:
            return cls(_decode_key(settings.secret_key.get_secret_value()))
        return cls(_ensure_key_file(settings.data_dir / KEY_FILE))

    def encrypt(self, plain: str, context: str) -> str:
        """Return `plain` encrypted, as ASCII text."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain.encode("utf-8", "surrogatepass"), context.encode())
        return _SCHEME + base64.b64encode(nonce + sealed).decode("ascii")

    def decrypt(self, stored: str, context: str) -> str:
        """Return what `encrypt` was given.

        Raises:
            UnavailableError: it was encrypted with another key or for another context, or was altered.
        """
        try:
            sealed = base64.b64decode(stored.removeprefix(_SCHEME), validate=True)
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise UnavailableError(
                f"the stored secret of {context} does not open with this installation's key; "
                f"restore the {KEY_FILE} (or LOT_SECRET_KEY) it was saved with, or enter the secret again"
            ) from error
        return plain.decode("utf-8", "surrogatepass")


def _decode_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except ValueError:
        # `from None`: no piece of the key reaches a log with the library's message.
        raise InvalidInputError("the secret key is not base64") from None
    return key


def _ensure_key_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _create_key_file(path)
    if path.stat().st_mode & 0o077:
        raise SetupError(f"{path} can be read by others; change the key, or run: chmod 600 {path}")
    try:
        key = _decode_key(path.read_text("ascii"))
    except (InvalidInputError, UnicodeDecodeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(f"{path} does not hold a key; restore it, stored secrets open with no other")
    return key


def _create_key_file(path: Path) -> None:
    """Write a fresh key; when two processes do so at once, both end up with the same file."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
