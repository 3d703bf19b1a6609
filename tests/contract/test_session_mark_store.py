"""What the store promises of the marks that stand beside sessions in lists, on SQLite and on PostgreSQL."""

import pytest
from store_samples import NOW, PROJECT, SESSION, fill, message, pull_request, session

from lot.core.events import AskClosed, Question, QuestionAsked, SessionEvent
from lot.core.ids import AskId, MessageId, SessionId
from lot.store.session_marks import SessionMarks
from lot.store.store import Store

pytestmark = pytest.mark.anyio

OTHER, GONE = SessionId("other"), SessionId("gone")


def asked(id_: str) -> SessionEvent:
    return QuestionAsked(at=NOW, ask_id=AskId(id_), questions=(Question(question="Which colour?"),))


def closed(id_: str) -> SessionEvent:
    return AskClosed(at=NOW, ask_id=AskId(id_), outcome="withdrawn")


async def test_marks_of_several_sessions_are_told_apart(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER), [])
    await store.add_message(message("kept"), NOW)
    await store.add_message(message("taken"), NOW)
    await store.mark_delivered(SESSION, [MessageId("taken")], NOW)
    await store.append_events(SESSION, [asked("first"), asked("second"), closed("first")])
    for _ in range(2):
        await store.add_model_usage(OTHER, "opus", 10**10, 2, 3, 4, NOW, 0.25)
    await store.add_model_usage(OTHER, "unknown", 1, 0, 0, 0, NOW, None)
    older = await store.add_pull_request(pull_request("older", project_id=PROJECT, session_id=OTHER, number=0))
    newer = await store.add_pull_request(pull_request("newer", project_id=PROJECT, session_id=OTHER, number=0))
    assert older.number < newer.number
    assert await store.read_marks([SESSION, OTHER, GONE]) == {
        SESSION: SessionMarks(kept_messages=1, open_asks=1),
        OTHER: SessionMarks(spent_tokens=2 * (10**10 + 9) + 1, spent_usd=0.5, pull_request=newer),
        GONE: SessionMarks(),
    }
    assert await store.read_marks([]) == {}
