"""Dev servers of Node's world: how they are recognised in a script, and the ports they listen on by themselves."""

import re
from dataclasses import dataclass

from lot.detection.repository import Survey, is_below, parent


@dataclass(frozen=True, slots=True)
class Tool:
    """One dev server for browsers."""

    name: str
    dependency: str
    pattern: re.Pattern[str]
    """Finds its command in a script."""
    command: str
    """What starts it where there is no script for it."""
    port: int


TOOLS = (
    Tool("Next.js", "next", re.compile(r"\bnext(?: dev|$)"), "next dev", 3000),
    Tool("Nuxt", "nuxt", re.compile(r"\bnuxi? dev|\bnuxt(?: dev|$)"), "nuxt dev", 3000),
    Tool("Astro", "astro", re.compile(r"\bastro (?:dev|start)"), "astro dev", 4321),
    Tool("React Router", "@react-router/dev", re.compile(r"\breact-router dev"), "react-router dev", 5173),
    Tool("Remix", "@remix-run/dev", re.compile(r"\bremix vite:dev"), "remix vite:dev", 5173),
    Tool("Angular", "@angular/cli", re.compile(r"\bng (?:serve|s)\b"), "ng serve", 4200),
    Tool(
        "Create React App", "react-scripts", re.compile(r"\b(?:react-scripts|craco) start"), "react-scripts start", 3000
    ),
    Tool("Vue CLI", "@vue/cli-service", re.compile(r"\bvue-cli-service serve"), "vue-cli-service serve", 8080),
    Tool("Gatsby", "gatsby", re.compile(r"\bgatsby develop"), "gatsby develop", 8000),
    Tool("Docusaurus", "@docusaurus/core", re.compile(r"\bdocusaurus start"), "docusaurus start --no-open", 3000),
    Tool("VitePress", "vitepress", re.compile(r"\bvitepress dev"), "vitepress dev", 5173),
    Tool("Eleventy", "@11ty/eleventy", re.compile(r"\beleventy\b.*--serve"), "eleventy --serve", 8080),
    Tool("Parcel", "parcel", re.compile(r"\bparcel (?!build|watch)\S"), "parcel index.html", 1234),
    Tool(
        "webpack", "webpack-dev-server", re.compile(r"\bwebpack(?:-dev-server|(?:-cli)? serve)"), "webpack serve", 8080
    ),
    Tool("Vite", "vite", re.compile(r"(?<![\w/.-])vite(?: (?:dev|serve|-)|\s*(?:$|[&|;\"']))"), "vite", 5173),
)
"""The more special ones first: many of them bring Vite or webpack along."""

SERVERS = {
    "@nestjs/core": "NestJS",
    "express": "Express",
    "fastify": "Fastify",
    "koa": "Koa",
    "hono": "Hono",
    "@hapi/hapi": "hapi",
    "restify": "Restify",
}
SERVER_PORT = 3000
_FLAG = re.compile(r"(?:--port[= ]|-p[= ]?|\bPORT=)(\d{2,5})\b")
_CONFIG = re.compile(r"(?:server|devServer)['\"]?\s*:\s*\{[^{}]*?\bport['\"]?\s*:\s*(\d{2,5})\b")
_FROM_ENVIRONMENT = re.compile(r"(?:process|Bun)\.env(?:\.PORT\b|\[['\"]PORT['\"]\])")
_DEFAULT = re.compile(_FROM_ENVIRONMENT.pattern + r"[^\n;]{0,40}?(?:\|\||\?\?)\s*['\"]?(\d{2,5})\b")
_LISTEN = re.compile(r"\.listen\(\s*(?:\{[^{}]*?\bport\s*:\s*)?['\"]?(\d{2,5})\b")
_CONSTANT = re.compile(r"\b(?:const|let|var)\s+\w*port\w*\s*(?::\s*\w+\s*)?=\s*['\"]?(\d{2,5})\b", re.IGNORECASE)
_LISTENS = re.compile(r"\.listen\(|\bserve\(")


@dataclass(frozen=True, slots=True)
class ServerPort:
    """What a server's sources say of its port."""

    port: int
    path: str
    is_set: bool
    """Whether it takes its port from the variable PORT."""


def port_in_script(script: str) -> int | None:
    """Return the port that a script sets."""
    found = _FLAG.search(script)
    return int(found[1]) if found else None


def port_in_config(survey: Survey, folder: str) -> tuple[int, str] | None:
    """Return the port that a dev server's own configuration sets, and the file."""
    for path in sorted(survey.files.texts):
        if parent(path) == folder and ".config." in path and (found := _CONFIG.search(survey.text(path))):
            return int(found[1]), path
    return None


def find_server_port(survey: Survey, folder: str, apart: list[str]) -> ServerPort | None:
    """Return where a folder's server listens, as its sources tell; None when they do not listen at all.

    Args:
        apart: Folders below that are packages of their own.
    """
    listening: tuple[str, bool] | None = None
    constants: list[tuple[int, str]] = []
    for path, text in survey.sources(folder, ".js", ".mjs", ".cjs", ".ts", ".mts", "/www"):
        if ".config." in path or any(is_below(path, other) for other in apart):
            continue
        is_set = bool(_FROM_ENVIRONMENT.search(text))
        if found := _DEFAULT.search(text):
            return ServerPort(int(found[1]), path, is_set=True)
        if found := _LISTEN.search(text):
            return ServerPort(int(found[1]), path, is_set=is_set)
        if found := _CONSTANT.search(text):
            constants.append((int(found[1]), path))
        if _LISTENS.search(text) or is_set:
            listening = (path, is_set or (listening is not None and listening[1]))
    if listening is None:
        return None
    if constants:
        return ServerPort(*constants[0], is_set=listening[1])
    return ServerPort(SERVER_PORT, listening[0], is_set=listening[1])
