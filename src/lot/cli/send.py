"""`lot session send`: give a session a message, and follow the turn to its end if wanted."""

import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from lot.api.schemas.sessions import EventBody, NewMessage
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import err, out, plain, print_json, say_if_scripted
from lot.cli.transcript import Transcript, print_event
from lot.client.attachments import read_attachments
from lot.client.turn import follow_turn
from lot.core import events as e
from lot.core.errors import AgentError, InvalidInputError

AttachOption = Annotated[
    list[Path] | None,
    typer.Option("--attach", "-a", help="A file: images up to 5 MiB, anything else up to 10 MiB; repeatable."),
]


def send(
    ctx: typer.Context,
    session: SessionArgument,
    text: Annotated[str, typer.Argument(help="The message; `-`, or nothing, reads it from standard input.")] = "-",
    attach: AttachOption = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Follow the turn to its end.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Send a message. A paused session wakes for it; a running turn is steered by it."""
    shared = common(ctx, as_json=as_json)
    message = new_message(read_message(text), attach)
    with connect(ctx) as client:
        found = find_session(client, session)
        if not shared.as_json:
            say_if_scripted(found.provider, is_scripted=found.is_scripted)
        sent = client.send_message(found.id, message)
        if not wait:
            if shared.as_json:
                print_json(sent)
            else:
                out.print(f"Sent ({sent.delivery}). Next step: `lot session watch {found.id}`")
            return
        last: EventBody | None = None
        transcript = Transcript()
        for last in follow_turn(client, found.id, message.id, found.events):
            if not shared.as_json:
                print_event(out, last, transcript)
    if last is not None:
        _finish(last, message.id, as_json=shared.as_json)
        if not shared.as_json and _is_asking(last):
            out.print(f"Next step: `lot session answer {found.id}`, or answer in `lot session watch {found.id}`")


def new_message(text: str, attach: list[Path] | None = None) -> NewMessage:
    """Return a message with the files that are attached to it.

    Raises:
        InvalidInputError: a file cannot be attached.
    """
    return checked(NewMessage, id=str(uuid.uuid4()), text=text, attachments=read_attachments(attach or []))


def read_message(text: str) -> str:
    """Return the text itself, or standard input for `-`.

    Raises:
        InvalidInputError: there is no text.
    """
    if text == "-":
        if sys.stdin.isatty():
            err.print("Type the message; end it with Ctrl-D", style="dim")
        text = sys.stdin.buffer.read().decode(errors="replace")
    if not text.strip():
        raise InvalidInputError("The message is empty. Next step: give it as an argument or on standard input")
    return text


def _finish(last: EventBody, message_id: str, *, as_json: bool) -> None:
    """Report how the turn ended.

    Raises:
        AgentError: it failed.
    """
    if as_json:
        print_json({"message_id": message_id, "number": last.number, "event": last.event})
    event = e.EVENT.validate_python(last.event)
    if isinstance(event, e.TurnFailed | e.StateChanged) and not _is_asking(last):
        raise AgentError(f"The turn failed: {plain(event.reason or 'no reason was given')}. Send again to try again")


def _is_asking(last: EventBody) -> bool:
    return last.event.get("label") == "Waiting for user"
