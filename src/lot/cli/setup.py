"""`lot setup`: brings the sandbox runtime and the base image onto this machine; what is there already is left alone.

Leaves out system packages and Python, which `setup/bootstrap.sh` installs before this can run.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBars

from lot.config import Settings
from lot.core.errors import LotError
from lot.sandbox.base_image import ensure_base_image
from lot.sandbox.debian_mirror import debian_sources, read_sources
from lot.sandbox.progress import Progress
from lot.sandbox.runtime import install_runtime
from lot.sandbox.runtime_sources import runtime_sources

ETC_APT = Path("/etc/apt")


def setup(
    debian_mirror: Annotated[
        str | None, typer.Option(help="Address of a Debian mirror; by default the one in the system's apt sources.")
    ] = None,
) -> None:
    """Install a proven sandbox runtime and build the base image; repeatable."""
    settings = Settings()
    try:
        with _shown("Sandbox runtime") as progress:
            install_runtime(settings.runtime_dir, progress, runtime_sources(ETC_APT, debian_mirror))
        with _shown("Base image") as progress:
            sources = debian_sources(read_sources(ETC_APT), debian_mirror)
            ensure_base_image(settings.images_dir, progress, sources)
    except (LotError, OSError) as error:
        # OSError: a folder that cannot be made or written, named in its text.
        typer.echo(f"lot setup: {error}", err=True)
        raise typer.Exit(1) from error


@contextmanager
def _shown(title: str) -> Iterator[Progress]:
    """Show progress as a bar on a terminal, as one line per step elsewhere."""
    if not sys.stdout.isatty():
        yield _lines()
        return
    columns = (TextColumn("{task.fields[what]}"), BarColumn(), TimeElapsedColumn())
    with ProgressBars(*columns, console=Console()) as bars:
        task = bars.add_task(title, total=1.0, what=title)

        def show(what: str, finished: float) -> None:
            bars.update(task, completed=finished, what=what)

        yield show


def _lines() -> Progress:
    said: list[str] = []

    def say(what: str, finished: float) -> None:
        if said[-1:] != [what]:
            said.append(what)
            typer.echo(f"setup: {what}")

    return say
