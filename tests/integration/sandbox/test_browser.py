"""Debian's Chromium in a real sandbox: installed as a snapshot build does it, and taking a picture of a page."""

from pathlib import PurePosixPath

import pytest
from sandbox_rig import Resources, rig

from lot.core.errors import AgentError
from lot.runner.browser import install_order, picture
from lot.sandbox.link import CommandRequest, ProcessSpec

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.anyio, pytest.mark.timeout(900)]

WORKSPACE = PurePosixPath("/workspace")
EMPTY = b"<!doctype html><body style='background:#fff'>"
PAGE = EMPTY + b"<script>setTimeout(() => document.body.append('late'), 700)</script>"


async def test_browser_is_installed_once_and_takes_pictures() -> None:
    order = install_order()
    install = CommandRequest(argv=("bash", "-lc", order.command), cwd=WORKSPACE, timeout_s=order.timeout_s)
    async with rig() as made:
        spec = made.spec(resources=Resources(cpus=2, memory_bytes=2 << 30))
        async with made.up(spec) as (_, link):
            with pytest.raises(AgentError, match="no browser"):
                await picture(link, "http://localhost:3000/", 400, 300)
            result = await link.run(install)
            assert result.exit_code == 0, result.stderr[-2000:]
            assert (await link.run(install)).duration_s < 5.0

            await link.write_file(WORKSPACE / "index.html", PAGE)
            await link.write_file(WORKSPACE / "empty.html", EMPTY)
            argv = ("python3", "-m", "http.server", "3000")
            await link.start(ProcessSpec(name="dev", argv=argv, cwd=WORKSPACE))
            page = await picture(link, "http://localhost:3000/", 400, 300)
            empty = await picture(link, "http://localhost:3000/empty.html", 400, 300)
            assert int.from_bytes(page[16:20], "big") == 400
            assert int.from_bytes(page[20:24], "big") == 300
            assert len(page) > len(empty), "what a script adds later is in the picture"
            left = await link.run(CommandRequest(argv=("sh", "-c", "ls -d /tmp/lot-picture*; pgrep chrom")))
            assert left.stdout == b""
