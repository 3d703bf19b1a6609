"""Counts the time that sandboxes are on, now and then while they are; `core/metering.py` says what counts."""

import anyio
import structlog

from lot.core.metering import METER_EVERY_S
from lot.engine.parts import Parts

logger = structlog.get_logger(__name__)


class Meter:
    """Looks at every sandbox that is on."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def run(self) -> None:
        """Look until cancelled; what goes wrong is logged, and looked at again."""
        while True:
            try:
                await self.look()
            except Exception:
                logger.exception("meter failed")
            await anyio.sleep(METER_EVERY_S)

    async def look(self) -> None:
        """Count the time until now; done before what is read must be exact, or a session is deleted."""
        await self._parts.store.meter(self._parts.now())
