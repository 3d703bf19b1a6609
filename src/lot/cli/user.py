"""`lot user`: who may sign in. `lot sign-in-link --new` lets somebody further in."""

from typing import Annotated

import typer

from lot.api.schemas.sign_in import ListedUserBody, UserChanges
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import ago, out, plain, print_json, table

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Who may sign in: list, rename, remove.")

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Name or id.", show_default=False)]


@app.command("list")
def list_users(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the users, how they sign in, and when they were last seen."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        users = client.list_users()
    if shared.as_json:
        return print_json(users)
    if not users:
        return out.print("No users yet. Next step: `lot sign-in-link`")
    grid = table("NAME", "ID", "SIGNS IN BY", "LAST SEEN", "SINCE")
    for user in users:
        seen = ago(user.last_seen_at) if user.last_seen_at else "signed in nowhere"
        grid.add_row(plain(user.name), user.id, _ways_in(user), seen, ago(user.created_at))
    return out.print(grid)


@app.command()
def rename(
    ctx: typer.Context,
    user: UserArgument,
    name: Annotated[str, typer.Argument(help="What they sign in with from then on.", show_default=False)],
    as_json: JsonFlag = False,
) -> None:
    """Give a user another name; they stay signed in."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(UserChanges, name=name)
    with connect(ctx) as client:
        renamed = client.rename_user(user, wanted.name)
    if shared.as_json:
        print_json(renamed)
    else:
        out.print(f"{plain(user)} is now {plain(renamed.name)}")


@app.command()
def remove(ctx: typer.Context, user: UserArgument, as_json: JsonFlag = False) -> None:
    """Remove a user: their browsers, tokens, sockets, previews and links end at once, and all open invitations.

    Projects, sessions and what was written in them are everybody's and stay. The only user is not removed.
    """
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        client.remove_user(user)
    if shared.as_json:
        print_json({"removed": user})
    else:
        out.print(
            f"Removed {plain(user)}. Who signs in by an account elsewhere comes back as a new user, "
            "unless taken off its provider's `_ALLOW`"
        )


def _ways_in(user: ListedUserBody) -> str:
    ways = ["password"] if user.has_password else []
    return ", ".join([*ways, *(plain(provider) for provider in user.providers)]) or "link only"
