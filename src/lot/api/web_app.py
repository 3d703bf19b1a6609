"""Serves the web application: one page for every path that is not the API's, and its hashed assets.

`make setup` builds it from `web/` to `src/lot/web_app/`; where it is not built, a page says so.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

import lot
from lot.core.errors import NotFoundError

BUILT = Path(lot.__file__).with_name("web_app")
NOT_BUILT = Path(__file__).with_name("web_app_missing.html")
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Content codings that the build leaves beside a file, best first."""
_FOREVER, _ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
EVERY_PATH = "/{path:path}"
"""The route that answers where no other does, GET alone."""
_RESERVED = ("api", "assets", "openapi.json", "service-worker.js")
"""First parts of paths that are not the application's own: what is missing there is missing."""


def install_web_app(app: FastAPI, *, preview_domain: str, built: Path = BUILT) -> None:
    """Answer every path that no other route answers; to be called when all others are there."""
    headers = security_headers(preview_domain)

    @app.get(EVERY_PATH, include_in_schema=False)
    async def web_app(request: Request, path: str) -> Response:
        """Return an asset, or the page that shows whatever the path names."""
        file = _file_below(built, path)
        if file is not None:
            lasts = _FOREVER if path.startswith("assets/") else _ASK_AGAIN
            return _answer(file, request, {**headers, "Cache-Control": lasts})
        if path.split("/", 1)[0] in _RESERVED:
            raise NotFoundError(f"there is nothing at /{path}")
        page = built / "index.html"
        if not page.is_file():
            return HTMLResponse(NOT_BUILT.read_text(), status_code=503)
        headers_of_page = security_headers(preview_domain, page.read_text())
        return _answer(page, request, {**headers_of_page, "Cache-Control": _ASK_AGAIN})


def security_headers(preview_domain: str, page: str = "") -> dict[str, str]:
    """Return the headers that keep the application's pages to themselves; what scripts `page` itself has may run."""
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *(_hash_source(script) for script in _INLINE_SCRIPT.findall(page))]),
        # Terminal and dialogs write style elements of their own and can be given no nonce.
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "frame-src": f"*.{preview_domain}:*",
        "worker-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


def _hash_source(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _file_below(folder: Path, path: str) -> Path | None:
    """Return a file that the build made; None where there is none, or the path leads elsewhere."""
    if not path or path == "index.html":
        return None
    file = (folder / path).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None


def _answer(file: Path, request: Request, headers: Mapping[str, str]) -> Response:
    """Return a file as the client can take it: packed, where the build left it so."""
    accepted = request.headers.get("accept-encoding", "")
    varied = {**headers, "Vary": "Accept-Encoding"}
    for coding, suffix in ENCODINGS:
        packed = file.with_name(file.name + suffix)
        if coding in accepted and packed.is_file():
            media_type = FileResponse(file).media_type
            return FileResponse(packed, media_type=media_type, headers={**varied, "Content-Encoding": coding})
    return FileResponse(file, headers=varied)
