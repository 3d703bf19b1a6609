"""The end of what a durable process prints, kept for telling why it ended."""

from lot.sandbox.link import GuestLink, ProcessStatus

TAIL_BYTES = 4096


class LogTail:
    """The newest `TAIL_BYTES` of one process's output."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __str__(self) -> str:
        return self._data.decode(errors="replace")

    async def read(self, link: GuestLink, name: str, process: ProcessStatus) -> None:
        """Take in what the process of that name prints; return when it has ended."""
        begin = max(process.starts["out"], process.ends["out"] - TAIL_BYTES) if process.is_running else 0
        async for chunk in link.attach(name, "out", begin):
            self._data += chunk.data
            del self._data[:-TAIL_BYTES]
