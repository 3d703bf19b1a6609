"""Reading a `.env` file into the environment of a new project."""

from pathlib import Path

from dotenv.parser import parse_stream

from lot.core.errors import InvalidInputError


def read_env_file(path: Path) -> dict[str, str]:
    """Return what a `.env` file sets; of a key that is set twice, the later value counts.

    Raises:
        InvalidInputError: it cannot be read, or a line is not `KEY=value`; its number is named, its content is not.
    """
    try:
        with path.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}. Next step: name a .env file in UTF-8") from error
    values: dict[str, str] = {}
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            raise InvalidInputError(
                f"{path}, line {binding.original.line}: not of the form KEY=value. Next step: mend that line"
            )
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values
