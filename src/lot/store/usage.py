"""What sessions used of the model, and what that cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.budgets import Account
from lot.core.errors import NotFoundError
from lot.core.ids import ProjectId, SessionId
from lot.store import tables
from lot.store.database import Database
from lot.store.usage_days import Used, add_usage

model_usage, projects, sessions = tables.model_usage, tables.projects, tables.sessions

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """Totals of a session, in tokens as the provider counts them."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    """As far as the prices of its models are known."""
    models: Mapping[str, int]
    """All its tokens by model."""

    @property
    def tokens(self) -> int:
        """What counts for a budget."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


class UsageStore(Database):
    """Metering of model requests. A project's totals are kept in its row, so that they outlive its sessions."""

    async def add_model_usage(
        self,
        session_id: SessionId,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_write_tokens: int,
        at: datetime,
        cost_usd: float | None = None,
    ) -> None:
        """Add one request to the model, to its session and to the project.

        Args:
            cost_usd: None: the model's price is not known.

        Raises:
            NotFoundError: there is no such session.
        """
        values: dict[str, Any] = {
            "session_id": session_id,
            "model": model,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens,
            "at": at,
            "cost_usd": cost_usd,
        }
        tokens = input_tokens + output_tokens + cache_read_tokens + cache_write_tokens
        of_session = select(sessions.c.project_id).where(sessions.c.id == session_id).scalar_subquery()
        raised = (
            update(projects)
            .where(projects.c.id == of_session)
            .values(spent_tokens=projects.c.spent_tokens + tokens, spent_usd=projects.c.spent_usd + (cost_usd or 0.0))
            .returning(projects.c.id)
        )
        used = {name: values[name] for name in _TOKENS} | {"cost_usd": cost_usd or 0.0}
        try:
            async with self._writing() as transaction:
                # The project's row before rows of its sessions, as when a project is deleted.
                project_id = await transaction.scalar(raised)
                if project_id is None:
                    raise _no_session(session_id)
                await transaction.execute(insert(model_usage).values(values))
                await add_usage(transaction, [Used(session_id, project_id, at.astimezone(UTC).date(), used)])
        except IntegrityError as error:
            raise _no_session(session_id) from error

    async def session_usage(self, session_id: SessionId) -> SessionUsage:
        """Return what a session used so far; nothing, if there is no such session."""
        sums = [func.coalesce(func.sum(model_usage.c[name]), 0).label(name) for name in _TOKENS]
        cost = func.coalesce(func.sum(model_usage.c.cost_usd), 0.0).label("cost_usd")
        query = (
            select(model_usage.c.model, cost, *sums)
            .where(model_usage.c.session_id == session_id)
            .group_by(model_usage.c.model)
            .order_by(model_usage.c.model)
        )
        async with self._reading() as transaction:
            rows = (await transaction.execute(query)).mappings().all()
        return SessionUsage(
            **{name: sum(int(row[name]) for row in rows) for name in _TOKENS},
            cost_usd=sum((float(row["cost_usd"]) for row in rows), 0.0),
            models={row["model"]: sum(int(row[name]) for name in _TOKENS) for row in rows},
        )

    async def spending(self, project_id: ProjectId) -> tuple[int, float]:
        """Return the tokens and USD that all sessions of a project used, deleted ones included.

        Raises:
            NotFoundError: there is no such project.
        """
        query = select(projects.c.spent_tokens, projects.c.spent_usd).where(projects.c.id == project_id)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).first()
        if row is None:
            raise NotFoundError(f"there is no project {project_id}")
        return row.spent_tokens, row.spent_usd

    async def get_account(self, session_id: SessionId) -> Account:
        """Return what a session and its project may use and have used; one query, as it is asked before each request.

        Raises:
            NotFoundError: there is no such session.
        """
        own = model_usage.c.session_id == sessions.c.id
        tokens = sum((model_usage.c[name] for name in _TOKENS[1:]), model_usage.c[_TOKENS[0]])
        query = (
            select(
                sessions.c.id.label("session_id"),
                sessions.c.project_id,
                select(func.coalesce(func.sum(tokens), 0)).where(own).scalar_subquery().label("session_tokens"),
                select(func.coalesce(func.sum(model_usage.c.cost_usd), 0.0))
                .where(own)
                .scalar_subquery()
                .label("session_usd"),
                sessions.c.budget_tokens.label("session_budget_tokens"),
                sessions.c.budget_usd.label("session_budget_usd"),
                projects.c.spent_tokens.label("project_tokens"),
                projects.c.spent_usd.label("project_usd"),
                projects.c.budget_tokens.label("project_budget_tokens"),
                projects.c.budget_usd.label("project_budget_usd"),
            )
            .join(projects, projects.c.id == sessions.c.project_id)
            .where(sessions.c.id == session_id)
        )
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        if row is None:
            raise _no_session(session_id)
        return Account(**dict(row) | {"session_tokens": int(row["session_tokens"])})


def _no_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"there is no session {session_id}")
