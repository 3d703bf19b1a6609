"""`lot rehearsal`: the scripted provider by itself, and what it can play."""

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from lot.cli.common import JsonFlag, common
from lot.cli.output import SCRIPTED, err, facts, out, print_json
from lot.core.errors import InvalidInputError
from lot.rehearsal.app import Rehearsal
from lot.rehearsal.script import Scenario, load_scenarios, read_scenarios
from lot.rehearsal.serve import serve_on_port

app = typer.Typer(add_completion=False, no_args_is_help=True, help=f"The rehearsal provider: {SCRIPTED}.")

ScenariosOption = Annotated[
    list[Path] | None,
    typer.Option("--scenarios", help="A YAML file of more scenarios; repeatable, the last one counts."),
]


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="On the loopback interface only.")] = 7071,
    scenarios: ScenariosOption = None,
) -> None:
    """Answer as a model provider would, from written scenarios, until Ctrl-C: no key, no network, no model."""
    known = _known(scenarios)
    err.print(f"Provider: rehearsal: {SCRIPTED}", style="yellow")
    err.print(f"http://127.0.0.1:{port}/v1/messages plays {len(known)} scenarios; `lot rehearsal list` names them")
    serve_on_port(Rehearsal(known), port)


@app.command("list")
def list_scenarios(ctx: typer.Context, scenarios: ScenariosOption = None, as_json: JsonFlag = False) -> None:
    """List the scenarios with their arguments."""
    known = _known(scenarios)
    if common(ctx, as_json=as_json).as_json:
        print_json({name: _described(each) for name, each in known.items()})
        return
    out.print(f'Begin a message with one of these ({SCRIPTED}), such as `@@say {{"text": "hello"}}`:\n')
    for name in sorted(known):
        each = known[name]
        arguments = [*each.required, *(f"{key}={_short(value)}" for key, value in each.defaults.items())]
        out.print(facts([(f"@@{name:<11}", each.about), ("", " ".join(arguments))]))


def _known(files: list[Path] | None) -> dict[str, Scenario]:
    known = dict(load_scenarios())
    for file in files or ():
        try:
            known.update((scenario.name, scenario) for scenario in read_scenarios(file.read_text("utf-8")))
        except OSError as error:
            raise InvalidInputError(f"{file} cannot be read: {error.strerror}. Next step: check the name") from error
        except (ValueError, AttributeError, yaml.YAMLError) as error:
            raise InvalidInputError(f"{file} holds no scenarios: {error}. Next step: see docs/rehearsal.md") from error
    return known


def _described(scenario: Scenario) -> dict[str, object]:
    return {"about": scenario.about, "required": list(scenario.required), "defaults": dict(scenario.defaults)}


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
