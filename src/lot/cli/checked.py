"""Request bodies made from a command's arguments, refused here with the schema's own reason."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lot.core.errors import InvalidInputError

_Body = TypeVar("_Body", bound=BaseModel)


def checked(body: type[_Body], /, **values: Any) -> _Body:
    """Return a request body.

    Raises:
        InvalidInputError: a value is not acceptable; it is named, but not repeated, for it may be secret.
    """
    try:
        return body(**values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InvalidInputError(f"{wrong}. Next step: `--help` shows what is accepted") from None
