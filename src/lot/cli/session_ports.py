"""`lot session ports`: what listens in a session's sandbox, and where each is seen."""

import typer
from rich.text import Text

from lot.api.schemas.sessions import PortBody
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import err, out, plain, print_json


def ports(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """List the ports on which something listens in the sandbox, each with the link to its preview."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        seen = client.list_ports(found.id)
    if shared.as_json:
        return print_json(seen)
    if seen.reason:
        return err.print(Text(plain(seen.reason)))
    if not seen.ports:
        return out.print("Nothing listens in the sandbox")
    for port in seen.ports:
        out.print(Text.assemble((f"{port.port:<6}", "bold"), plain(described(port))), soft_wrap=True)
        # On a line of its own and never broken: it is there to be copied.
        out.print(Text(f"      {port.sign_in_url}", style="dim"), soft_wrap=True)
    return None


def described(port: PortBody) -> str:
    """Return a port's name and who holds it."""
    held = ", ".join(part for part in (port.process, port.command, f"pid {port.pid}" if port.pid else None) if part)
    return f"{port.name or 'unknown'}{' (the app)' if port.is_main else ''}  {held}  on {', '.join(port.addresses)}"
