"""What runs beside a project's dev server, from the options of `lot project create` and `lot project set`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lot.core.errors import InvalidInputError
from lot.core.procfile import WEB, parse_procfile


def dev_and_beside(dev: str | None, given: Sequence[str], procfile: Path | None) -> tuple[str | None, dict[str, str]]:
    """Return the dev command, and what runs beside it by name.

    Args:
        dev: Takes the place of the Procfile's `web`.
        given: `NAME=COMMAND` each; takes the place of what the Procfile names so.

    Raises:
        InvalidInputError: one has no name, or the Procfile cannot be read.
    """
    beside = _read(procfile) if procfile else {}
    web = beside.pop(WEB, None)
    return dev or web, beside | _named(given)


def changed_beside(present: Mapping[str, str], given: Sequence[str]) -> dict[str, str]:
    """Return what is to run beside the dev server from now on, each in its place and new ones at the end.

    Args:
        given: `NAME=COMMAND` each; nothing after the sign takes the process away.

    Raises:
        InvalidInputError: one has no name, or one that is to go is not there.
    """
    wanted = _named(given)
    unknown = [name for name, command in wanted.items() if not command and name not in present]
    if unknown:
        known = ", ".join(present) or "none"
        raise InvalidInputError(f"there is no process {unknown[0]} to take away; the project's are: {known}")
    return {name: command for name, command in {**present, **wanted}.items() if command}


def _named(given: Sequence[str]) -> dict[str, str]:
    named = {}
    for each in given:
        name, equals, command = each.partition("=")
        if not equals:
            raise InvalidInputError(f"--process {each!r} has no name. Next step: --process NAME='COMMAND'")
        named[name.strip()] = command.strip()
    return named


def _read(path: Path) -> dict[str, str]:
    try:
        return parse_procfile(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}. Next step: name a Procfile in UTF-8") from error
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}, {error}. Next step: mend that line") from error
