"""What users are told of a session; the web application decides by the same cases."""

import json
from pathlib import Path
from typing import Any

import pytest

from lot.core.ids import SessionId
from lot.core.news import News, Standing, in_words, is_waiting, news_of
from lot.core.session import AgentState, SessionLabel

CASES = json.loads((Path(__file__).parents[2] / "golden" / "news.json").read_text())


def standing(seen: dict[str, Any]) -> Standing:
    return Standing(
        session_id=SessionId("session1"),
        title="Fix the sign-in",
        project_name="shop",
        agent=AgentState(seen["agent"]),
        is_waiting=is_waiting(SessionLabel(seen["label"]), seen["open_asks"]),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_news_are_what_changed(case: dict[str, Any]) -> None:
    before = None if case["before"] is None else standing(case["before"])
    assert news_of(before, standing(case["after"])) == case["news"]


def test_news_name_the_session() -> None:
    idle = standing({"agent": "idle", "label": "Idle", "open_asks": 0})
    told = [in_words(idle, news) for news in News]
    assert told == ["Fix the sign-in needs you", "Fix the sign-in is done", "Fix the sign-in failed"]
