"""Budgets of sessions and projects: asked before a message or an answer is accepted; `core/budgets.py` decides."""

from lot.core.budgets import Account, ReachedBudget, reached_budget
from lot.core.errors import BudgetReachedError
from lot.core.ids import SessionId
from lot.core.records import Project
from lot.engine.parts import Parts


async def find_reached(parts: Parts, session_id: SessionId) -> ReachedBudget | None:
    """Return which budget of a session, or of its project, is used up; None: a model may be asked."""
    return reached_budget(await parts.store.get_account(session_id))


async def require_budget(parts: Parts, session_id: SessionId) -> None:
    """Do nothing while the session may ask a model.

    Raises:
        BudgetReachedError: a budget is used up; the message says which, and the next step.
    """
    _refuse(await find_reached(parts, session_id))


async def require_project_budget(parts: Parts, project: Project, session_id: SessionId) -> None:
    """Do nothing while a session that is only just made may ask a model.

    Raises:
        BudgetReachedError: the project's budget is used up; the message says which, and the next step.
    """
    tokens, usd = await parts.store.spending(project.id)
    account = Account(
        session_id=session_id,
        project_id=project.id,
        session_tokens=0,
        session_usd=0.0,
        session_budget_tokens=None,
        session_budget_usd=None,
        project_tokens=tokens,
        project_usd=usd,
        project_budget_tokens=project.budget_tokens,
        project_budget_usd=project.budget_usd,
    )
    _refuse(reached_budget(account))


def _refuse(reached: ReachedBudget | None) -> None:
    if reached is not None:
        raise BudgetReachedError(f"{reached.detail}: {reached.next_step}")
