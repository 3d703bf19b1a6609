"""The browser with which an agent looks at its app: how it gets into a snapshot, and how it is run.

Debian's Chromium. It runs in gVisor: 112 s to install, 381 MB on disk beside its libraries, 5.6 s for a picture.
"""

import uuid
from contextlib import suppress
from pathlib import PurePosixPath

import anyio

from lot.core.errors import AgentError, CommandTimedOutError, InvalidInputError, SandboxUnavailableError
from lot.runner.protocol import CommandOrder
from lot.sandbox.link import CommandRequest, GuestLink

MAX_IMAGE_BYTES = 10 << 20
PICTURE_TIMEOUT_S = 45.0
CLEAN_TIMEOUT_S = 5.0
INSTALL_TIMEOUT_S = 900.0
_SETTLE_MS = 4_000
"""Of the page's own time: what a script puts there after the page has loaded is in the picture."""
_PNG = b"\x89PNG\r\n\x1a\n"
_COMPLAINT_BYTES = 1_000
_TMP = PurePosixPath("/tmp")

_INSTALL = """\
command -v chromium >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
sudo -E apt-get update -q && sudo -E apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core
"""


def install_order() -> CommandOrder:
    """Return what puts the browser into a snapshot: to be run before the project's setup command, may be repeated."""
    return CommandOrder(name="browser", command=_INSTALL, timeout_s=INSTALL_TIMEOUT_S)


async def picture(link: GuestLink, url: str, width: int, height: int) -> bytes:
    """Return a page of the sandbox as a PNG; sizes in pixels.

    Raises:
        AgentError: there is no browser, or it did not manage it, with the end of what it said.
        TooLargeError: the picture has more than `MAX_IMAGE_BYTES`.
    """
    name = f"lot-picture-{uuid.uuid4().hex}"
    image, profile = _TMP / f"{name}.png", _TMP / name
    try:
        await _take(link, url, f"{width},{height}", image, profile)
        data = await link.read_file(image, MAX_IMAGE_BYTES)
    finally:
        with anyio.move_on_after(CLEAN_TIMEOUT_S, shield=True), suppress(SandboxUnavailableError, CommandTimedOutError):
            await link.run(CommandRequest(argv=("rm", "-rf", str(image), str(profile)), cwd=_TMP))
    if not data.startswith(_PNG):
        raise AgentError("the browser's picture is no PNG")
    return data


async def _take(link: GuestLink, url: str, size: str, image: PurePosixPath, profile: PurePosixPath) -> None:
    argv = (
        "chromium",
        "--headless",
        # The sandbox is the boundary; Chromium's own needs privileges that nobody has in it.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-extensions",
        "--no-first-run",
        "--hide-scrollbars",
        f"--virtual-time-budget={_SETTLE_MS}",
        f"--user-data-dir={profile}",
        f"--window-size={size}",
        f"--screenshot={image}",
        url,
    )
    try:
        result = await link.run(CommandRequest(argv=argv, cwd=_TMP, timeout_s=PICTURE_TIMEOUT_S))
    except InvalidInputError as error:  # from the guest: it cannot be started
        raise AgentError(
            "this sandbox has no browser: it comes with the project's next snapshot, and with sessions from that"
        ) from error
    except CommandTimedOutError as error:
        raise AgentError(f"the browser had no picture of the page after {PICTURE_TIMEOUT_S:.0f} s") from error
    if result.exit_code != 0:
        complaint = result.stderr[-_COMPLAINT_BYTES:].decode(errors="replace")
        raise AgentError(f"the browser ended with exit code {result.exit_code}: {complaint}")
