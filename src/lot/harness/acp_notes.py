"""What has been said to an ACP agent and what is yet to be said: kept in the sandbox beside the agent itself.

So the notes are as old as the program's memory and its disk, whichever way a sandbox comes back; and any runner can
go on where another one stopped. Notes are written before the words they tell of, with these words and the place in
the program's input where they belong: to write them again does nothing.
"""

from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lot.core.errors import NotFoundError, TooLargeError
from lot.core.records import AgentMode
from lot.harness.acp_settings import Offered, Setting
from lot.sandbox.link import GuestLink

MAX_NOTES_BYTES = 60 << 20
MAX_KNOWN = 2_000
"""Messages whose ids are remembered."""


class Waiting(BaseModel):
    """A message that waits for the running turn to end."""

    message: str
    blocks: list[dict[str, Any]]


class OpenAsk(BaseModel):
    """A request for permission that the agent has made."""

    request: int | str
    options: dict[str, str]
    """What kind of answer to its id; the first of each kind."""
    state: Literal["open", "closing"] = "open"
    """Closing: answered, and the agent has not said that it has read it."""


class Notes(BaseModel):
    """Of one run of an agent program."""

    model_config = ConfigDict(extra="ignore")
    run: int
    session: str | None = None
    """The agent's own name of the conversation, once it has one."""
    previous: str | None = None
    """Of the conversation that this run is to continue."""
    mode: AgentMode = AgentMode.FULL
    """In which the program was started."""
    has_spoken: bool = False
    """Whether a message was ever handed over in this conversation."""
    agent_name: str = ""
    can_take_images: bool = False
    offers: dict[Setting, Offered] = Field(default_factory=dict)
    running: str | None = None
    """The message whose turn runs."""
    is_stopping: bool = False
    """Whether that turn is to stop: what it asks now is withdrawn at once."""
    waiting: list[Waiting] = Field(default_factory=list)
    known: list[str] = Field(default_factory=list)
    asks: dict[str, OpenAsk] = Field(default_factory=dict)
    failure: str | None = None
    """Why the conversation did not begin."""
    read_to: int = 0
    """Everything that the agent said before this byte is in these notes."""
    input_at: int = 0
    """Where in the program's input `input` belongs."""
    input: str = ""
    """The last words."""


async def find_notes(link: GuestLink, path: PurePosixPath) -> Notes | None:
    """Return the notes in a sandbox; None when there are none that can be read."""
    try:
        return Notes.model_validate_json(await link.read_file(path, MAX_NOTES_BYTES))
    except (NotFoundError, TooLargeError, ValidationError, RecursionError):
        return None


async def keep_notes(link: GuestLink, path: PurePosixPath, notes: Notes, user: str) -> None:
    """Replace the notes in a sandbox.

    Raises:
        TooLargeError: too much waits to be said.
    """
    data = notes.model_dump_json().encode()
    if len(data) > MAX_NOTES_BYTES:
        raise TooLargeError("too many messages wait for the agent: let it finish, or stop it, and send them again")
    await link.write_file(path, data, mode=0o600, user=user)
