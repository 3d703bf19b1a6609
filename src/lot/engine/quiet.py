"""When a sandbox has come to rest."""

import anyio

from lot.runner.client import RunnerClient

QUIET_LIMIT_S, QUIET_WINDOW_S, QUIET_SHARE = 15.0, 0.5, 0.1
"""A sandbox is quiet when it has used less than this share of one core for so long."""


async def until_quiet(client: RunnerClient) -> None:
    """Wait, for a while, until the sandbox hardly computes: what it has still to do, every session would do again."""
    with anyio.move_on_after(QUIET_LIMIT_S):
        used = (await client.state()).sandbox_cpu_s
        share = 1.0
        while share > QUIET_SHARE:
            await anyio.sleep(QUIET_WINDOW_S)
            now = (await client.state()).sandbox_cpu_s
            used, share = now, (now - used) / QUIET_WINDOW_S
