"""Git accounts and the repositories that they were granted."""

from fastapi import APIRouter

from lot.api.schemas.git_accounts import GitAccountBody, GivenApp, InstallationBody, NewGitAccount, RepositoryBody
from lot.api.views import Views
from lot.core.credentials import AppKey, account_secret
from lot.engine.engine import Engine


def git_account_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/git-accounts`."""
    router = APIRouter(prefix="/api/git-accounts", tags=["git accounts"])
    store = engine.parts.store

    @router.post("", status_code=201)
    async def connect(new: NewGitAccount) -> GitAccountBody:
        """Connect an account, after its host said who it is. 502: the host refuses the secret, or does not answer."""
        account = await engine.git_accounts.connect(
            kind=new.kind,
            secret=account_secret(new.token, new.app_id, new.installation_id, new.private_key),
            url=new.url,
            name=new.name,
            author_name=new.author_name,
            author_email=new.author_email,
        )
        return await views.git_account(account)

    @router.post("/installations")
    async def list_installations(given: GivenApp) -> list[InstallationBody]:
        """Return where an app is installed, to choose from; nothing is stored. 502: the host refuses the key."""
        app = AppKey(app_id=given.app_id, private_key=given.private_key)
        return [
            InstallationBody(
                id=one.id,
                account=one.account,
                has_all_repositories=one.has_all_repositories,
                is_suspended=one.is_suspended,
            )
            for one in await engine.git_accounts.list_installations(given.kind, given.url, app)
        ]

    @router.get("")
    async def list_accounts() -> list[GitAccountBody]:
        """Return all accounts."""
        return [await views.git_account(account) for account in await store.list_git_accounts()]

    @router.get("/{account}/repositories")
    async def list_repositories(account: str) -> list[RepositoryBody]:
        """Return the repositories that an account was granted, those used last first; at most 1000."""
        found = await engine.git_accounts.list_repositories(await store.get_git_account(account))
        return [
            RepositoryBody(
                full_name=one.full_name,
                default_branch=one.default_branch,
                is_private=one.is_private,
                can_push=one.can_push,
            )
            for one in found
        ]

    @router.delete("/{account}", status_code=204)
    async def remove(account: str) -> None:
        """Remove an account and its secret. 422: projects use it."""
        await store.delete_git_account((await store.get_git_account(account)).id)

    return router
