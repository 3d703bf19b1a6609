"""What every command shares: the server's address, the `--json` flag, and which session is meant."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lot.api.schemas.sessions import SessionBody
from lot.client.address import Address, find_token
from lot.client.client import LotClient
from lot.client.errors import RefusedError
from lot.config import Settings
from lot.core.errors import InvalidInputError, NotFoundError

LAST = "last"
_NOT_FOUND = 404

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
UrlOption = Annotated[
    str | None, typer.Option(envvar="LOT_URL", help="Address of the server; by default the one on this machine.")
]
DataDirOption = Annotated[
    Path | None, typer.Option(envvar="LOT_DATA_DIR", help="The server's data folder, where its token is read from.")
]
SessionArgument = Annotated[
    str, typer.Argument(metavar="SESSION", help="An id, the beginning of one, or `last`.", show_default=False)
]


@dataclass(slots=True)
class Common:
    """The options before the command."""

    url: str | None
    data_dir: Path | None
    token: str | None
    as_json: bool

    @property
    def address(self) -> Address:
        """The server that is meant."""
        settings = Settings()
        url = self.url or f"http://{settings.host}:{settings.port}"
        return Address(url.rstrip("/"), self.token or find_token(self.data_dir or settings.data_dir))


def common(ctx: typer.Context, *, as_json: bool = False) -> Common:
    """Return the shared options; `--json` counts before the command and after it."""
    found = ctx.find_object(Common)
    if found is None:
        raise RuntimeError("a command was run outside `lot`")
    found.as_json = found.as_json or as_json
    return found


def connect(ctx: typer.Context) -> LotClient:
    """Return a client of the server that is meant."""
    return LotClient(common(ctx).address)


def find_session(client: LotClient, wanted: str) -> SessionBody:
    """Return the session with this id, with an id that begins so, or the one created last.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: several ids begin so.
    """
    if wanted != LAST:
        try:
            return client.get_session(wanted)
        except RefusedError as error:
            if error.status != _NOT_FOUND:
                raise
    sessions = client.list_sessions()
    if wanted == LAST and sessions:
        return max(sessions, key=lambda session: session.created_at)
    if wanted == LAST:
        raise NotFoundError("There is no session yet. Next step: `lot session new <project>`")
    fitting = [session for session in sessions if session.id.startswith(wanted)]
    if not fitting:
        raise NotFoundError(f"There is no session {wanted}. Next step: `lot session list`")
    if len(fitting) > 1:
        ids = ", ".join(session.id for session in fitting)
        raise InvalidInputError(f"Several sessions begin with {wanted}: {ids}. Next step: type more of the id")
    return fitting[0]
