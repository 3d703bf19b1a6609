"""`lot provider`: with which key a provider of models is asked. `lot models` says what they have."""

from pathlib import Path
from typing import Annotated

import typer

from lot.api.schemas.providers import NewProviderKey, ProviderBody
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.given_secret import given_secret
from lot.cli.output import out, plain, print_json, table

KEY_VARIABLE = "LOT_PROVIDER_KEY"

app = typer.Typer(add_completion=False, no_args_is_help=True, help="With which key a provider of models is asked.")

ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="Such as anthropic.", show_default=False)]


@app.command("connect")
def connect_provider(
    ctx: typer.Context,
    provider: ProviderArgument,
    key_file: Annotated[
        Path | None,
        typer.Option(help=f"Holds the key; else it is taken from {KEY_VARIABLE} or standard input."),
    ] = None,
    subscription: Annotated[bool, typer.Option("--subscription", help="It is a subscription token.")] = False,
    base_url: Annotated[str | None, typer.Option(help="Of whatever speaks the provider's API.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Store a provider's key, encrypted; sessions use it from their next request on, and nothing shows it again."""
    shared = common(ctx, as_json=as_json)
    wanted = checked(
        NewProviderKey,
        kind="auth_token" if subscription else "api_key",
        value=given_secret("Key", key_file, "--key-file", KEY_VARIABLE),
        base_url=base_url,
    )
    with connect(ctx) as client:
        stored = client.store_provider_key(provider, wanted)
    if shared.as_json:
        return print_json(stored)
    return out.print(f"{plain(stored.name)} is {_state(stored)}")


@app.command("list")
def list_providers(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the providers, whether they can be used, and where their keys come from."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        providers = client.list_providers()
    if shared.as_json:
        return print_json(providers)
    grid = table("PROVIDER", "KEY", "ADDRESS", "STATE")
    for each in providers:
        grid.add_row(plain(each.name), _key(each), plain(each.base_url or ""), _state(each))
    return out.print(grid)


@app.command()
def remove(ctx: typer.Context, provider: ProviderArgument, as_json: JsonFlag = False) -> None:
    """Forget a provider's stored key."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        client.remove_provider_key(provider)
    if shared.as_json:
        print_json({"removed": provider})
    else:
        out.print(f"Forgot the key of {plain(provider)}. Revoke it at the provider, if nothing else uses it")


def _state(provider: ProviderBody) -> str:
    return "ready" if provider.is_ready else f"not ready: {plain(provider.reason or 'no reason was given')}"


def _key(provider: ProviderBody) -> str:
    if not provider.needs_key:
        return "needs none (scripted)" if provider.is_scripted else "needs none"
    if provider.key_kind is None:
        return "none"
    kind = "subscription token" if provider.key_kind == "auth_token" else "API key"
    return f"{kind}, of the server's environment" if provider.key_origin == "environment" else kind
