"""Which Debian mirror this machine uses, and what the same mirror calls the release that Lot takes packages from.

Reads the system's apt sources and never changes them. Source of the formats: sources.list(5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lot.core.errors import SetupError

RELEASE = "trixie"
"""Debian 13: its `runsc` is the newest of Debian's that works (docs/sandbox.md); the base image is made of it too."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_DEBIAN_SUITE = re.compile(
    r"^(?:bullseye|bookworm|trixie|forky|sid|unstable|testing|stable|oldstable)(?P<pocket>-updates|-security)?$"
)
_POCKETS = ("", "-updates", "-security")


@dataclass(frozen=True, slots=True, kw_only=True)
class AptSource:
    """One place that apt takes binary packages from."""

    uri: str
    suite: str
    components: tuple[str, ...]


def read_sources(etc_apt: Path) -> list[AptSource]:
    """Return the enabled binary sources below `etc_apt`, in the order apt reads them; unreadable lines are skipped."""
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    found: list[AptSource] = []
    for file in files:
        if not file.is_file():
            continue
        text = file.read_text(errors="replace")
        if file.suffix == ".list":
            found += parse_one_line(text)
        elif file.suffix == ".sources":
            found += parse_deb822(text)
    return found


def parse_one_line(text: str) -> list[AptSource]:
    """Read the format of `sources.list`: `deb [options] uri suite component...`."""
    found = []
    for line in text.splitlines():
        words = re.sub(r"\[[^\]]*\]", " ", line.partition("#")[0]).split()
        if len(words) >= 4 and words[0] == "deb":
            found.append(AptSource(uri=words[1], suite=words[2], components=tuple(words[3:])))
    return found


def parse_deb822(text: str) -> list[AptSource]:
    """Read the format of `*.sources`: stanzas of fields, each of which may name several URIs and suites."""
    found = []
    for stanza in _stanzas(text):
        enabled = stanza.get("enabled", "yes").lower() not in ("no", "false", "0")
        if not enabled or "deb" not in stanza.get("types", "").split():
            continue
        components = tuple(stanza.get("components", "").split())
        found += [
            AptSource(uri=uri, suite=suite, components=components)
            for uri in stanza.get("uris", "").split()
            for suite in stanza.get("suites", "").split()
        ]
    return found


def _stanzas(text: str) -> Iterator[Mapping[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", lines):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def debian_sources(sources: Iterable[AptSource], chosen_mirror: str | None = None) -> list[AptSource]:
    """Return the sources of `RELEASE` on the mirrors that the system itself uses.

    A dated mirror (one whose address holds a day, as snapshot services have) keeps its date: only the suite changes.

    Args:
        sources: What the system uses.
        chosen_mirror: Address of a Debian mirror to use instead.

    Raises:
        SetupError: the system names no Debian mirror.
    """
    if chosen_mirror is not None:
        return [AptSource(uri=chosen_mirror, suite=RELEASE, components=("main",))]
    mirrors: dict[str, str] = {}
    for source in sources:
        match = _DEBIAN_SUITE.match(source.suite)
        if match and "main" in source.components:
            mirrors.setdefault(match["pocket"] or "", _plain_address(source.uri))
    if "" not in mirrors:
        raise SetupError(
            "No Debian mirror is named in /etc/apt/sources.list or /etc/apt/sources.list.d. "
            "Next step: `lot setup --debian-mirror ADDRESS` with the address of one."
        )
    return [
        AptSource(uri=mirrors[pocket], suite=RELEASE + pocket, components=("main",))
        for pocket in _POCKETS
        if pocket in mirrors
    ]


def _plain_address(uri: str) -> str:
    """Return an address that is right in a sandbox too: cloud images keep theirs in a list that only the host has."""
    scheme, _, path = uri.partition("+file:")
    if scheme != "mirror" or not Path(path).is_file():
        return uri
    lines = (line.split() for line in Path(path).read_text().splitlines() if not line.startswith("#"))
    return next((words[0] for words in lines if words), uri)


def as_deb822(sources: Iterable[AptSource], keyring: Path = KEYRING) -> str:
    """Return the text of a `.sources` file whose packages must be signed by a key in `keyring`."""
    return "\n".join(
        f"Types: deb\nURIs: {source.uri}\nSuites: {source.suite}\n"
        f"Components: {' '.join(source.components)}\nSigned-By: {keyring}\n"
        for source in sources
    )
