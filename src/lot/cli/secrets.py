"""`lot secrets`: acts on the data folder itself, while no server runs."""

import typer

from lot.cli.common import DataDirOption, JsonFlag, common
from lot.cli.output import counted, out, print_json
from lot.cli.up import settings_of
from lot.compose import rotate_secrets

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """Environment variables and credentials are encrypted in the database."""


@app.command()
def rotate(ctx: typer.Context, data_dir: DataDirOption = None, as_json: JsonFlag = False) -> None:
    """Encrypt every secret with a new key and forget the old one; stop `lot up` first. May be cut off and repeated.

    Where the key comes from LOT_SECRET_KEY: put the new one there and the old one into LOT_SECRET_KEY_OLD, run this,
    then take LOT_SECRET_KEY_OLD away. Previews ask to sign in again afterwards.
    """
    shared = common(ctx, as_json=as_json)
    count = rotate_secrets(settings_of(data_dir=data_dir or shared.data_dir))
    if shared.as_json:
        print_json({"sealed_anew": count})
    else:
        out.print(f"{counted(count, 'secret')} encrypted with the new key. Backups from before still need the old one.")
