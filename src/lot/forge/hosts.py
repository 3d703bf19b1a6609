"""Which git host a project belongs to, and the hosts of stored accounts. A new kind of host is one line in `HOSTS`."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from lot.core.credentials import AccountSecret, AppKey, GitCredential
from lot.core.errors import InvalidInputError
from lot.core.ids import AccountId, ProjectId
from lot.core.records import GitAccount, Project
from lot.forge.forge import Forge, GitHost, HostInstallation, ProjectMirrors
from lot.forge.github_app import list_installations
from lot.forge.github_host import GitHubHost
from lot.forge.local import LocalForge
from lot.forge.remote import RemoteForge

MakeHost = Callable[[str | None, AccountSecret, Callable[[], datetime]], GitHost]

ListInstallations = Callable[[str | None, AppKey], Awaitable[list[HostInstallation]]]

HOSTS: Mapping[str, MakeHost] = {"github": GitHubHost.connect}
APPS: Mapping[str, ListInstallations] = {"github": list_installations}
"""Of the hosts that have apps."""

_ADDRESS = re.compile(r"(?!file://)(?:[\w.+-]+://|[^/]+:)")


class AccountStore(Protocol):
    """What is needed of the store."""

    async def get_project(self, id_or_name: str) -> Project: ...
    async def get_git_account(self, id_or_name: str) -> GitAccount: ...
    async def get_account_secret(self, account_id: AccountId) -> AccountSecret: ...


class StoredHosts:
    """Implements `GitHosts` on the store."""

    def __init__(self, store: AccountStore, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._hosts: dict[AccountId, tuple[AccountSecret, GitHost]] = {}
        """Kept for the short-lived tokens that they hold."""

    def connect(self, kind: str, url: str | None, secret: AccountSecret) -> GitHost:
        """Return the host for a secret that is not stored yet.

        Raises:
            InvalidInputError: there is no such kind of host, or what was given cannot be used.
        """
        if kind not in HOSTS:
            raise _no_kind(kind, HOSTS)
        return HOSTS[kind](url, secret, self._now)

    async def list_installations(self, kind: str, url: str | None, app: AppKey) -> list[HostInstallation]:
        """Return where an app is installed.

        Raises:
            InvalidInputError: there is no such kind of host, or what was given cannot be used.
            GitError: the host refuses the key, or does not answer.
        """
        if kind not in APPS:
            raise _no_kind(kind, APPS)
        return await APPS[kind](url, app)

    async def get_host(self, account: GitAccount) -> GitHost:
        """Return the host of a stored account."""
        secret = await self._store.get_account_secret(account.id)
        known = self._hosts.get(account.id)
        if known is None or known[0] != secret:
            known = self._hosts[account.id] = (secret, self.connect(account.kind, account.url, secret))
        return known[1]

    async def find_host(self, project: Project) -> GitHost | None:
        """Return the host of a project's account, if it has one."""
        if project.account_id is None:
            return None
        return await self.get_host(await self._store.get_git_account(project.account_id))

    async def credential_of(self, project_id: ProjectId) -> GitCredential | None:
        """Return what a project's source is asked with; None: nothing but what this machine has."""
        host = await self.find_host(await self._store.get_project(project_id))
        return await host.credential() if host else None

    async def forge_of(self, project: Project, mirrors: ProjectMirrors) -> Forge:
        """Return a project's forge: its account's, else one that makes do with git."""
        if host := await self.find_host(project):
            return host.forge(project, mirrors)
        return RemoteForge(mirrors, project) if _ADDRESS.match(project.source) else LocalForge(mirrors, project)


def _no_kind(kind: str, known: Iterable[str]) -> InvalidInputError:
    return InvalidInputError(f"there is no kind of git host named {kind}; use one of {', '.join(known)}")
