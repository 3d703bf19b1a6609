"""What makes a notice readable by one browser alone: RFC 8291 over RFC 8188, in a single record.

The libraries for it bring an HTTP client of their own or are not kept up; the steps below are the RFC's own, over
`cryptography`, and the tests have its example come out byte for byte.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lot.core.errors import InvalidInputError
from lot.core.push import PushSubscription

MAX_PLAIN_BYTES = 3993
"""What every push service takes once it is encrypted (RFC 8291, section 4)."""
_RECORD_BYTES = 4096
_AUTH_BYTES = _SALT_BYTES = 16
_LAST_RECORD = b"\x02"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is to read: a browser's public key, and the secret that it shares with us."""

    key: ec.EllipticCurvePublicKey
    auth: bytes

    @classmethod
    def of(cls, subscription: PushSubscription) -> "Receiver":
        """Return the browser of a subscription.

        Raises:
            InvalidInputError: its keys are none.
        """
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpack(subscription.p256dh))
            auth = unpack(subscription.auth)
        except (ValueError, binascii.Error) as error:
            raise InvalidInputError("the browser's key is no point of P-256 in base64url") from error
        if len(auth) != _AUTH_BYTES:
            raise InvalidInputError(f"the browser's secret has {_AUTH_BYTES} bytes, this one {len(auth)}")
        return cls(key, auth)


def encrypt(
    plain: bytes, receiver: Receiver, *, sender: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """Return a body of the content coding `aes128gcm` that the receiver alone can read.

    Args:
        plain: At most `MAX_PLAIN_BYTES`.
        sender, salt: Fresh for each message, which is the default; given to repeat an example.
    """
    if len(plain) > MAX_PLAIN_BYTES:
        raise ValueError(f"a notice has at most {MAX_PLAIN_BYTES} bytes, this one {len(plain)}")
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    theirs, ours = point(receiver.key), point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), receiver.key)
    secret = _derived(shared, receiver.auth, b"WebPush: info\0" + theirs + ours, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return head + AESGCM(key).encrypt(nonce, plain + _LAST_RECORD, None)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as browsers write it: 65 bytes, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def pack(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unpack(text: str) -> bytes:
    """Return what `pack` was given.

    Raises:
        ValueError: it is something else.
    """
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _derived(secret: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=purpose).derive(secret)
