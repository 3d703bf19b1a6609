"""Signing in by an account elsewhere: to the provider and back."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from lot.api.asking import get_asking
from lot.api.cookies import set_cookie
from lot.api.origins import own_path
from lot.core.errors import LotError
from lot.sign_in.elsewhere import PENDING_S
from lot.sign_in.sign_in import SignIn

COOKIE = "lot_sign_in"
"""Tells at the end which browser began."""
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def sign_in_elsewhere_routes(sign_in: SignIn) -> APIRouter:
    """Return the routes under `/api/sign-in/with`, which a browser opens as pages; they answer with redirects."""
    router = APIRouter(prefix="/api/sign-in/with", tags=["sign-in"])

    @router.get("/{name}", status_code=303, response_class=Response)
    async def begin(name: str, to: str = "/") -> Response:
        """Lead a browser to a provider. `to`: the path of ours that it comes to at the end."""
        try:
            begun = await sign_in.elsewhere.begin(name, own_path(to))
        except LotError as error:
            return _back_with(error)
        answer = RedirectResponse(begun.url, 303, headers=_PRIVATE)
        answer.headers.append("Set-Cookie", _cookie(begun.secret, int(PENDING_S)))
        return answer

    @router.get("/{name}/callback", status_code=303, response_class=Response)
    async def finish(name: str, request: Request) -> Response:
        """Take a provider's answer: sets the cookie; or leads to `/sign-in?error=<code>` when it lets nobody in."""
        asking = get_asking()
        try:
            secret = request.cookies.get(COOKIE, "")
            user, to = await sign_in.elsewhere.finish(name, secret, request.query_params)
            signed_in = await sign_in.let_in(user, asking.browser)
        except LotError as error:
            return _back_with(error)
        answer = RedirectResponse(to, 303, headers=_PRIVATE)
        answer.headers.append("Set-Cookie", _cookie("", 0))
        answer.headers.append("Set-Cookie", set_cookie(signed_in.secret, is_secure=asking.is_secure))
        return answer

    def _cookie(secret: str, lifetime_s: int) -> str:
        secure = "; Secure" if get_asking().is_secure else ""
        return f"{COOKIE}={secret}; Max-Age={lifetime_s}; Path=/api/sign-in; HttpOnly; SameSite=Lax{secure}"

    return router


def _back_with(error: LotError) -> Response:
    return RedirectResponse(f"/sign-in?error={error.code}", 303, headers=_PRIVATE)
