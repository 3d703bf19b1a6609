"""The variables that a repository's examples of an `.env` list."""

import re
from dataclasses import dataclass, field

from lot.detection.repository import Survey

EXAMPLES = (
    *(".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env"),
    *(".env.local.example", ".env.development.example", ".env.development"),
)
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)[ \t]*=(.*)")
_MAX_NAMES = 200


@dataclass(slots=True)
class ExampleVariables:
    """What the examples list."""

    paths: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """Values serve to tell what a variable is for; they are never used themselves."""


def read_examples(survey: Survey, folders: list[str]) -> ExampleVariables:
    """Return what the examples in some folders list; the first one that names a variable counts."""
    found = ExampleVariables()
    for folder in folders:
        path = survey.first(folder, *EXAMPLES)
        variables = read_variables(survey.text(path)) if path else {}
        if path and variables and path not in found.paths:
            found.paths.append(path)
            found.values = variables | found.values
    return found


def read_variables(text: str) -> dict[str, str]:
    """Return what an `.env` or an example of one sets; the last of a name counts."""
    pairs = [(match[1], match[2].strip().strip("'\"")) for line in text.splitlines() if (match := _LINE.match(line))]
    return dict(pairs[:_MAX_NAMES])
