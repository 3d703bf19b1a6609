"""When a budget is used up."""

from dataclasses import replace

import pytest

from lot.core.budgets import Account, reached_budget
from lot.core.ids import ProjectId, SessionId

ACCOUNT = Account(
    session_id=SessionId("s"),
    project_id=ProjectId("p"),
    session_tokens=1_000,
    session_usd=1.0,
    session_budget_tokens=None,
    session_budget_usd=None,
    project_tokens=5_000,
    project_usd=5.0,
    project_budget_tokens=None,
    project_budget_usd=None,
)


def test_without_budgets_nothing_is_reached() -> None:
    assert reached_budget(ACCOUNT) is None


@pytest.mark.parametrize(
    ("limit", "used"),
    [("session_tokens", 1_000), ("session_usd", 1.0), ("project_tokens", 5_000), ("project_usd", 5.0)],
)
def test_budget_is_reached_when_it_is_used_up_exactly(limit: str, used: float) -> None:
    field = limit.replace("_", "_budget_")
    assert reached_budget(replace(ACCOUNT, **{field: used * 1.001})) is None
    reached = reached_budget(replace(ACCOUNT, **{field: used}))
    assert reached is not None
    assert reached.limit == limit


def test_words_name_owner_amounts_and_next_step() -> None:
    reached = reached_budget(replace(ACCOUNT, session_budget_tokens=900, project_budget_usd=1))
    assert reached is not None
    assert reached.detail == "the session has used 1,000 tokens of its budget of 900 tokens"
    assert "`lot session budget s`" in reached.next_step
    reached = reached_budget(replace(ACCOUNT, project_budget_usd=4.5))
    assert reached is not None
    assert reached.detail == "the project has used $5.00 of its budget of $4.50"
    assert "`lot project budget p`" in reached.next_step
