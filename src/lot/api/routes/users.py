"""Everybody who may sign in."""

from fastapi import APIRouter

from lot.api.asking import get_principal
from lot.api.schemas.sign_in import ListedUserBody, UserBody, UserChanges
from lot.sign_in.sign_in import SignIn


def user_routes(sign_in: SignIn) -> APIRouter:
    """Return the routes under `/api/users`; every user may do the same there."""
    router = APIRouter(prefix="/api/users", tags=["sign-in"])

    @router.get("")
    async def list_users() -> list[ListedUserBody]:
        """Return every user, by name."""
        own_id = get_principal().user_id
        return [
            ListedUserBody(
                id=listed.user.id,
                name=listed.user.name,
                created_at=listed.user.created_at,
                last_seen_at=listed.last_seen_at,
                has_password=listed.user.password_hash is not None,
                providers=[sign_in.elsewhere.name_of(issuer) for issuer in listed.issuers],
                is_current=listed.user.id == own_id,
            )
            for listed in await sign_in.users.list_users()
        ]

    @router.patch("/{user}")
    async def change_user(user: str, changes: UserChanges) -> UserBody:
        """Rename a user, by id or name. 403: asked for with a user's token. 422: the name is unfit, or taken."""
        return UserBody(name=(await sign_in.users.rename(get_principal(), user, changes.name)).name)

    @router.delete("/{user}", status_code=204)
    async def remove_user(user: str) -> None:
        """Remove a user, by id or name: their browsers, tokens, sockets, previews and links end at once.

        So do all open invitations. 403: asked for with a user's token. 422: it is who asks, or the only user.
        """
        await sign_in.users.remove(get_principal(), user)

    return router
