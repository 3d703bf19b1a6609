"""Reading the `.env` file that a command names."""

import sys
from pathlib import Path

from lot.core.environment import parse_dotenv
from lot.core.errors import InvalidInputError

STDIN = Path("-")


def read_env_file(path: Path) -> dict[str, str]:
    """Return what a `.env` file sets.

    Raises:
        InvalidInputError: it cannot be read, or a line is not `NAME=value`; its number is named, its content is not.
    """
    return parse_dotenv(read_env_text(path), str(path))


def read_env_text(path: Path) -> str:
    """Return the text of a `.env` file, or of standard input where it is called `-`.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        return (sys.stdin.buffer.read() if path == STDIN else path.read_bytes()).decode()
    except UnicodeDecodeError:
        # `from None`: the library's message shows a piece of the content.
        raise InvalidInputError(f"{path} cannot be read: it is not in UTF-8. Next step: save it as UTF-8") from None
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error}. Next step: name a .env file in UTF-8") from error
