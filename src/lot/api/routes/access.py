"""What a user is signed in with: browsers, tokens, the password."""

from fastapi import APIRouter

from lot.api.asking import get_asking, get_principal
from lot.api.schemas.sign_in import BrowserSessionBody, MadeTokenBody, NewToken, PasswordChange, TokenBody
from lot.core.ids import BrowserSessionId, TokenId
from lot.core.sign_in import ApiToken
from lot.sign_in.access import Access


def access_routes(access: Access) -> APIRouter:
    """Return the routes about a user's own ways in; the token of the data folder sees everybody's."""
    router = APIRouter(prefix="/api", tags=["sign-in"])

    @router.get("/browser-sessions")
    async def list_browser_sessions() -> list[BrowserSessionBody]:
        """Return the browsers that the user is signed in with, the one seen last first."""
        principal = get_principal()
        return [
            BrowserSessionBody(
                id=session.id,
                user=user.name,
                user_agent=session.user_agent,
                address=session.address,
                created_at=session.created_at,
                last_seen_at=session.last_seen_at,
                ends_at=session.ends_at,
                is_current=principal.browser_session is not None and principal.browser_session.id == session.id,
            )
            for session, user in await access.list_browser_sessions(principal)
        ]

    @router.delete("/browser-sessions/{browser_session}", status_code=204)
    async def end_browser_session(browser_session: str) -> None:
        """Sign a browser out: its sockets and previews end. 404: there is none, or it is another user's."""
        await access.end_browser_session(get_principal(), BrowserSessionId(browser_session))

    @router.get("/tokens")
    async def list_tokens() -> list[TokenBody]:
        """Return the user's tokens, the newest first."""
        return [TokenBody(**_facts(token)) for token in await access.list_tokens(get_principal())]

    @router.post("/tokens", status_code=201)
    async def make_token(new: NewToken) -> MadeTokenBody:
        """Make a token for a program; its secret is in this answer only. 403: not asked for with a browser."""
        secret, token = await access.make_token(get_principal(), new.name)
        return MadeTokenBody(**_facts(token), token=secret)

    @router.delete("/tokens/{token}", status_code=204)
    async def revoke_token(token: str) -> None:
        """Revoke a token. 404: there is none, or it is another user's."""
        await access.revoke_token(get_principal(), TokenId(token))

    @router.put("/password", status_code=204)
    async def change_password(change: PasswordChange) -> None:
        """Change the password; the user's other browsers are signed out. 403 `auth.refused`: it was another."""
        current, new = change.current.get_secret_value(), change.new.get_secret_value()
        await access.change_password(get_principal(), current, new, get_asking().browser)

    return router


def _facts(token: ApiToken) -> dict[str, object]:
    return {"id": token.id, "name": token.name, "created_at": token.created_at, "last_used_at": token.last_used_at}
