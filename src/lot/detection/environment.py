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
        lines = survey.text(path).splitlines() if path else []
        pairs = [(match[1], match[2].strip().strip("'\"")) for line in lines if (match := _LINE.match(line))]
        if path and pairs and path not in found.paths:
            found.paths.append(path)
            found.values = dict(pairs[:_MAX_NAMES]) | found.values
    return found
