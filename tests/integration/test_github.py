"""GitHub accounts and their forge against a mock: what goes wrong at a host, and where the secrets are not."""

import os
import shutil
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import pytest
from forge_hosts import AT_ONCE, PROJECT, RETRIES_S, Host, connected, git, mock_github_host, new_repository
from github_description import Description
from github_mock import API, APP, INSTALLATION, TOKEN, MockGitHub, serving
from pydantic import SecretStr

from lot.broker.mirror import Mirrors
from lot.core.credentials import AppKey, AppSecret, GitCredential, TokenSecret
from lot.core.errors import (
    AccountRefusedError,
    GitError,
    HostUnreachableError,
    InvalidInputError,
    NothingToDoError,
    RateLimitedError,
    RepositoryError,
)
from lot.core.records import PullRequestState
from lot.forge.forge import Check, ForgePullRequest, HostInstallation, ReviewComment
from lot.forge.github_app import list_installations
from lot.forge.github_client import api_url
from lot.forge.github_host import GitHubHost

pytestmark = pytest.mark.anyio
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def github(github_description: Description, tmp_path: Path) -> Iterator[MockGitHub]:
    new_repository(tmp_path)
    with serving(MockGitHub(github_description, tmp_path)) as mock:
        yield mock


@pytest.fixture
async def host(github: MockGitHub, tmp_path: Path) -> Host:
    return await mock_github_host(tmp_path, github, TOKEN)


def by_token(github: MockGitHub, token: str = TOKEN) -> GitHubHost:
    return GitHubHost(github.url, TokenSecret(token=SecretStr(token)), retries_s=RETRIES_S)


def app_secret(github: MockGitHub) -> AppSecret:
    return AppSecret(app_id=APP, installation_id=INSTALLATION, private_key=SecretStr(github.private_key))


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("/repos/ada/sample/pulls", {"head": "x", "base": "main", "colour": "red"}, "colour is not described"),
        ("/repos/ada/sample/pulls", {"title": "x", "head": "x"}, "'base' is a required property"),
        ("/repos/ada/sample/pulls", {"title": "x", "head": 7, "base": "main"}, "7 is not of type 'string'"),
        ("/repos/ada/sample/pulls?page=x", {"title": "x", "head": "x", "base": "main"}, "page is not described"),
    ],
)
def test_mock_refuses_what_does_not_fit_the_description(
    github: MockGitHub, path: str, body: dict[str, object], fault: str
) -> None:
    answer = httpx.post(f"{github.url}{API}{path}", json=body, headers=AUTHORIZED, trust_env=False)
    assert answer.status_code == 400
    assert fault in answer.json()["message"]
    github.faults.clear()


# Who it is, and what it was granted


async def test_user_is_known_by_their_token(github: MockGitHub) -> None:
    seen = await by_token(github).identify()
    hidden = "42+ada@users.noreply.127.0.0.1"
    assert (seen.login, seen.author_name, seen.author_email) == ("ada", "Ada Lovelace", hidden)
    github.email = "ada@example.org"
    assert (await by_token(github).identify()).author_email == "ada@example.org"


async def test_app_is_known_by_its_installation(github: MockGitHub) -> None:
    host = GitHubHost(github.url, app_secret(github))
    seen = await host.identify()
    assert (seen.login, seen.author_email) == ("lot-app[bot]", "43+lot-app[bot]@users.noreply.127.0.0.1")
    assert [one.full_name for one in await host.list_repositories()] == ["ada/sample"]


async def test_installations_of_an_app_are_listed_over_all_pages(github: MockGitHub) -> None:
    github.suspended = {INSTALLATION + 1}
    github.installations = 101
    found = await list_installations(github.url, app_secret(github).app)
    first = HostInstallation(id=INSTALLATION, account="ada", has_all_repositories=False, is_suspended=False)
    assert (len(found), found[0]) == (101, first)
    assert [one.id for one in found if one.is_suspended] == [INSTALLATION + 1]


async def test_app_that_the_host_does_not_know_is_refused_without_its_key(github: MockGitHub) -> None:
    for app in (
        AppKey(app_id=APP + 1, private_key=SecretStr(github.private_key)),
        AppKey(app_id=APP, private_key=SecretStr(MockGitHub(github.description, github.folder).private_key)),
    ):
        with pytest.raises(AccountRefusedError, match=f"no app {app.app_id} with this key") as caught:
            await list_installations(github.url, app)
        assert app.private_key.get_secret_value()[40:80] not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(InvalidInputError, match="PEM"):
        await list_installations(github.url, AppKey(app_id=APP, private_key=SecretStr("none")))
    github.down_for = 9
    with pytest.raises(HostUnreachableError):
        await list_installations(github.url, app_secret(github).app, RETRIES_S)


