"""`lot session new`: starts a session and shows how it comes up."""

from typing import Annotated

import typer

from lot.api.schemas.sessions import NewSession, SessionBody
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import SCRIPTED, err, out, plain, print_json, say_if_scripted
from lot.cli.send import AttachOption, new_message, read_message
from lot.cli.session_show import print_session
from lot.cli.settings import EffortOption, Mode
from lot.cli.transcript import print_event
from lot.client.client import LotClient
from lot.client.follow import follow
from lot.core import events as e
from lot.core.errors import BootFailedError, InvalidInputError


def new(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Name or id.", show_default=False)],
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="First message; `-` reads it from standard input.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="By default made from the first message.")] = None,
    provider: Annotated[
        str | None, typer.Option(help=f"anthropic, or rehearsal ({SCRIPTED}); by default the server's.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="One of `lot models`; by default, as all of these, what `lot settings` shows.")
    ] = None,
    effort: EffortOption = None,
    mode: Annotated[Mode | None, typer.Option(help="What the agent may do without asking.")] = None,
    program: Annotated[
        str, typer.Option(help="claude, or acp: and the command that starts another agent in the sandbox.")
    ] = "claude",
    budget_tokens: Annotated[int | None, typer.Option(min=1, help="Input and output together.")] = None,
    budget_usd: Annotated[float | None, typer.Option(help="In US dollars.")] = None,
    attach: AttachOption = None,
    size: Annotated[str | None, typer.Option(help="By default the project's.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return at once, while it starts.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start a session on a project and wait until it is up."""
    shared = common(ctx, as_json=as_json)
    if attach and not message:
        raise InvalidInputError("Files come with a message. Next step: add -m TEXT")
    wanted = checked(
        NewSession,
        project=project,
        title=title,
        message=new_message(read_message(message), attach) if message else None,
        size=size,
        provider=provider,
        model=model,
        effort=effort,
        mode=mode,
        program=program,
        budget_tokens=budget_tokens,
        budget_usd=budget_usd,
    )
    with connect(ctx) as client:
        session = client.create_session(wanted)
        if not shared.as_json:
            say_if_scripted(session.provider, is_scripted=session.is_scripted)
            err.print(f"Session {session.id} starts")
        if not no_wait:
            session = _wait_until_up(client, session, is_shown=not shared.as_json)
    if shared.as_json:
        print_json(session)
    else:
        print_session(session)
        out.print(f"Next step: `lot session watch {session.id}`")


def _wait_until_up(client: LotClient, session: SessionBody, *, is_shown: bool) -> SessionBody:
    """Show the steps of a start until it has ended.

    Raises:
        BootFailedError: it did not come up, with the reason.
    """
    for body in follow(client, session.id):
        if is_shown:
            print_event(err, body)
        event = e.EVENT.validate_python(body.event)
        if isinstance(event, e.StateChanged) and event.label != "Starting":
            if event.label == "Errored":
                raise BootFailedError(
                    f"Session {session.id} did not start: {plain(event.reason or 'no reason was given')}. "
                    f"Next step: `lot session logs {session.id}`; a message to it tries again"
                )
            break
    return client.get_session(session.id)
