"""Where a `runsc` can come from: installed on this machine, upstream's release, or Debian's package.

Each source brings a binary into a folder and proves nothing; `runtime.py` chooses.
"""

import hashlib
import platform
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from lot.core.errors import SetupError
from lot.sandbox.debian_mirror import AptSource, as_deb822, debian_sources, read_sources

SourceName = Literal["installed", "upstream", "debian-trixie"]

UPSTREAM = "https://storage.googleapis.com/gvisor/releases/release/latest"
CONNECT_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 30.0
APT_TIMEOUT_S = 300.0

Fetched = Callable[[float], None]
"""Told how much of a download is there, from 0.0 to 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSource:
    """One place that a binary can come from."""

    name: SourceName
    fetch: Callable[[Path, Fetched], None]
    """Write the binary to a path; raises `SetupError` with the reason when it cannot."""


def runtime_sources(etc_apt: Path, debian_mirror: str | None = None) -> tuple[RuntimeSource, ...]:
    """Return the places to try, the preferred one first.

    Args:
        etc_apt: Folder of the system's apt sources.
        debian_mirror: Address of a Debian mirror to use instead of the system's.
    """

    def from_debian(into: Path, fetched: Fetched) -> None:
        fetch_from_debian(into, fetched, debian_sources(read_sources(etc_apt), debian_mirror))

    return (
        RuntimeSource(name="installed", fetch=copy_installed),
        RuntimeSource(name="upstream", fetch=fetch_from_upstream),
        RuntimeSource(name="debian-trixie", fetch=from_debian),
    )


def copy_installed(into: Path, fetched: Fetched) -> None:
    """Copy the `runsc` on the PATH, so that an upgrade of it does not change what images were saved with."""
    found = shutil.which("runsc")
    if found is None:
        raise SetupError("there is no runsc on the PATH")
    shutil.copyfile(found, into)
    fetched(1.0)


def fetch_from_upstream(into: Path, fetched: Fetched, base: str = UPSTREAM) -> None:
    """Download upstream's newest release and compare it with the checksum that upstream publishes beside it."""
    address = f"{base}/{platform.machine()}/runsc"
    timeout = httpx.Timeout(DOWNLOAD_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        # The system's certificates, not those bundled with Python packages: companies add their own.
        with httpx.Client(timeout=timeout, verify=ssl.create_default_context(), follow_redirects=True) as client:
            published = client.get(f"{address}.sha512").raise_for_status().text.split()
            seen = _download(client, address, into, fetched)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SetupError(f"upstream's release cannot be downloaded: {error}") from error
    if not published or published[0] != seen:
        raise SetupError("upstream's release does not have the checksum published beside it")


def _download(client: httpx.Client, address: str, into: Path, fetched: Fetched) -> str:
    digest = hashlib.sha512()
    with client.stream("GET", address) as response, into.open("wb") as output:
        response.raise_for_status()
        expected = int(response.headers.get("Content-Length", 0))
        for chunk in response.iter_bytes(1 << 20):
            output.write(chunk)
            digest.update(chunk)
            if expected:
                fetched(min(1.0, response.num_bytes_downloaded / expected))
    return digest.hexdigest()


def fetch_from_debian(into: Path, fetched: Fetched, sources: list[AptSource]) -> None:
    """Take the binary out of Debian's package; apt works in a folder of its own and checks signatures as always."""
    with tempfile.TemporaryDirectory(prefix="lot-apt-") as name:
        folder = Path(name)
        options = private_apt(folder, as_deb822(sources))
        _apt(folder, "apt-get", *options, "update")
        # Without this an index that cannot be fetched is a mere warning, and the next step blames the package.
        if not list((folder / "lists").glob("*Packages*")):
            raise SetupError("the mirror has no package index for the release; see `apt-get update`")
        fetched(0.6)
        _apt(folder, "apt-get", *options, "download", "runsc")
        packages = list(folder.glob("runsc_*.deb"))
        if not packages:
            raise SetupError("the mirror has no package runsc")
        fetched(0.9)
        _apt(folder, "dpkg-deb", "--extract", str(packages[0]), str(folder / "content"))
        shutil.copyfile(folder / "content/usr/bin/runsc", into)
        fetched(1.0)


def private_apt(folder: Path, sources: str) -> list[str]:
    """Prepare `folder` as the whole state of an apt and return the options that make apt use it."""
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "lot.sources").write_text(sources)
    settings = {
        "Dir::Etc::sourcelist": folder / "lot.sources",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _apt(folder: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=APT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        raise SetupError(f"{command[0]} {command[-1]} failed with code {done.returncode}: {said[-500:]}")


def version_of(binary: Path) -> str:
    """Return the version that a runsc states, such as `release-20240729.0` or `0.0~20240729.0`.

    Raises:
        SetupError: it does not run, or is no runsc.
    """
    try:
        done = subprocess.run([binary, "--version"], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"it does not run: {error}") from error
    match = re.search(r"runsc version (\S+)", done.stdout)
    if match is None:
        raise SetupError(f"it states no version: {(done.stdout + done.stderr).strip()[-200:]}")
    return match[1]
