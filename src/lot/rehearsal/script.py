"""Written scenarios: what a step of one says, and how they are read from YAML.

Leaves out which step a request gets (`direction.py`) and how an answer goes over the wire (`wire.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(_Part):
    """A tool call that the step makes; several in one step are parallel calls."""

    name: str
    input: dict[str, Any] = Field(default_factory=dict)


class Expectation(_Part):
    """What the results of the previous step's tool calls must be; the turn fails loudly when they are not."""

    is_error: bool = False
    contains: str | None = None


class Fault(_Part):
    """Something that goes wrong on purpose. Counts are of streamed events; nothing set means no fault."""

    status: int | None = None
    error_type: str | None = None
    message: str | None = None
    retry_after_s: float | None = None
    drop_after: int | None = None
    """Break the connection after so many events."""
    fin_after: int | None = None
    """End the response in good order after so many events, without the message's end."""
    sse_error_after: int | None = None
    """Send an `error` event after so many events."""
    stall_after: int | None = None
    """Wait `stall_s` after so many events."""
    stall_s: float = 0.0
    times: int | None = None
    """How often it happens to one request (the same prompt and step) before that succeeds; None: always."""


class Usage(_Part):
    """Tokens that the answer reports in place of an estimate from its length; None: the estimate, or none cached."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)


class Step(_Part):
    """One answer of the model. As written it may hold `on_error`, the step to play where a tool's result is one."""

    expect: Expectation | None = None
    thinking: str | None = None
    text: str | None = None
    deltas: int | None = Field(default=None, ge=1, le=1_000_000)
    """The text so many times, numbered from 1, each time in a streamed piece of its own."""
    is_stamped: bool = False
    """In place of the text, each piece is the time at which it is sent: seconds since the epoch, and a blank."""
    tools: tuple[ToolCall, ...] = ()
    seconds: float = Field(default=0.0, ge=0, le=3600)
    """How long thinking and text take to stream, spread evenly over their pieces."""
    pace: float | None = Field(default=None, ge=0, le=60_000)
    """Milliseconds before each piece, which is then one word; in place of `seconds`."""
    usage: Usage = Usage()
    stop_reason: str | None = None
    """None: `tool_use` with tools, else `end_turn`."""
    fault: Fault = Fault()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario as written; `${name}` in its steps stands for an argument or for something the request says."""

    name: str
    about: str
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...]


def load_scenarios() -> Mapping[str, Scenario]:
    """Return the scenarios that Lot ships, by name."""
    found: dict[str, Scenario] = {}
    for entry in sorted(files("lot.rehearsal").joinpath("scenarios").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            for scenario in read_scenarios(entry.read_text("utf-8")):
                found[scenario.name] = scenario
    return found


def read_scenarios(text: str) -> tuple[Scenario, ...]:
    """Return the scenarios in a YAML document: a mapping of names to scenarios.

    Raises:
        ValueError: a scenario lacks something, or holds an unknown key.
    """
    document = yaml.safe_load(text) or {}
    return tuple(_scenario(name, body) for name, body in document.items())


def _scenario(name: str, body: Mapping[str, Any]) -> Scenario:
    unknown = set(body) - {"about", "required", "defaults", "steps"}
    if unknown or not body.get("about") or not body.get("steps"):
        raise ValueError(f"scenario {name!r} needs `about` and `steps`; unknown keys: {sorted(unknown)}")
    return Scenario(
        name=name,
        about=body["about"],
        required=tuple(body.get("required", ())),
        defaults=body.get("defaults", {}),
        steps=tuple(body["steps"]),
    )