async def test_only_granted_repositories_are_listed_and_chosen(github: MockGitHub) -> None:
    host = by_token(github)
    [one] = await host.list_repositories()
    assert (one.full_name, one.default_branch, one.can_push) == ("ada/sample", "main", True)
    assert await host.get_repository(f"{github.url}/ada/sample.git") == one
    with pytest.raises(RepositoryError, match="not granted to the account"):
        await host.get_repository("ada/other")
    with pytest.raises(RepositoryError, match="owner/name"):
        await host.get_repository("../ada/sample")


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://team.ghe.com", "https://api.team.ghe.com"),
        ("https://git.example.org", "https://git.example.org/api/v3"),
    ],
)
def test_api_of_a_host_is_found(address: str, api: str) -> None:
    assert api_url(address) == api


@pytest.mark.parametrize("address", ["http://git.example.org", "ftp://x", "https://a:b@host", "https://"])
def test_address_that_would_show_the_secret_or_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidInputError):
        GitHubHost.connect(address, TokenSecret(token=SecretStr(TOKEN)), lambda: datetime.now(UTC))


def test_private_key_that_is_none_is_refused_without_repeating_it() -> None:
    secret = AppSecret(app_id=1, installation_id=1, private_key=SecretStr("of-the-key"))
    with pytest.raises(InvalidInputError, match="PEM") as caught:
        GitHubHost.connect(None, secret, lambda: datetime.now(UTC))
    assert "of-the-key" not in "".join(traceback.format_exception(caught.value))


async def test_installation_token_is_used_until_it_is_about_to_expire_then_renewed(
    github: MockGitHub, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    account = GitHubHost(github.url, app_secret(github), lambda: now)
    host = await connected(tmp_path, account, "ada/sample")
    opened = await host.opened(host.push("two\n"))
    assert github.made_tokens == 1
    github.tokens.clear()
    github.installation_token_s += 51 * 60
    now += timedelta(minutes=51)
    updated = await host.forge.update_pull_request(opened, host.push("three\n"))
    assert (github.made_tokens, host.head(host.branch)) == (2, updated.head_commit)


# Pull requests


async def test_pull_request_has_title_text_and_a_page(github: MockGitHub, host: Host) -> None:
    opened = await host.open(host.push("two\n"))
    [pull] = github.pulls
    assert (pull.title, pull.body, pull.base, pull.head) == ("Fix", "It was broken.", "main", host.branch)
    assert (opened.number, opened.url) == (pull.number, f"{github.url}/ada/sample/pull/{pull.number}")


async def test_branch_that_has_a_pull_request_already_gets_no_second(github: MockGitHub, host: Host) -> None:
    head = host.push("two\n")
    seen: list[ForgePullRequest] = []

    async def open_() -> None:
        seen.append(await host.open(head))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_)
        tasks.start_soon(open_)
    assert seen[0] == seen[1]
    assert len(github.pulls) == 1


