"""Links of plain remotes, and which projects have one."""

from dataclasses import replace
from typing import Any

import pytest
from forge_hosts import LINK, PROJECT, remote_host

from lot.forge.hosts import StoredHosts
from lot.forge.local import LocalForge
from lot.forge.remote import RemoteForge, compare_url, find_link


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("Create a pull request for 'x' on GitHub by visiting:\n https://github.com/a/b/pull/new/x\n", "pull/new/x"),
        ("To create a merge request, visit:\n  https://g.example/a/b/-/merge_requests/new?m%5Bs%5D=x", "%5Bs%5D=x"),
        ("See https://host/a.", "host/a"),
        ("3 vulnerabilities: https://github.com/a/b/security\nCreate https://github.com/a/b/pull/new/x", "pull/new/x"),
    ],
)
def test_link_that_a_host_prints_is_found(said: str, link: str) -> None:
    found = find_link(said)
    assert found is not None
    assert found.endswith(link)


def test_host_that_prints_none_has_no_link() -> None:
    assert find_link("Processing changes: refs: 1, new: 1, done") is None


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("git@github.com:ada/app.git", "https://github.com/ada/app/compare/main...lot/x?expand=1"),
        ("ssh://git@codeberg.org/ada/app", "https://codeberg.org/ada/app/compare/main...lot/x"),
        (
            "https://token@bitbucket.org/ada/app.git",
            "https://bitbucket.org/ada/app/pull-requests/new?source=lot/x&dest=main",
        ),
        ("https://git.example/ada/app.git", None),
        ("/srv/app.git", None),
    ],
)
def test_page_of_a_known_host_is_made_from_its_address(source: str, url: str | None) -> None:
    assert compare_url(source, "main", "lot/x") == url


async def test_pull_request_of_a_remote_has_the_link_that_it_printed(tmp_path: Any) -> None:
    host = await remote_host(tmp_path)
    opened = await host.opened(host.push("two\n"))
    assert opened.url == LINK
    assert (await host.forge.read_pull_request(opened)).url == LINK


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("/srv/app.git", LocalForge),
        ("file:///srv/app.git", LocalForge),
        ("https://git.example/app.git", RemoteForge),
        ("git@git.example:app.git", RemoteForge),
        ("ssh://git.example/app.git", RemoteForge),
    ],
)
async def test_project_without_an_account_is_merged_by_lot_only_in_a_folder(source: str, kind: type) -> None:
    nothing: Any = None
    hosts = StoredHosts(nothing, nothing)
    assert isinstance(await hosts.forge_of(replace(PROJECT, source=source), nothing), kind)
