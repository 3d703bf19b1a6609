"""Many sessions from one snapshot: how long until all are there, and what they take together."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from lot.api.schemas.projects import ProjectBody
from lot.bench.project_figures import Batch
from lot.bench.sessions import MeasuredSession, noted, started
from lot.client.client import LotClient


def start_many(client: LotClient, project: ProjectBody, sessions: int, width: int) -> Batch:
    """Start so many sessions, `width` at a time, each to its first HTTP 200; all stay until the last one answers.

    What fails is in the result, as runs that went wrong.
    """
    batch = Batch(width)
    with ExitStack() as kept, ThreadPoolExecutor(width) as threads:

        def start(_: int) -> MeasuredSession | None:
            with noted(batch.starts) as seconds:
                session = kept.enter_context(started(client, project))
                seconds.append(session.start_s)
                return session
            return None

        began = time.monotonic()
        # Left early, such as by Ctrl-C, `map` gives up those that have not begun.
        there = [session for session in threads.map(start, range(sessions)) if session is not None]
        batch.total_s = time.monotonic() - began
        for session in there:
            with noted(batch.starts):
                session.wait_until_idle()
                disk, usage = client.get_disk_use(session.id), client.get_usage(session.id)
                batch.own_disk_bytes += disk.own_bytes
                batch.shared_disk_bytes = disk.shared_bytes
                batch.memory_bytes += usage.memory_bytes
    return batch
