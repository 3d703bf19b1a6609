"""What agent programs printed and wrote, kept beside the events made of it: raw lines, and their own transcripts."""

import zlib
from collections.abc import Sequence

from sqlalchemy import insert, select

from lot.core.ids import SessionId
from lot.core.records import FileLines
from lot.store import tables
from lot.store.database import Database, Transaction

_STRETCHES = 500
"""So many stretches are looked at for one answer."""

lines_of_runs, files_of_agents = tables.agent_lines, tables.agent_files


class AgentOutputStore(Database):
    """Raw lines and transcripts of agent programs."""

    async def agent_lines(self, session_id: SessionId, run: int, after: int, limit_bytes: int) -> tuple[str, int]:
        """Return the lines that a run printed at byte `after` of its journal or later, and where to go on.

        Args:
            limit_bytes: Ends the answer once it is that long; one stretch is always whole.
        """
        query = (
            select(lines_of_runs.c.from_offset, lines_of_runs.c.lines)
            .where(
                lines_of_runs.c.session_id == session_id,
                lines_of_runs.c.run == run,
                lines_of_runs.c.from_offset >= after,
            )
            .order_by(lines_of_runs.c.from_offset)
            .limit(_STRETCHES)
        )
        found: list[str] = []
        size = 0
        async with self._reading() as transaction:
            for row in (await transaction.execute(query)).all():
                found.append(_unpacked(row.lines))
                size += len(found[-1])
                after = row.from_offset + 1
                if size >= limit_bytes:
                    break
        return "".join(found), after

    async def agent_transcript(self, session_id: SessionId) -> tuple[FileLines, ...]:
        """Return the agent program's own transcript, each file whole, in the order in which they began."""
        query = (
            select(files_of_agents.c.path, files_of_agents.c.lines)
            .where(files_of_agents.c.session_id == session_id)
            .order_by(files_of_agents.c.id)
        )
        files: dict[str, list[str]] = {}
        async with self._reading() as transaction:
            for row in await transaction.execute(query):
                files.setdefault(row.path, []).append(_unpacked(row.lines))
        return tuple(FileLines(path=path, lines="".join(lines)) for path, lines in files.items())


async def keep_lines(transaction: Transaction, session_id: SessionId, run: int, from_offset: int, lines: str) -> None:
    """Keep what a run printed from a byte of its journal on."""
    if lines:
        values = {"session_id": session_id, "run": run, "from_offset": from_offset, "lines": _packed(lines)}
        await transaction.execute(insert(lines_of_runs).values(values))


async def keep_files(transaction: Transaction, session_id: SessionId, files: Sequence[FileLines]) -> None:
    """Keep what an agent program added to its own transcript."""
    if files:
        rows = [{"session_id": session_id, "path": file.path, "lines": _packed(file.lines)} for file in files]
        await transaction.execute(insert(files_of_agents), rows)


def _packed(lines: str) -> bytes:
    whole = lines if lines.endswith("\n") else lines + "\n"
    return zlib.compress(whole.encode("utf-8", "replace"), 1)


def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
