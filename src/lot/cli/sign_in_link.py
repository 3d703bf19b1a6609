"""`lot sign-in-link`: lets a browser in that has no password, or not the right one."""

from typing import Annotated

import typer

from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import out, plain, print_json


def sign_in_link(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Option("--user", help="Whom it lets in; by default the only user.")] = None,
    is_new: Annotated[bool, typer.Option("--new", help="Let in somebody who is no user yet.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print a link with which a browser signs in and may set a new password. Good once, for 24 hours.

    Only for who can read the data folder of the server: a forgotten password is replaced by it.
    """
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        link = client.make_sign_in_link(user, is_new=is_new)
    if shared.as_json:
        return print_json(link)
    whom = f"Signs {plain(link.user)} in" if link.user else "Makes a new user"
    out.print(f"{whom}, once, until {link.ends_at:%Y-%m-%d %H:%M} UTC:")
    return out.print(link.url, soft_wrap=True)
