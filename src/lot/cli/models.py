"""`lot models`: which models can be asked, of which provider."""

import typer
from rich.text import Text

from lot.api.schemas.providers import ProviderBody
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import out, plain, print_json, provider_note, table


def models(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """List the providers of models, whether they can be used now, and their models."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        providers = client.list_providers()
    if shared.as_json:
        return print_json(providers)
    for provider in providers:
        out.print(_head(provider))
        grid = table("  MODEL", "NAME")
        for model in provider.models:
            grid.add_row(f"  {plain(model.id)}", plain(model.name))
        if provider.models:
            out.print(grid)
    return None


def _head(provider: ProviderBody) -> Text:
    text = Text(provider_note(plain(provider.name), is_scripted=provider.is_scripted), style="bold")
    if provider.is_ready:
        return text.append("  ready", style="green")
    return text.append(f"  not ready: {plain(provider.reason or 'no reason was given')}", style="red")
