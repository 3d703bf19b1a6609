"""`lot account`: who Lot is at git hosts, and which repositories that may reach."""

from pathlib import Path
from typing import Annotated

import typer

from lot.api.schemas.git_accounts import GivenApp, NewGitAccount
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.given_secret import given_secret, read_secret
from lot.cli.output import ago, facts, out, plain, print_json, table

TOKEN_VARIABLE = "LOT_GIT_TOKEN"

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Accounts at git hosts, such as GitHub.")

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name or id.", show_default=False)]


@app.command("connect")
def connect_account(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help="Which git host: github.", show_default=False)],
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"Holds a token of yours; else it is taken from {TOKEN_VARIABLE} or standard input."),
    ] = None,
    app_id: Annotated[int | None, typer.Option(min=1, help="Of an app, instead of a token.")] = None,
    installation_id: Annotated[int | None, typer.Option(min=1, help="Where the app is installed.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="The app's private key, a PEM file.")] = None,
    url: Annotated[str | None, typer.Option(help="The host's address, where it is not the public one.")] = None,
    name: Annotated[
        str | None, typer.Option(help="By default your login; one that exists gets the new secret.")
    ] = None,
    author_name: Annotated[str | None, typer.Option(help="Of commits; by default as the host knows you.")] = None,
    author_email: Annotated[str | None, typer.Option(help="Of commits; by default as the host knows you.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Connect an account; the secret is stored encrypted, and nothing shows it again."""
    shared = common(ctx, as_json=as_json)
    is_app = app_id is not None or installation_id is not None or key_file is not None
    wanted = checked(
        NewGitAccount,
        kind=kind,
        url=url,
        name=name,
        token=None if is_app else given_secret("Token", token_file, "--token-file", TOKEN_VARIABLE),
        app_id=app_id,
        installation_id=installation_id,
        private_key=read_secret(key_file) if key_file else None,
        author_name=author_name,
        author_email=author_email,
    )
    with connect(ctx) as client:
        account = client.connect_git_account(wanted)
    if shared.as_json:
        return print_json(account)
    out.print(
        facts(
            [
                ("account", f"{account.name}  {account.id}"),
                ("host", account.url),
                ("login", account.login),
                ("commits of", f"{account.author_name} <{account.author_email}>"),
            ]
        )
    )
    return out.print(f"Next step: `lot account repositories {account.name}`")


@app.command()
def installations(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help="Which git host: github.", show_default=False)],
    app_id: Annotated[int, typer.Option(min=1, help="The app's id.")],
    key_file: Annotated[Path, typer.Option(help="The app's private key, a PEM file.")],
    url: Annotated[str | None, typer.Option(help="The host's address, where it is not the public one.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List where an app is installed, to connect one of these; nothing is stored."""
    shared = common(ctx, as_json=as_json)
    given = checked(GivenApp, kind=kind, url=url, app_id=app_id, private_key=read_secret(key_file))
    with connect(ctx) as client:
        found = client.list_installations(given)
    if shared.as_json:
        return print_json(found)
    if not found:
        return out.print("It is installed nowhere. Next step: install it at the host, from the app's page")
    grid = table("INSTALLATION", "ACCOUNT", "REPOSITORIES", "STATE")
    for each in found:
        granted = "all" if each.has_all_repositories else "chosen ones"
        grid.add_row(str(each.id), plain(each.account), granted, "suspended" if each.is_suspended else "")
    out.print(grid)
    return out.print(
        f"Next step: `lot account connect {kind} --app-id {app_id} --installation-id N --key-file {key_file}`"
    )


@app.command("list")
def list_accounts(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the accounts."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        accounts = client.list_git_accounts()
    if shared.as_json:
        return print_json(accounts)
    if not accounts:
        return out.print("No accounts yet. Next step: `lot account connect github`")
    grid = table("NAME", "LOGIN", "HOST", "PROJECTS", "CONNECTED")
    for account in accounts:
        grid.add_row(
            plain(account.name), plain(account.login), account.url, ", ".join(account.projects), ago(account.created_at)
        )
    return out.print(grid)


@app.command()
def repositories(ctx: typer.Context, account: AccountArgument, as_json: JsonFlag = False) -> None:
    """List the repositories that an account was granted."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = client.list_repositories(account)
    if shared.as_json:
        return print_json(found)
    if not found:
        return out.print("It was granted no repository. Next step: grant it some at the host")
    grid = table("REPOSITORY", "BRANCH", "RIGHTS")
    for each in found:
        rights = "write" if each.can_push else "read only"
        grid.add_row(plain(each.full_name), plain(each.default_branch), rights)
    out.print(grid)
    return out.print(f"Next step: `lot project create --account {account} OWNER/NAME`")


@app.command()
def remove(ctx: typer.Context, account: AccountArgument, as_json: JsonFlag = False) -> None:
    """Remove an account and its secret; refused while projects use it."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        client.remove_git_account(account)
    if shared.as_json:
        print_json({"removed": account})
    else:
        out.print(f"Removed {plain(account)}. Revoke its token at the host, if nothing else uses it")
