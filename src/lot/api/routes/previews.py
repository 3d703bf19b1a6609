"""The way to a preview for a browser that is signed in to the application and not yet there."""

from fastapi import APIRouter, Response

from lot.api.asking import get_asking
from lot.api.preview_entry import ENTER_PATH, PreviewEntry


def preview_routes(entry: PreviewEntry) -> APIRouter:
    """Return the one route about previews in general."""
    router = APIRouter(tags=["sign-in"])

    @router.get(ENTER_PATH, status_code=303, response_class=Response)
    async def enter(to: str) -> Response:
        """Lead a browser to a preview, signed in there; or first to `/sign-in?to=<path>`, which leads back here."""
        principal = get_asking().principal
        return entry.lead_back(to, None if principal is None else principal.holder)

    return router
