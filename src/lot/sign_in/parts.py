"""What the files of this folder share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lot.core.errors import InvalidInputError
from lot.sign_in.attempts import Attempts
from lot.sign_in.passwords import Passwords
from lot.sign_in.revocation import Revocations
from lot.store.store import Store

MIN_PASSWORD = 8
MAX_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that sign-in plays."""

    store: Store
    now: Callable[[], datetime]
    revocations: Revocations
    attempts: Attempts
    passwords: Passwords

    async def hash_new(self, password: str) -> str:
        """Return what is stored of a new password.

        Raises:
            InvalidInputError: it is too short or too long.
        """
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InvalidInputError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        return await self.passwords.hash(password)


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of a browser that signs in."""

    address: str
    user_agent: str
