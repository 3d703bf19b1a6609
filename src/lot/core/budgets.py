"""Budgets of sessions and projects: when one is used up, and what is said then. Tokens are all that a provider counts:
input, output, cache read and cache write."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lot.core.ids import ProjectId, SessionId

BudgetName = Literal["session_tokens", "session_usd", "project_tokens", "project_usd"]
"""Those of `core.events.LimitReached.limit` that are budgets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a session and its project may use of models and have used; a budget of None has no limit."""

    session_id: SessionId
    project_id: ProjectId
    session_tokens: int
    session_usd: float
    session_budget_tokens: int | None
    session_budget_usd: float | None
    project_tokens: int
    project_usd: float
    project_budget_tokens: int | None
    project_budget_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedBudget:
    """A budget that is used up."""

    limit: BudgetName
    detail: str
    """For the user: whose budget it is, and what was used."""
    next_step: str


def reached_budget(account: Account) -> ReachedBudget | None:
    """Return the first budget that is used up, the session's own before its project's."""
    for name, owner, unit, used, budget in _budgets(account):
        if budget is not None and used >= budget:
            kind, id_ = owner
            return ReachedBudget(
                limit=name,
                detail=f"the {kind} has used {_amount(used, unit)} of its budget of {_amount(budget, unit)}",
                next_step=f"raise it or take it away with `lot {kind} budget {id_}`, then send a message to go on",
            )
    return None


def _budgets(account: Account) -> Iterator[tuple[BudgetName, tuple[str, str], str, float, float | None]]:
    session, project = ("session", account.session_id), ("project", account.project_id)
    yield "session_tokens", session, "tokens", account.session_tokens, account.session_budget_tokens
    yield "session_usd", session, "usd", account.session_usd, account.session_budget_usd
    yield "project_tokens", project, "tokens", account.project_tokens, account.project_budget_tokens
    yield "project_usd", project, "usd", account.project_usd, account.project_budget_usd


def _amount(value: float, unit: str) -> str:
    return f"${value:,.2f}" if unit == "usd" else f"{value:,.0f} tokens"
