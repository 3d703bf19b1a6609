"""Tells browsers of sessions that wait, are done or failed. Watches from beside: no session ever waits for it."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import anyio
import httpx
import structlog
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from lot.config import Settings
from lot.core.errors import LotError, NotFoundError, PushDeviceGoneError, PushFailedError
from lot.core.ids import SessionId
from lot.core.news import News, Standing, in_words, news_of
from lot.core.push import PushDevice
from lot.engine.overview import Overview, Subject, Touched, Watcher
from lot.push.services import Notice, PushServices
from lot.push.vapid import VapidKeys
from lot.store.store import Store

logger = structlog.get_logger(__name__)

SETTLE_S = 0.5
"""What is over sooner is not told: a question answered at once, a turn whose next message was waiting already."""
SENDERS = 8
MAX_WAITING = 256
"""Notices that wait for a sender; more than that mean that push services hang, and the newest are left out."""
MAX_TITLE = 300


@dataclass(frozen=True, slots=True)
class _Letter:
    device: PushDevice
    notice: Notice


class Notices:
    """Compares how sessions stand with how they stood, and sends what is news to every device."""

    def __init__(
        self,
        store: Store,
        overview: Overview,
        services: PushServices,
        now: Callable[[], datetime],
        settle_s: float = SETTLE_S,
    ) -> None:
        self._store, self._overview, self._services, self._now = store, overview, services, now
        self._settle_s = settle_s
        self._keys = VapidKeys(store)
        self._stood: dict[SessionId, Standing] = {}

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Tell until cancelled, and what goes wrong is logged; started once it is known how sessions stand."""
        outbox, letters = anyio.create_memory_object_stream[_Letter](MAX_WAITING)
        async with outbox, letters, anyio.create_task_group() as group:
            for _ in range(SENDERS):
                group.start_soon(self._send_all, letters)
            with self._overview.watching() as watcher:
                await self._look(await watcher.take(), outbox)
                task_status.started()
                await self._watch(watcher, outbox)

    async def _watch(self, watcher: Watcher, outbox: MemoryObjectSendStream[_Letter]) -> None:
        is_behind = False
        while True:
            changed = await watcher.take()
            await anyio.sleep(self._settle_s)
            try:
                await self._look(None if is_behind else changed, outbox)
            except Exception:
                # What was not looked at is seen with everything else the next time.
                logger.exception("sessions were not looked at for notices")
                is_behind = True
            else:
                is_behind = False

    async def _look(self, changed: Sequence[Touched] | None, outbox: MemoryObjectSendStream[_Letter]) -> None:
        """Send what is news of some sessions; None: of all."""
        standings = await self._read(changed)
        told = [(one, news) for one in standings if (news := news_of(self._stood.get(one.session_id), one)) is not None]
        if changed is None:
            self._stood.clear()
        for gone in (one for one in changed or () if one.subject is Subject.SESSION_DELETED):
            self._stood.pop(SessionId(gone.id), None)
        self._stood.update({one.session_id: one for one in standings})
        if not told:
            return
        for device in await self._store.list_push_devices(None, self._now()):
            for standing, news in told:
                try:
                    outbox.send_nowait(_Letter(device, notice_of(standing, news)))
                except anyio.WouldBlock:
                    logger.warning("a notice was left out", device_id=device.id, session_id=standing.session_id)

    async def _read(self, changed: Sequence[Touched] | None) -> list[Standing]:
        if changed is None:
            return await self._store.list_standings()
        ids = {SessionId(one.id) for one in changed if one.subject is Subject.SESSION}
        return await self._store.list_standings(ids) if ids else []

    async def _send_all(self, letters: MemoryObjectReceiveStream[_Letter]) -> None:
        async for letter in letters:
            try:
                await self._send(letter.device, letter.notice)
            except LotError as error:
                logger.warning("a notice was not sent", device_id=letter.device.id, error=str(error))
            except Exception:
                logger.exception("a notice was not sent", device_id=letter.device.id)

    async def _send(self, device: PushDevice, notice: Notice) -> None:
        # Read only now: whoever was signed out while notices waited gets none.
        subscription = await self._store.find_push_subscription(device.id, self._now())
        if subscription is None:
            return
        failure: str | None = None
        try:
            await self._services.send(await self._keys.get(), subscription, notice, self._now())
        except PushDeviceGoneError as error:
            logger.info("push device is gone", device_id=device.id, error=str(error))
            with suppress(NotFoundError):
                await self._store.delete_push_device(device.id, None)
            return
        except PushFailedError as error:
            logger.warning("push service did not take a notice", device_id=device.id, error=str(error))
            failure = str(error)
        if failure != device.failure:
            await self._store.note_push_failure(device.id, failure)


def notice_of(standing: Standing, news: News) -> Notice:
    """Return what tells a browser of a session; its service worker shows it as it is."""
    words = in_words(standing, news)
    title = words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"
    said = {"session": standing.session_id, "title": title, "body": standing.project_name[:MAX_TITLE]}
    return Notice(
        text=json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"),
        topic=standing.session_id,
        is_urgent=news is not News.DONE,
    )


@asynccontextmanager
async def telling(
    store: Store, overview: Overview, settings: Settings, now: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Tell browsers for the length of the block, if this installation may ask a push service."""
    if not settings.push_hosts:
        yield
        return
    async with httpx.AsyncClient(follow_redirects=False) as http:
        services = PushServices(http, settings.push_hosts, settings.push_subject)
        async with anyio.create_task_group() as group:
            await group.start(Notices(store, overview, services, now).run)
            try:
                yield
            finally:
                group.cancel_scope.cancel()
