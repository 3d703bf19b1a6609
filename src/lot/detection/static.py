"""A page that needs nothing but a file server."""

import shlex

from lot.detection.app import App, Rank, place
from lot.detection.repository import Survey

PORT = 8000
_FOLDERS = ("", "public", "site", "www", "static", "html", "src", "web", "docs")


def find_static_site(survey: Survey) -> App | None:
    """Return the first likely folder with an index.html, served by Python's own server."""
    for folder in _FOLDERS:
        path = f"{folder}/index.html" if folder else "index.html"
        if survey.has(path):
            directory = f" --directory {shlex.quote(folder)}" if folder else ""
            return App(
                name="Static site",
                folder="",
                rank=Rank.FRONTEND,
                dev=f"python3 -m http.server {PORT}{directory}",
                port=PORT,
                why_started=(
                    f"{path} is a page, and nothing else starts a server: {place(folder)} is served on port {PORT}.",
                ),
            )
    return None
