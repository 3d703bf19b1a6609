"""A GitHub account, at github.com or a GitHub Enterprise of one's own: who it is, what it was granted, its tokens."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import anyio
import httpx
from githubkit import GitHub
from pydantic import SecretStr

from lot.core.credentials import AccountSecret, AppSecret, GitCredential, TokenSecret
from lot.core.errors import RepositoryError
from lot.core.records import Project
from lot.forge.forge import HostIdentity, HostRepository, ProjectMirrors
from lot.forge.github import GitHubForge
from lot.forge.github_app import app_client, require_key
from lot.forge.github_client import DEFAULT_URL, github_client
from lot.forge.github_errors import RETRIES_S, Retries, our_errors
from lot.forge.web_address import web_address

RENEW_BEFORE = timedelta(minutes=10)
"""An installation's token lives for an hour; git asks with it when a transfer begins, and again while it lasts."""

_PAGE, _MAX_PAGES = 100, 10
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class GitHubHost:
    """Implements `GitHost` through `githubkit`."""

    def __init__(
        self,
        url: str,
        secret: AccountSecret,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        retries_s: Sequence[float] = RETRIES_S,
    ) -> None:
        self.url, self.name = url, httpx.URL(url).netloc.decode()
        self._secret, self._now, self._retries = secret, now, Retries(retries_s)
        self._made: tuple[SecretStr, datetime] | None = None
        self._making = anyio.Lock()

    @classmethod
    def connect(cls, url: str | None, secret: AccountSecret, now: Callable[[], datetime]) -> Self:
        """Return the host for what a user gave.

        Raises:
            InvalidInputError: the address is none, or the private key cannot be read.
        """
        if isinstance(secret, AppSecret):
            require_key(secret.app.private_key)
        return cls(web_address(url or DEFAULT_URL), secret, now)

    async def identify(self) -> HostIdentity:
        """Ask GitHub who this is: the user, or the app's own user (`name[bot]`), to whom its commits are shown."""
        with our_errors(self.name, "say who it is"):
            github = await self.client()
            if isinstance(self._secret, AppSecret):
                app = app_client(self.url, self._secret.app, self._retries)
                installed = (await app.rest.apps.async_get_installation(self._secret.installation_id)).json()
                login = f"{installed['app_slug']}[bot]"
                user: Any = (await github.rest.users.async_get_by_username(login)).json()
            else:
                user = (await github.rest.users.async_get_authenticated()).json()
        # The address under which GitHub knows a user who shows none. Source: docs.github.com, "Email addresses".
        hidden = f"{user['id']}+{user['login']}@users.noreply.{httpx.URL(self.url).host}"
        return HostIdentity(
            login=user["login"],
            author_name=user.get("name") or user["login"],
            author_email=user.get("email") or hidden,
        )

    async def list_repositories(self) -> list[HostRepository]:
        """Return the granted repositories, those pushed to last first; at most 1000."""
        found: list[HostRepository] = []
        github = await self.client()
        with our_errors(self.name, "list its repositories"):
            for page in range(1, _MAX_PAGES + 1):
                listed: Any
                if isinstance(self._secret, AppSecret):
                    answer = await github.rest.apps.async_list_repos_accessible_to_installation(
                        per_page=_PAGE, page=page
                    )
                    listed = answer.json()["repositories"]
                else:
                    listed = (
                        await github.rest.repos.async_list_for_authenticated_user(
                            sort="pushed", per_page=_PAGE, page=page
                        )
                    ).json()
                found += [_repository(one) for one in listed]
                if len(listed) < _PAGE:
                    break
        return found

    async def get_repository(self, name: str) -> HostRepository:
        """Return a repository by `owner/name`, or by its address at this host.

        Raises:
            RepositoryError: it does not exist, or was not granted.
        """
        full_name = name.removeprefix(f"{self.url}/").rstrip("/").removesuffix(".git")
        if not _NAME.fullmatch(full_name):
            raise RepositoryError(f"{name} is no repository at {self.name}: give it as owner/name")
        owner, _, repository = full_name.partition("/")
        github = await self.client()
        with our_errors(self.name, f"read the repository {full_name}"):
            return _repository((await github.rest.repos.async_get(owner, repository)).json())

    async def credential(self) -> GitCredential:
        """Return what git is to answer; GitHub looks at the token alone."""
        return GitCredential(url=self.url, username="x-access-token", password=await self._token())

    def forge(self, project: Project, mirrors: ProjectMirrors) -> GitHubForge:
        """Return the forge of a project that was made with this account."""
        return GitHubForge(self.client, self.url, mirrors, project)

    async def client(self) -> GitHub[Any]:
        """Return a client that is signed in; hold it while it is used, for what it lends refers to it weakly."""
        return github_client(self.url, (await self._token()).get_secret_value(), self._retries)

    async def _token(self) -> SecretStr:
        """Return the user's token, or the installation's: made anew before the last one expires."""
        if isinstance(self._secret, TokenSecret):
            return self._secret.token
        async with self._making:
            if self._made is None or self._made[1] - self._now() < RENEW_BEFORE:
                app = app_client(self.url, self._secret.app, self._retries)
                installation = self._secret.installation_id
                with our_errors(self.name, "make a token for the app's installation"):
                    made = (await app.rest.apps.async_create_installation_access_token(installation)).json()
                self._made = SecretStr(made["token"]), datetime.fromisoformat(made["expires_at"])
            return self._made[0]


def _repository(told: Any) -> HostRepository:
    return HostRepository(
        full_name=told["full_name"],
        clone_url=told["clone_url"],
        default_branch=told["default_branch"],
        is_private=told["private"],
        can_push=(told.get("permissions") or {}).get("push", False),
    )
