"""How sessions stand, as far as their users are told: many at once, in one read."""

from collections.abc import Collection

from sqlalchemy import func, select

from lot.core.ids import SessionId
from lot.core.news import Standing, is_waiting
from lot.core.records import AskState
from lot.core.session import label
from lot.store.database import Database
from lot.store.tables import asks, projects, sessions


class StandingStore(Database):
    """What notices are made of."""

    async def list_standings(self, session_ids: Collection[SessionId] | None = None) -> list[Standing]:
        """Return how some sessions stand, or all; those that are gone are left out."""
        is_open = (asks.c.session_id == sessions.c.id) & (asks.c.state == AskState.OPEN)
        query = select(
            sessions.c.id,
            sessions.c.title,
            sessions.c.agent,
            sessions.c.sandbox_state,
            projects.c.name.label("project_name"),
            select(func.count()).select_from(asks).where(is_open).scalar_subquery().label("open_asks"),
        ).join(projects, projects.c.id == sessions.c.project_id)
        if session_ids is not None:
            query = query.where(sessions.c.id.in_(session_ids))
        async with self._reading() as transaction:
            rows = list((await transaction.execute(query)).mappings())
        return [
            Standing(
                session_id=row["id"],
                title=row["title"],
                project_name=row["project_name"],
                agent=row["agent"],
                is_waiting=is_waiting(label(row["agent"], row["sandbox_state"]), row["open_asks"]),
            )
            for row in rows
        ]
