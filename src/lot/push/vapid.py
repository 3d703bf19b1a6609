"""Who Lot is to push services: one key pair of the installation, by which browsers bind their subscriptions to it.

RFC 8292. The private key is sealed in the store; the public one is what a browser subscribes with.
"""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.jwk import ECKey

from lot.push.encryption import pack, point
from lot.store.store import Store

SECRET_NAME = "push/vapid"
TOKEN_LASTS = timedelta(hours=12)
"""Push services take tokens of a day at most."""


class Vapid:
    """A key pair that signs what is sent."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._signer = ECKey.import_key(_pem(key))

    @property
    def public_key(self) -> str:
        """What a browser is given to subscribe with: base64url of the uncompressed point."""
        return pack(point(self._key.public_key()))

    def authorization(self, audience: str, subject: str | None, now: datetime) -> str:
        """Return the header `Authorization` of a request.

        Args:
            audience: The origin of the push service.
            subject: Where its operators can write to: `mailto:` or `https:`.
        """
        claims = {"aud": audience, "exp": int((now + TOKEN_LASTS).timestamp())}
        if subject is not None:
            claims["sub"] = subject
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._signer)
        return f"vapid t={token}, k={self.public_key}"


class VapidKeys:
    """The installation's key pair, made when it is first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._vapid: Vapid | None = None

    async def get(self) -> Vapid:
        """Return the key pair.

        Raises:
            UnavailableError: the stored one does not open with this installation's key.
        """
        if self._vapid is None:
            fresh = _pem(ec.generate_private_key(ec.SECP256R1()))
            stored = await self._store.ensure_secret(SECRET_NAME, fresh)
            key = load_pem_private_key(stored.encode(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._vapid = Vapid(key)
        return self._vapid


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
