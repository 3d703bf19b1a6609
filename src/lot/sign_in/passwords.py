"""Passwords: Argon2id, in threads, few at a time because each takes 64 MiB and a core."""

import base64
import secrets

import anyio
from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._decoy = _decoy(self._hasher)

    async def hash(self, password: str) -> str:
        """Return what is stored of a password, in PHC form."""
        return await to_thread.run_sync(self._hasher.hash, _bytes(password), limiter=self._limiter)

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Return whether a password is the stored one; takes as long where there is none."""
        is_same = await to_thread.run_sync(self._is_same, stored or self._decoy, password, limiter=self._limiter)
        return is_same and stored is not None

    def _is_same(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def _decoy(hasher: PasswordHasher) -> str:
    """Return a hash that no password has, to be checked at the same cost as a real one."""
    salt, end = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${end}"


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
