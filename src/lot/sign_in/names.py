"""What users may be called."""

import re

from lot.core.errors import InvalidInputError

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")


def checked_name(given: str) -> str:
    """Return a name as it is stored: in lower case, without spaces around it.

    Raises:
        InvalidInputError: it is unfit.
    """
    name = given.strip().lower()
    if not NAME.fullmatch(name):
        raise InvalidInputError("a user's name has 1 to 80 letters, digits and . _ @ + -, a letter or digit first")
    return name
