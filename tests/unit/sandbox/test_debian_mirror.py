"""The mirror is read from whatever form the system's apt sources have."""

from pathlib import Path

import pytest

from lot.core.errors import SetupError
from lot.sandbox.debian_mirror import AptSource, as_deb822, debian_sources, parse_deb822, parse_one_line, read_sources

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://mirror.example/other
Suites: bookworm
Components: main

Types: deb-src
URIs: http://mirror.example/source
Suites: bookworm
Components: main
"""


def source(uri: str, suite: str) -> AptSource:
    return AptSource(uri=uri, suite=suite, components=("main",))


def test_deb822_stanza_is_read_once_per_suite_and_disabled_and_source_ones_are_not() -> None:
    found = parse_deb822(DEB822)
    assert [(entry.suite, entry.components) for entry in found] == [
        ("bookworm", ("main", "contrib")),
        ("bookworm-updates", ("main", "contrib")),
    ]


def test_one_line_format_is_read_with_its_options_and_comments_left_out() -> None:
    text = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # why\n#deb http://x y main\n"
    assert parse_one_line(text) == [source("http://mirror.example/debian", "bookworm")]


def test_both_formats_are_read_from_the_system_in_order(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://first.example/debian bookworm main\n")
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/old.list.disabled").write_text("deb http://never.example/debian bookworm main\n")
    assert [entry.uri for entry in read_sources(tmp_path)][:2] == [
        "http://first.example/debian",
        "http://mirror.example/debian",
    ]


def test_a_system_without_apt_sources_has_none(tmp_path: Path) -> None:
    assert read_sources(tmp_path) == []


def test_the_release_is_taken_from_the_mirrors_of_the_system() -> None:
    system = [
        source("http://mirror.example/debian", "bookworm"),
        source("http://mirror.example/debian-security", "bookworm-security"),
        source("https://packages.example/cloud", "cloud-sdk-bookworm"),
    ]
    assert debian_sources(system) == [
        source("http://mirror.example/debian", "trixie"),
        source("http://mirror.example/debian-security", "trixie-security"),
    ]


def test_a_dated_mirror_keeps_its_date() -> None:
    dated = "http://snapshot.example/archive/debian/20260101T000000Z"
    assert debian_sources([source(dated, "bookworm")]) == [source(dated, "trixie")]


def test_a_mirror_list_of_the_host_is_replaced_by_the_address_in_it(tmp_path: Path) -> None:
    mirrors = tmp_path / "debian.list"
    mirrors.write_text("# mirrors\nhttps://mirror.example/debian\tpriority:1\n")
    found = debian_sources([source(f"mirror+file:{mirrors}", "bookworm")])
    assert found == [source("https://mirror.example/debian", "trixie")]


def test_a_system_without_a_debian_mirror_is_told_to_name_one() -> None:
    with pytest.raises(SetupError, match="--debian-mirror"):
        debian_sources([source("http://mirror.example/ubuntu", "noble")])


def test_a_named_mirror_is_used_before_the_systems() -> None:
    found = debian_sources([source("http://mirror.example/debian", "bookworm")], "http://named.example/debian")
    assert found == [source("http://named.example/debian", "trixie")]


def test_written_sources_ask_for_signatures_and_are_read_back_as_they_were() -> None:
    sources = [source("http://mirror.example/debian", "trixie"), source("http://s.example/debian", "trixie-security")]
    text = as_deb822(sources)
    assert text.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg") == 2
    assert parse_deb822(text) == sources
