"""What every forge must do, run against each of them. A new git host is one more entry in `HOSTS`.

With `LOT_TEST_GITHUB_TOKEN` and `LOT_TEST_GITHUB_REPOSITORY` (owner/name) the suite also runs against github.com.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from forge_hosts import PROJECT, Host, live_github_host, local_host, mock_github_host, new_repository, remote_host
from github_description import Description
from github_mock import TOKEN, MockGitHub, serving

from lot.core.errors import GitError, NothingToDoError, NotSupportedError
from lot.core.records import PullRequestState
from lot.forge.forge import ForgeCapability

Make = Callable[[pytest.FixtureRequest, Path, AsyncExitStack], Awaitable[Host]]


async def _local(_: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> Host:
    return await local_host(folder)


async def _remote(_: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> Host:
    return await remote_host(folder)


async def _mock_github(request: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> Host:
    description: Description = request.getfixturevalue("github_description")
    new_repository(folder)
    mock = stack.enter_context(serving(MockGitHub(description, folder)))
    return await mock_github_host(folder, mock, TOKEN)


async def _live_github(_: pytest.FixtureRequest, folder: Path, stack: AsyncExitStack) -> Host:
    token, name = os.environ.get("LOT_TEST_GITHUB_TOKEN"), os.environ.get("LOT_TEST_GITHUB_REPOSITORY")
    if not token or not name:
        pytest.skip("needs LOT_TEST_GITHUB_TOKEN and LOT_TEST_GITHUB_REPOSITORY")
    return await live_github_host(folder, token, name)


HOSTS: dict[str, Make] = {
    "local": _local,
    "remote": _remote,
    "github": _mock_github,
    "live github": _live_github,
}


@pytest.fixture(params=HOSTS)
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    async with AsyncExitStack() as stack:
        made = await HOSTS[request.param](request, tmp_path, stack)
        stack.callback(made.clean_up)
        yield made


async def test_opened_pull_request_has_its_branch_on_the_host(host: Host) -> None:
    head = host.push("two\n")
    opened = await host.opened(head)
    assert (opened.state, opened.head_commit) == (PullRequestState.OPEN, head)
    assert host.head(host.branch) == head


async def test_update_brings_new_commits_to_the_same_branch(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    head = host.push("three\n")
    updated = await host.forge.update_pull_request(opened, head)
    assert (updated.number, updated.url, updated.head_commit) == (opened.number, opened.url, head)
    assert updated.state is PullRequestState.OPEN
    assert host.head(host.branch) == head


async def test_patch_is_the_branchs_change_before_and_after_the_merge(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    host.commit_on(host.base, "elsewhere\n", name="b.txt")
    before = await host.forge.patch(opened)
    assert "-one\n+two\n" in before
    assert "elsewhere" not in before
    merged = await host.merge(opened)
    assert await host.forge.patch(merged) == before


async def test_merge_reaches_the_hosts_base_branch(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    assert (await host.merge(opened)).state is PullRequestState.MERGED
    assert host.show(host.base, "a.txt") == "two"
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.MERGED


async def test_conflict_changes_nothing_and_names_the_next_step(host: Host) -> None:
    if ForgeCapability.MERGE not in host.forge.capabilities:
        pytest.skip("is merged by hand")
    opened = await host.opened(host.push("two\n"))
    before = host.commit_on(host.base, "other\n")
    with pytest.raises(GitError, match=r"conflicts with .*then merge again"):
        await host.forge.merge(opened)
    assert host.head(host.base) == before
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.OPEN


async def test_merge_by_somebody_else_is_noticed(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    host.merge_by_hand()
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.MERGED


async def test_nothing_new_opens_nothing(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    await host.merge(opened)
    with pytest.raises(NothingToDoError):
        await host.opened(opened.head_commit)


async def test_refused_push_opens_nothing_keeps_the_work_and_is_taken_up_again(host: Host) -> None:
    if not host.can_refuse:
        pytest.skip("its hooks are not ours")
    head = host.push("two\n")
    host.refuse_pushes("you may not push here")
    with pytest.raises(GitError, match=r"you may not push here.*The work is kept"):
        await host.open(head)
    assert await host.mirrors.head(PROJECT.id, host.branch) == head
    host.take_pushes()
    assert (await host.open(head)).state is PullRequestState.OPEN


async def test_protected_branch_is_named_with_the_next_step(host: Host) -> None:
    if not host.can_refuse:
        pytest.skip("its hooks are not ours")
    head = host.push("two\n")
    host.refuse_pushes(f"error: GH006: Protected branch update failed for refs/heads/{host.branch}.")
    with pytest.raises(GitError, match=r"GH006.*The work is kept.*allow pushes to lot/\* at the host"):
        await host.open(head)


async def test_push_is_never_forced(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    theirs = host.commit_on(host.branch, "by hand\n", name="b.txt")
    with pytest.raises(GitError):
        await host.forge.update_pull_request(opened, host.push("three\n"))
    assert host.head(host.branch) == theirs


async def test_ability_that_is_not_declared_is_refused_and_one_that_is_works(host: Host) -> None:
    opened = await host.opened(host.push("two\n"))
    asks = {
        ForgeCapability.CHECKS: host.forge.list_checks,
        ForgeCapability.REVIEW_COMMENTS: host.forge.list_review_comments,
    }
    for capability, ask in asks.items():
        if capability in host.forge.capabilities:
            assert isinstance(await ask(opened), list)
        else:
            with pytest.raises(NotSupportedError):
                await ask(opened)
    if ForgeCapability.MERGE not in host.forge.capabilities:
        with pytest.raises(NotSupportedError, match=r"merge lot/.* at the host"):
            await host.forge.merge(opened)


async def test_closed_pull_request_of_the_local_forge_stays_closed(tmp_path: Path) -> None:
    host = await local_host(tmp_path)
    opened = replace(await host.opened(host.push("two\n")), state=PullRequestState.CLOSED)
    assert (await host.forge.read_pull_request(opened)).state is PullRequestState.CLOSED
    with pytest.raises(NothingToDoError, match="is closed"):
        await host.forge.merge(opened)
