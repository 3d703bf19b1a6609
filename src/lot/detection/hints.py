"""Weak hints: what the repository's texts for people and agents say, and languages that Lot cannot start."""

import re

from lot.detection.repository import Survey

_TEXTS = ("CLAUDE.md", "AGENTS.md", "README.md")
_RUNNERS = r"(?:npm|pnpm|bun) (?:run )?|yarn |make |just |task |bin/|\./|cargo |mix |php |docker compose "
_STARTS = re.compile(
    r"(?:\$ )?((?:" + _RUNNERS + r")[\w ./:-]{0,40}\b(?:dev|start|serve|server|run|up)\b[\w ./:=-]{0,80})"
)
_ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d{2,5})")
_OTHERS = {
    "Cargo.toml": "Rust",
    "composer.json": "PHP",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Kotlin",
    "mix.exs": "Elixir",
    "deno.json": "Deno",
    "Package.swift": "Swift",
    "CMakeLists.txt": "C or C++",
    "Makefile": "make",
}


def command_in_texts(survey: Survey) -> tuple[str, str] | None:
    """Return a command in a fenced block that seems to start something, and the file that has it."""
    for path in _TEXTS:
        is_fenced = False
        for line in survey.text(path).splitlines():
            if line.startswith("```"):
                is_fenced = not is_fenced
            elif is_fenced and (found := _STARTS.match(line)):
                return found[1].strip(), path
    return None


def port_in_texts(survey: Survey) -> tuple[int, str] | None:
    """Return the port of the first address on localhost, and the file that has it."""
    for path in _TEXTS:
        if found := _ADDRESS.search(survey.text(path)):
            return int(found[1]), path
    return None


def foreign_languages(survey: Survey) -> list[str]:
    """Return sentences about what is there and not understood."""
    return [
        f"{path} is there, but how {name} projects are started is not known here."
        for path, name in _OTHERS.items()
        if survey.has(path)
    ]
