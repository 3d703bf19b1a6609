"""`lot doctor`: shows each prerequisite, what was chosen, and how to mend what is wrong."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lot.config import Settings
from lot.doctor.check import Check, Status
from lot.doctor.examination import examine
from lot.doctor.probes import Probes

_MARKS = {Status.OK: "[green]ok  [/green]", Status.WARN: "[yellow]warn[/yellow]", Status.FAIL: "[red]FAIL[/red]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Check that this machine can run Lot, and prove the sandbox runtime by a self-test."""
    checks = examine(Settings(), Probes())
    done = list(checks) if as_json else _show(checks)
    is_healthy = all(check.status is not Status.FAIL for check in done)
    if as_json:
        typer.echo(json.dumps({"ok": is_healthy, "checks": [asdict(check) for check in done]}, indent=2))
    if not is_healthy:
        raise typer.Exit(1)


def _show(checks: Iterable[Check]) -> list[Check]:
    """Print each check as soon as it is done."""
    console = Console(highlight=False, soft_wrap=True)
    done = []
    for check in checks:
        console.print(f"{_MARKS[check.status]} {check.name:<19} {escape(check.seen)}")
        if check.mend:
            console.print(f"     {'':<19} [bold]mend:[/bold] {escape(check.mend)}")
        done.append(check)
    return done
