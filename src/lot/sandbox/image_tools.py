"""Calls of skopeo, umoci and tar, which read the images of strangers: bounded in time, in disk and in what they print.

They handle data alone. Nothing of an image is run on the host.
"""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from lot.core.errors import ImageUnavailableError, SetupError

TOOLS = ("skopeo", "umoci")
LAYOUT_TAG = "lot"
_MAX_JSON_BYTES = 4 << 20
"""Of manifests and configurations; registries allow no larger ones either."""
_POLL_S = 0.2
_SAID_BYTES = 2_000
_ENDS_WITH_US = ("setpriv", "--pdeathsig=KILL")
_PASSED_ON = frozenset(
    (
        *("PATH", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        # Where `skopeo login` keeps what the operator has signed in with.
        *("HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """When a tool is ended: how much of a file system it may fill, and whether it is still wanted."""

    folder: Path
    max_bytes: int
    max_files: int
    reserve_bytes: int
    unwanted: Event
    """Set when nobody waits for the result any more."""

    def watch(self) -> Callable[[], str | None]:
        """Return a question: why it has to end, if so. Others may write meanwhile, so that it is about right."""
        before = os.statvfs(self.folder)

        def exceeded() -> str | None:
            now = os.statvfs(self.folder)
            if self.unwanted.is_set():
                return "it is not wanted any more"
            if (before.f_bavail - now.f_bavail) * now.f_frsize > self.max_bytes:
                return f"it takes more than {self.max_bytes >> 20} MiB"
            if before.f_ffree - now.f_ffree > self.max_files:
                return f"it has more than {self.max_files} files"
            if now.f_bavail * now.f_frsize < self.reserve_bytes:
                return f"less than {self.reserve_bytes >> 20} MiB of disk would be left; free some, then try again"
            return None

        return exceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutImage:
    """The one image of an OCI layout: what its configuration says, and what is to be unpacked."""

    digest: str
    architecture: str
    environment: tuple[str, ...]
    packed_bytes: int


def missing_tools() -> list[str]:
    """Return the names of the tools that this machine lacks."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def require_tools() -> None:
    """Refuse when a tool is missing.

    Raises:
        SetupError: with the next step.
    """
    missing = missing_tools()
    if missing:
        names = " ".join(missing)
        raise SetupError(
            f"{' and '.join(missing)}: not installed on this machine, and images other than the default need them. "
            f"Next step: `apt-get install {names}`, or run `make setup`."
        )


def copy_to_layout(source: str, layout: Path, room: Room, timeout_s: float) -> None:
    """Copy an image, as skopeo names it, into a new OCI layout.

    Raises:
        ImageUnavailableError: with what skopeo said.
    """
    _copy(source, f"oci:{layout}:{LAYOUT_TAG}", room, timeout_s)


def copy_to_archive(source: str, archive: Path, room: Room, timeout_s: float) -> None:
    """Copy an image, as skopeo names it, into one new file.

    Raises:
        ImageUnavailableError: with what skopeo said.
    """
    _copy(source, f"oci-archive:{archive}", room, timeout_s)


def open_archive(archive: Path, layout: Path, room: Room, timeout_s: float) -> None:
    """Unpack an OCI archive into a new folder: an OCI layout.

    Not left to skopeo, which follows links in an archive to files of the host.

    Raises:
        ImageUnavailableError: it is no archive, or holds more than files and folders.
    """
    layout.mkdir()
    options = ("--no-same-owner", "--no-same-permissions", "--directory", str(layout))
    _run(("tar", "--extract", *options, "--file", str(archive)), room, timeout_s)
    for folder, folders, files in os.walk(layout):
        for name in (*folders, *files):
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise ImageUnavailableError(f"it is no OCI archive: {name[:100]!r} is neither a file nor a folder")


def unpack(layout: Path, rootfs: Path, room: Room, timeout_s: float) -> None:
    """Unpack the image of a layout into a new folder.

    Raises:
        ImageUnavailableError: with what umoci said.
    """
    _run(("umoci", "raw", "unpack", "--image", f"{layout}:{LAYOUT_TAG}", str(rootfs)), room, timeout_s)


def read_layout(layout: Path) -> LayoutImage:
    """Return what a layout's image says of itself.

    Raises:
        ImageUnavailableError: it is no OCI image.
    """
    try:
        [entry] = _json(layout / "index.json")["manifests"]
        manifest = _json(_blob(layout, entry["digest"]))
        config = _json(_blob(layout, manifest["config"]["digest"]))
        return LayoutImage(
            digest=str(entry["digest"]),
            architecture=str(config["architecture"]),
            environment=tuple(str(variable) for variable in (config.get("config") or {}).get("Env") or ()),
            packed_bytes=sum(int(layer["size"]) for layer in manifest["layers"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ImageUnavailableError(f"it is no OCI image: {type(error).__name__}: {error}") from error


def _copy(source: str, target: str, room: Room, timeout_s: float) -> None:
    _run(("skopeo", "copy", "--quiet", "--remove-signatures", source, target), room, timeout_s)


def _run(command: Sequence[str], room: Room, timeout_s: float) -> None:
    tool, give_up_at = command[0], time.monotonic() + timeout_s
    environment = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON}
    # A temporary folder of theirs may hold a whole image: it belongs where there is room, and is counted there.
    environment |= {"LC_ALL": "C.UTF-8", "TMPDIR": str(room.folder)}
    exceeded = room.watch()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*_ENDS_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment
        ) as process,
    ):
        try:
            while (code := _wait(process)) is None:
                problem = f"{tool} took more than {timeout_s:.0f} s" if time.monotonic() > give_up_at else exceeded()
                if problem is not None:
                    raise ImageUnavailableError(problem)
        except BaseException:
            process.kill()
            raise
        if code != 0:
            raise ImageUnavailableError(_words(tool, code, _end_of(said)))


def _wait(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return None


def _end_of(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _SAID_BYTES))
    return bytes(file.read()).decode(errors="replace")


def _words(tool: str, code: int, said: str) -> str:
    """Return what a tool said, printable and on one line."""
    lines = (line.strip() for line in said.splitlines())
    words = "; ".join(line for line in lines if line)
    shown = "".join(character if character.isprintable() else "?" for character in words)
    return f"{tool} said: {shown}" if shown else f"{tool} ended with code {code}"


def _blob(layout: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    if algorithm != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
        raise ValueError(f"{digest[:80]!r} is no digest")
    return layout / "blobs" / algorithm / name


def _json(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(_MAX_JSON_BYTES + 1)
    if len(content) > _MAX_JSON_BYTES:
        raise ValueError(f"{path.name} is larger than {_MAX_JSON_BYTES >> 20} MiB")
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is no object")
    return value
