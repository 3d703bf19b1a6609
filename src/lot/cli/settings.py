"""`lot session model|mode|budget`: what a session works with from the next request on."""

from typing import Annotated, Literal

import typer

from lot.api.schemas.sessions import SessionBody, SessionChanges
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import out, plain, print_json
from lot.cli.session_show import spent_of
from lot.core.defaults import NO_EFFORT
from lot.core.errors import InvalidInputError

EffortOption = Annotated[
    Literal["low", "medium", "high", "xhigh", "max", "default"] | None,
    typer.Option(help="How hard the model is to think; default: as it does by itself."),
]
Mode = Literal["full", "edits", "ask", "plan"]
TokensOption = Annotated[int | None, typer.Option("--tokens", min=1, help="Input and output together.")]
UsdOption = Annotated[float | None, typer.Option("--usd", help="In US dollars, as far as prices are known.")]
NoneFlag = Annotated[bool, typer.Option("--none", help="Take both limits away.")]


def model(
    ctx: typer.Context,
    session: SessionArgument,
    model: Annotated[str, typer.Argument(help="One that `lot models` lists.", show_default=False)],
    effort: EffortOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Change the model, and how hard it thinks, from the next request on."""
    changes: dict[str, object] = {"model": model}
    if effort is not None:
        changes["effort"] = None if effort == NO_EFFORT else effort
    changed = _change(ctx, session, changes, as_json=as_json)
    if changed is not None:
        effort_note = f", effort {changed.effort}" if changed.effort else ""
        out.print(f"Session {changed.id} uses {plain(changed.model or 'the default model')}{effort_note}")


def mode(
    ctx: typer.Context,
    session: SessionArgument,
    mode: Annotated[
        Mode, typer.Argument(help="full: asks nothing; edits: asks before commands; ask; plan: reads only.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Change what the agent may do without asking."""
    changed = _change(ctx, session, {"mode": mode}, as_json=as_json)
    if changed is not None:
        out.print(f"Session {changed.id} is in mode {changed.mode}")


def budget(
    ctx: typer.Context,
    session: SessionArgument,
    tokens: TokensOption = None,
    usd: UsdOption = None,
    none: NoneFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Limit what a session may use of models; when it is used up, the session is paused."""
    changed = _change(ctx, session, budget_changes(tokens, usd, is_none=none), as_json=as_json)
    if changed is not None:
        out.print(f"Session {changed.id} has used {spent_of(changed) or 'nothing'}")


def budget_changes(tokens: int | None, usd: float | None, *, is_none: bool) -> dict[str, object]:
    """Return which limits are to be changed.

    Raises:
        InvalidInputError: none is named, or they are taken away and set at once.
    """
    given = {"budget_tokens": tokens, "budget_usd": usd}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if is_none == bool(changes):
        raise InvalidInputError("Which limit? Next step: --tokens N, --usd X, or --none")
    return dict.fromkeys(given) if is_none else changes


def _change(ctx: typer.Context, session: str, changes: dict[str, object], *, as_json: bool) -> SessionBody | None:
    """Change a session; return it where it is to be shown to a person."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(SessionChanges, **changes)
    with connect(ctx) as client:
        changed = client.change_session(find_session(client, session).id, wanted)
    if shared.as_json:
        print_json(changed)
        return None
    return changed