async def test_closed_merged_and_draft_are_told_apart(github: MockGitHub, host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    [pull] = github.pulls
    pull.draft = True
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.DRAFT
    updated = await host.forge.update_pull_request(opened, host.push("three\n"))
    assert updated.state is PullRequestState.DRAFT
    with pytest.raises(GitError, match="is a draft: mark it as ready"):
        await host.forge.merge(opened)
    pull.state, pull.draft = "closed", False
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.CLOSED
    with pytest.raises(NothingToDoError, match="is closed"):
        await host.forge.merge(opened)


async def test_closed_pull_request_is_followed_by_a_new_one_of_another_branch(github: MockGitHub, host: Host) -> None:
    await host.open(host.push("two\n"))
    github.pulls[0].state = "closed"
    again = replace(host, branch=f"{host.branch}--2")
    opened = await again.open(again.push("three\n"))
    assert [(one.number, one.state) for one in github.pulls] == [(11, "closed"), (12, "open")]
    assert opened.number == 12


async def test_merge_takes_only_what_lot_has_seen(github: MockGitHub, host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    host.commit_on(host.branch, "by hand\n", name="b.txt")
    assert (await host.forge.read_pull_request(opened)).head_commit == host.head(host.branch)
    with pytest.raises(GitError, match="Somebody pushed to its branch"):
        await host.forge.merge(opened)


async def test_checks_and_comments_are_told(github: MockGitHub, host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    page = f"{github.url}/ada/sample/runs/1"
    github.checks = [{"name": "tests", "status": "completed", "conclusion": "failure", "html_url": page}]
    github.statuses = [{"context": "ci/old", "state": "pending", "target_url": None}]
    github.comments = [{"path": "a.txt", "line": 1, "body": "Why?", "html_url": page, "subject_type": "line"}]
    assert await host.forge.list_checks(opened) == [
        Check(name="tests", status="completed", conclusion="failure", url=page),
        Check(name="ci/old", status="in_progress", conclusion=None, url=""),
    ]
    [comment] = await host.forge.list_review_comments(opened)
    assert comment == ReviewComment(author="octocat", path="a.txt", line=1, body="Why?", url=page)


async def test_right_that_is_missing_is_named(github: MockGitHub, host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    github.may_read_checks = False
    with pytest.raises(AccountRefusedError, match=r"does not let the account read its checks .*grant it that right"):
        await host.forge.list_checks(opened)


# Faults


async def test_revoked_token_is_reported_the_work_kept_and_taken_up_again(github: MockGitHub, host: Host) -> None:
    head = host.push("two\n")
    github.tokens.clear()
    with pytest.raises(AccountRefusedError, match=r"The work is kept.*`lot account connect`"):
        await host.open(head)
    with pytest.raises(AccountRefusedError, match="revoked or has expired"):
        await by_token(github).identify()
    with pytest.raises(AccountRefusedError, match="`lot account connect`"):
        await host.mirrors.fetch(PROJECT.id)
    github.tokens.add(TOKEN)
    assert (await host.open(head)).state is PullRequestState.OPEN


async def test_host_that_is_down_for_a_moment_is_asked_again(github: MockGitHub, host: Host) -> None:
    head = host.push("two\n")
    github.down_for, github.api_down_for = 2, 2
    assert (await host.open(head)).state is PullRequestState.OPEN
    assert len(github.pulls) == 1


async def test_host_that_stays_down_is_reported_and_taken_up_again(github: MockGitHub, host: Host) -> None:
    head = host.push("two\n")
    github.down_for = 100
    with pytest.raises(HostUnreachableError, match="The work is kept"):
        await host.open(head)
    with pytest.raises(HostUnreachableError, match="cannot answer now"):
        await by_token(github).identify()
    github.down_for = 0
    assert (await host.open(head)).state is PullRequestState.OPEN


async def test_branch_that_was_pushed_without_its_pull_request_gets_it_by_the_next_call(
    github: MockGitHub, host: Host
) -> None:
    head = host.push("two\n")
    github.api_down_for = 100
    with pytest.raises(HostUnreachableError, match="is pushed and the work is kept: `lot session pr` goes on"):
        await host.open(head)
    assert (host.head(host.branch), github.pulls) == (head, [])
    github.api_down_for = 0
    assert (await host.open(head)).head_commit == head


async def test_host_that_is_not_there_is_reported(tmp_path: Path) -> None:
    nowhere = GitHubHost("http://127.0.0.1:9", TokenSecret(token=SecretStr(TOKEN)), retries_s=RETRIES_S)
    with pytest.raises(HostUnreachableError, match=r"127\.0\.0\.1:9 does not answer"):
        await nowhere.identify()


async def test_rate_limit_says_when_to_try_again(github: MockGitHub, host: Host) -> None:
    github.rate_limited_s = 120
    with pytest.raises(RateLimitedError, match=r"until .* UTC") as caught:
        await by_token(github).identify()
    assert caught.value.retry_after_s == 120


# Secrets


async def test_token_is_in_no_file_argument_or_message(
    github: MockGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, arguments = shutil.which("git"), tmp_path / "arguments"
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "git"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{arguments}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    host = await mock_github_host(tmp_path, github, TOKEN)
    await host.opened(host.push("two\n"))
    await host.mirrors.fetch(PROJECT.id)
    github.tokens.clear()
    with pytest.raises(AccountRefusedError) as caught:
        await host.mirrors.push_branch(PROJECT.id, host.branch)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert "push" in arguments.read_text()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []


async def test_no_other_host_is_told_the_token(github: MockGitHub, tmp_path: Path) -> None:
    credential = GitCredential(url="https://elsewhere.example", username="ada", password=SecretStr(TOKEN))
    with pytest.raises(RepositoryError, match="could not read Username"):
        await Mirrors(tmp_path / "other").create(
            PROJECT.id, f"{github.url}/ada/sample.git", None, credential=credential
        )
    assert [seen.authorization for seen in github.seen] == [""]


async def test_source_is_fetched_with_the_token_that_is_there_now(github: MockGitHub, tmp_path: Path) -> None:
    tokens = [TOKEN]
    account = by_token(github)

    async def credential_of(_: object) -> GitCredential:
        return GitCredential(url=github.url, username="x", password=SecretStr(tokens[-1]))

    mirrors = Mirrors(tmp_path / "mirrors", credential_of, AT_ONCE)
    await mirrors.create(PROJECT.id, f"{github.url}/ada/sample.git", None, credential=await account.credential())
    github.tokens = {"another"}
    with pytest.raises(AccountRefusedError):
        await mirrors.fetch(PROJECT.id)
    tokens.append("another")
    assert await mirrors.fetch(PROJECT.id) == git(tmp_path / "host", "rev-parse", "main")
