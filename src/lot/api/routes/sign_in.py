"""Signing in and out with a browser."""

from fastapi import APIRouter, Response

from lot.api.asking import get_asking, get_principal
from lot.api.cookies import clear_cookie, set_cookie
from lot.api.schemas.sign_in import (
    ElsewhereMethod,
    LinkCheck,
    LinkCheckBody,
    LinkUse,
    NewSignIn,
    NewSignInLink,
    PasswordMethod,
    SignInBody,
    SignInLinkBody,
    UserBody,
)
from lot.config import Settings
from lot.sign_in.sign_in import SignedIn, SignIn


def sign_in_routes(sign_in: SignIn) -> APIRouter:
    """Return the routes that somebody needs who is not signed in yet."""
    router = APIRouter(prefix="/api/sign-in", tags=["sign-in"])

    @router.get("")
    async def who_am_i() -> SignInBody:
        """Return whether the caller is signed in, and how one may sign in."""
        principal = get_asking().principal
        user = None if principal is None or principal.user is None else UserBody(name=principal.user.name)
        return SignInBody(
            is_signed_in=principal is not None,
            user=user,
            has_users=await sign_in.has_users(),
            methods=[
                PasswordMethod(),
                *(ElsewhereMethod(name=name, url=f"/api/sign-in/with/{name}") for name in sign_in.elsewhere.names),
            ],
        )

    @router.post("")
    async def enter(new: NewSignIn, response: Response) -> UserBody:
        """Sign in by name and password: sets the cookie. 403: one is wrong. 429: wait for `Retry-After` seconds."""
        signed_in = await sign_in.with_password(new.name, new.password.get_secret_value(), get_asking().browser)
        return await _let_in(signed_in, response)

    @router.post("/link/check")
    async def check_link(check: LinkCheck) -> LinkCheckBody:
        """Return whom a one-time link lets in, without using it up. 403: it was used or is over."""
        user = await sign_in.links.check(check.link.get_secret_value(), get_asking().browser)
        return LinkCheckBody(user=None if user is None else UserBody(name=user.name))

    @router.post("/link")
    async def use_link(use: LinkUse, response: Response) -> UserBody:
        """Sign in by a one-time link: sets the cookie. 403: it was used or is over. 422: name or password do not do.

        A link that makes a new user needs both. Another one needs neither; a password that is given replaces the
        present one, and signs the user's other browsers out.
        """
        password = None if use.password is None else use.password.get_secret_value()
        signed_in = await sign_in.with_link(use.link.get_secret_value(), use.name, password, get_asking().browser)
        return await _let_in(signed_in, response)

    async def _let_in(signed_in: SignedIn, response: Response) -> UserBody:
        asking = get_asking()
        if asking.principal is not None and asking.principal.browser_session is not None:
            await sign_in.access.sign_out(asking.principal)
        response.headers.append("Set-Cookie", set_cookie(signed_in.secret, is_secure=asking.is_secure))
        return UserBody(name=signed_in.user.name)

    return router


def sign_out_routes(sign_in: SignIn, settings: Settings) -> APIRouter:
    """Return the routes of signing out, and of letting others sign in."""
    router = APIRouter(prefix="/api", tags=["sign-in"])

    @router.post("/sign-out", status_code=204)
    async def leave(response: Response) -> None:
        """Sign this browser out: its sockets and previews end, and its cookie is taken away."""
        await sign_in.access.sign_out(get_principal())
        response.headers.append("Set-Cookie", clear_cookie(is_secure=get_asking().is_secure))

    @router.post("/sign-in-links", status_code=201)
    async def make_link(new: NewSignInLink) -> SignInLinkBody:
        """Make a one-time link, good for 24 hours.

        Users invite with it (`is_new`), from a browser; one for a user that exists needs the data folder's token (403).
        """
        secret, link, user = await sign_in.links.make(get_principal(), new.user, is_new=new.is_new)
        return SignInLinkBody(
            url=f"{settings.app_origin}/sign-in?link={secret}",
            user=None if user is None else user.name,
            ends_at=link.ends_at,
        )

    return router
