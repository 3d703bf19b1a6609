"""Encryption at rest: how a value is sealed, and under which key.

Where keys come from is in `keys.py`; what is encrypted is whatever stands in a column of type `Sealed`.
"""

import base64
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lot.core.errors import InvalidInputError, UnavailableError

KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_BYTES = 4
_WITHOUT_KEY_ID = "1:"
"""How a value begins that was sealed before it named its key; each is then tried."""
_SCHEME = "2"
"""How a value begins now: `2:<key id>:`. It names how it was sealed, so that a later way can stand beside this one."""


class SecretBox:
    """Encrypts text with AES-256-GCM; each value is bound to its `context` and names its key.

    A ciphertext that was moved to another row does not open there. The first key seals; all of them open.
    """

    def __init__(self, *keys: bytes) -> None:
        """`keys` are the newest first."""
        wrong = [len(key) for key in keys if len(key) != KEY_BYTES]
        if wrong or not keys:
            raise InvalidInputError(f"a secret key has {KEY_BYTES} bytes, this one {wrong[0] if wrong else 0}")
        self._key = keys[0]
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    def derive(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for one purpose, such as signing; it tells nothing of the one it comes from."""
        return _derived(self._key, purpose)

    def encrypt(self, plain: str, context: str) -> str:
        """Return `plain` encrypted under the newest key, as ASCII text."""
        key_id = _key_id(self._key)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, plain.encode("utf-8", "surrogatepass"), context.encode())
        return f"{_SCHEME}:{key_id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def decrypt(self, stored: str, context: str) -> str:
        """Return what `encrypt` was given.

        Raises:
            UnavailableError: it was encrypted with another key or for another context, or was altered.
        """
        ciphers, text = self._ciphers_for(stored)
        for cipher in ciphers:
            try:
                sealed = base64.b64decode(text, validate=True)
                plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
            except (InvalidTag, ValueError):
                continue
            return plain.decode("utf-8", "surrogatepass")
        raise UnavailableError(
            f"the stored secret of {context} does not open with this installation's key; "
            "restore the secret.key (or LOT_SECRET_KEY) it was saved with, or enter the secret again"
        )

    def is_newest(self, stored: str) -> bool:
        """Return whether a value was sealed under the newest key."""
        return stored.startswith(f"{_SCHEME}:{_key_id(self._key)}:")

    def _ciphers_for(self, stored: str) -> tuple[list[AESGCM], str]:
        scheme, _, rest = stored.partition(":")
        if scheme == _SCHEME:
            key_id, _, text = rest.partition(":")
            return [self._ciphers[key_id]] if key_id in self._ciphers else [], text
        return list(self._ciphers.values()), stored.removeprefix(_WITHOUT_KEY_ID)


def _key_id(key: bytes) -> str:
    return _derived(key, "key id")[:_KEY_ID_BYTES].hex()


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"lot/{purpose}".encode(), "sha256")
