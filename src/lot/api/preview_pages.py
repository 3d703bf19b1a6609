"""What a preview shows when the app itself cannot be seen: one calm page per reason, never a bare error."""

from html import escape
from typing import Literal

from starlette.responses import HTMLResponse

PageKind = Literal["starting", "crashed", "nothing", "paused", "gone", "sign_in", "forbidden"]

_TITLES: dict[PageKind, str] = {
    "starting": "Starting",
    "crashed": "The app has crashed",
    "nothing": "Nothing listens here",
    "paused": "Paused",
    "gone": "No such session",
    "sign_in": "Sign-in needed",
    "forbidden": "Not allowed",
}

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - Lot</title>{refresh}
<meta name="viewport" content="width=device-width"><style>
:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:18vh auto;padding:0 1.5rem}}
h1{{font-weight:600;font-size:1.4rem}}
pre{{overflow:auto;padding:1rem;background:#8882;border-radius:.5rem;font-size:.8rem}}
</style></head><body data-lot-preview="{kind}"><h1>{title}</h1><p>{text}</p>{log}</body></html>"""


def page(
    kind: PageKind, status: int, text: str, *, log: str | None = None, refresh_s: int | None = None
) -> HTMLResponse:
    """Return the page of one reason; `log` is shown as it is, `refresh_s` has the browser ask again."""
    content = _PAGE.format(
        kind=kind,
        title=_TITLES[kind],
        text=escape(text),
        log=f"<pre>{escape(log)}</pre>" if log else "",
        refresh=f'<meta http-equiv="refresh" content="{refresh_s}">' if refresh_s else "",
    )
    headers = {"Cache-Control": "no-store", "X-Lot-Preview": kind}
    if refresh_s:
        headers["Retry-After"] = str(refresh_s)
    return HTMLResponse(content, status, headers)
