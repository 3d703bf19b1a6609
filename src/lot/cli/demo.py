"""`lot demo`: plays a session's whole life, checks each step by what can be seen from outside, and shows figures."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.text import Text

from lot.cli.common import JsonFlag, common
from lot.cli.output import SCRIPTED, err, out, plain, print_json
from lot.cli.source import source_of
from lot.cli.up import ApiKeyOption, ProviderOption, has_key, settings_of
from lot.client.client import LotClient
from lot.client.own_server import FOLDER, own_server
from lot.core.errors import InvalidInputError
from lot.demo.play import play
from lot.demo.prompts import REHEARSAL
from lot.demo.report import Report, StepResult
from lot.demo.subject import example, repository

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TITLES = {
    "project": "project and snapshot",
    "start_two": "two sessions side by side",
    "turn": "the agent edits a file",
    "preview": "the change in the preview",
    "diff": "the diff",
    "pause": "pause",
    "resume": "resume by a message",
    "fork": "fork",
    "pull_request": "pull request",
    "delete": "deletion",
}


def demo(
    ctx: typer.Context,
    source: Annotated[
        str | None, typer.Argument(help="Git URL or path; by default the example.", show_default=False)
    ] = None,
    provider: ProviderOption = None,
    setup: Annotated[str | None, typer.Option(help="The repository's setup command.")] = None,
    dev: Annotated[str | None, typer.Option(help="Starts the repository's dev server.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port of the repository's dev server.")] = None,
    api_key: ApiKeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Play a session's whole life, each step checked from outside: exit code 0 only if every one held.

    Runs a server of its own in a folder of its own and leaves nothing behind, unless --url names a running one.
    With an API key in the environment the real model answers; without one, --provider rehearsal plays a script.
    """
    shared = common(ctx, as_json=as_json)
    if source is not None and (dev is None or port is None):
        raise InvalidInputError(
            "The app must be seen to be checked. Next step: say how it is started, --dev and --port"
        )
    chosen = _choose(provider, api_key, is_own=shared.url is None)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lot-demo-", dir=FOLDER)))
        subject = example(folder) if source is None else repository(source_of(source), setup=setup, dev=dev, port=port)
        server = held.enter_context(own_server(FOLDER, chosen)) if chosen and shared.url is None else None
        address = server.address if server else shared.address
        client = held.enter_context(LotClient(address))
        chosen = chosen or client.get_host().provider
        audience = held.enter_context(_Audience(chosen, is_shown=not shared.as_json))
        is_local = address.host_and_port[0] in LOOPBACK
        report = play(client, subject, chosen, audience, server, is_local=is_local)
        if not report.ok and server is not None:
            err.print(f"The end of what the server said:\n{plain(server.last_lines())}", style="dim")
    if shared.as_json:
        print_json(report.as_json())
    else:
        _print_verdict(report)
    if not report.ok:
        raise typer.Exit(1)


def _choose(provider: str | None, api_key: str | None, *, is_own: bool) -> str | None:
    """Return the provider to play with; None: the running server's own. The rehearsal is never chosen by itself.

    Raises:
        InvalidInputError: there is neither a key nor a choice.
    """
    settings = settings_of(provider=provider, anthropic_api_key=api_key)
    if not is_own:
        return provider
    if settings.provider == REHEARSAL or has_key(settings):
        return settings.provider
    raise InvalidInputError(
        "There is no key to ask a model with. Next step: set ANTHROPIC_API_KEY (or LOT_ANTHROPIC_AUTH_TOKEN for your "
        f"own subscription), or play the script with `lot demo --provider rehearsal` ({SCRIPTED})"
    )


class _Audience:
    """Shows on a terminal how a demo goes: a line per step, with its figures."""

    def __init__(self, provider: str, *, is_shown: bool) -> None:
        self._provider, self._is_shown = provider, is_shown
        self._status = err.status("", spinner_style="cyan")
        self._step = ""

    def __enter__(self) -> Self:
        if self._is_shown:
            note = f": {SCRIPTED}" if self._provider == REHEARSAL else ""
            out.print(f"Provider: {self._provider}{note}", style="yellow" if note else "")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def step_begins(self, name: str) -> None:
        """Show which step is played."""
        self._step = TITLES[name]
        self._status.update(Text(self._step))

    def note(self, text: str) -> None:
        """Show what happens within the step."""
        self._status.update(Text(f"{self._step}: {plain(text)[:100]}"))

    def step_ended(self, result: StepResult) -> None:
        """Show how it went."""
        if self._is_shown:
            mark = Text("✓ ", "green") if result.ok else Text("✗ ", "red")
            out.print(mark.append(f"{TITLES[result.name]:<26}", "bold").append(f"{result.seconds:7.2f} s  ", "cyan"))
            for name, value in result.detail.items():
                out.print(
                    f"    {name.replace('_', ' ')}: {plain(_shown(name, value))}", style="dim" if result.ok else "red"
                )


def _shown(name: str, value: object) -> str:
    if "bytes" in name and isinstance(value, int):
        return f"{value / (1 << 20):,.0f} MiB"
    if isinstance(value, list):
        return ", ".join(_shown(name, each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(str(key), each)}" for key, each in value.items())
    if isinstance(value, float):
        return f"{value:.2f} s" if name.endswith(("_s", "seconds")) else f"{value:.2f}"
    return str(value)


def _print_verdict(report: Report) -> None:
    failed = [TITLES[step.name] for step in report.steps if not step.ok]
    if failed:
        out.print(f"\nDid not hold: {', '.join(failed)}", style="red")
    else:
        out.print("\nEvery step was checked and held.", style="green")
