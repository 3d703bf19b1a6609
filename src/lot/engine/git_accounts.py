"""Connects git accounts: asks the host who it is before anything is stored."""

from lot.core.credentials import AccountSecret, AppKey
from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import AccountId, new_id
from lot.core.records import GitAccount
from lot.engine.parts import Parts
from lot.forge.forge import HostInstallation, HostRepository


class GitAccounts:
    """Who Lot is at git hosts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def connect(
        self,
        *,
        kind: str,
        secret: AccountSecret,
        url: str | None = None,
        name: str | None = None,
        author_name: str | None = None,
        author_email: str | None = None,
    ) -> GitAccount:
        """Store an account that its host knows; one of the same name and host gets the new secret.

        Args:
            url: The host's web address; by default the public one.
            name: By default the login.
            author_name: Whose commits sessions make, with `author_email`; by default what the host tells of the user.

        Raises:
            AccountRefusedError: the host does not know the secret. HostUnreachableError: it does not answer.
            InvalidInputError: what was given cannot be used, or the name belongs to an account elsewhere.
        """
        host = self._parts.hosts.connect(kind, url, secret)
        seen = await host.identify()
        name = name or seen.login
        known = await self._find(name)
        if known is not None and (known.kind, known.url) != (kind, host.url):
            raise InvalidInputError(f"account {name} is one at {known.url}; give this one another name with --name")
        account = GitAccount(
            id=known.id if known else AccountId(new_id()),
            name=name,
            kind=kind,
            url=host.url,
            login=seen.login,
            author_name=author_name or seen.author_name,
            author_email=author_email or seen.author_email,
            created_at=known.created_at if known else self._parts.now(),
        )
        if known is not None:
            return await self._parts.store.renew_git_account(account, secret)
        return await self._parts.store.add_git_account(account, secret)

    async def list_installations(self, kind: str, url: str | None, app: AppKey) -> list[HostInstallation]:
        """Return where an app is installed; nothing is stored.

        Raises:
            AccountRefusedError: the host does not know the key. HostUnreachableError: it does not answer.
            InvalidInputError: what was given cannot be used.
        """
        return await self._parts.hosts.list_installations(kind, url, app)

    async def list_repositories(self, account: GitAccount) -> list[HostRepository]:
        """Return the repositories that an account was granted.

        Raises:
            GitError: the host refuses, or does not answer.
        """
        return await (await self._parts.hosts.get_host(account)).list_repositories()

    async def _find(self, name: str) -> GitAccount | None:
        try:
            return await self._parts.store.get_git_account(name)
        except NotFoundError:
            return None
