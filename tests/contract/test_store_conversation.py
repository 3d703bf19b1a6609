"""What the store promises of the conversation: what is asked, what came with messages, what agents printed."""

from datetime import timedelta

import pytest
from store_samples import NOW, SESSION, fill, message, session

from lot.core.asks import Answer, Question
from lot.core.errors import NotFoundError, TransitionNotAllowedError
from lot.core.events import AskClosed, AttachmentName, QuestionAsked, SessionEvent, SettingsChanged
from lot.core.ids import AskId, MessageId, SessionId
from lot.core.records import AskState, Attachment, Delivery, FileLines
from lot.core.session import AgentState
from lot.store.store import Store

pytestmark = pytest.mark.anyio

ASK = AskId("toolu_1")
BLUE = Answer(choices={"Which colour?": ("Blue",)})


def asked(ask_id: str = ASK) -> SessionEvent:
    return QuestionAsked(at=NOW, ask_id=ask_id, questions=(Question(question="Which colour?"),))


async def a_question(store: Store, *events: SessionEvent) -> None:
    await store.append_agent_events(
        SESSION,
        epoch=0,
        run=1,
        from_offset=0,
        to_offset=10,
        events=[asked(), *events],
        agent=AgentState.WAITING,
        now=NOW,
    )


async def test_question_is_open_until_it_is_answered_and_taken(store: Store) -> None:
    await fill(store)
    await a_question(store)
    [ask] = await store.list_asks(SESSION)
    assert (ask.id, ask.kind, ask.state, ask.run, ask.event) == (ASK, "question", AskState.OPEN, 1, 1)
    answered, is_new, told = await store.answer_ask(SESSION, ASK, BLUE, NOW)
    assert (answered.state, is_new, [event.event.kind for event in told]) == ("answered", True, ["ask_answered"])
    assert await store.answered_asks(SESSION) == [answered]
    assert (await store.answer_ask(SESSION, ASK, BLUE, NOW))[1:] == (False, [])
    await store.append_events(SESSION, [AskClosed(at=NOW, ask_id=ASK, outcome="taken")])
    assert await store.list_asks(SESSION) == []
    assert (await store.get_ask(SESSION, ASK)).answer == BLUE


async def test_second_answer_that_differs_is_refused(store: Store) -> None:
    await fill(store)
    await a_question(store)
    await store.answer_ask(SESSION, ASK, BLUE, NOW)
    with pytest.raises(TransitionNotAllowedError):
        await store.answer_ask(SESSION, ASK, Answer(text="Red"), NOW)
    with pytest.raises(NotFoundError):
        await store.answer_ask(SESSION, AskId("unknown"), BLUE, NOW)


async def test_closing_what_is_not_open_says_nothing(store: Store) -> None:
    await fill(store)
    closing = AskClosed(at=NOW, ask_id=ASK, outcome="withdrawn")
    assert await store.append_events(SESSION, [closing]) == []
    await a_question(store, closing, closing)
    kinds = [event.event.kind for event in await store.read_events(SESSION)]
    assert kinds == ["question_asked", "ask_closed"]
    assert (await store.get_session(SESSION)).events == 2
    changed, told = await store.change_session(
        SESSION, seen_version=(await store.get_session(SESSION)).version, events=[closing], now=NOW
    )
    assert (told, changed.events) == ([], 2)


async def test_what_is_asked_again_is_open_again(store: Store) -> None:
    await fill(store)
    await a_question(store)
    await store.answer_ask(SESSION, ASK, BLUE, NOW)
    await store.append_events(SESSION, [asked()])
    [ask] = await store.list_asks(SESSION)
    assert (ask.state, ask.answer, ask.answered_at) == (AskState.OPEN, None, None)


async def test_message_that_is_an_answer_is_kept_delivered_and_answers_in_one(store: Store) -> None:
    await fill(store)
    await a_question(store)
    said = message()
    green = Answer(text="Green")
    kept, is_new, told = await store.answer_by_message(said, ASK, green, NOW)
    assert (kept.id, kept.delivery, is_new) == (said.id, Delivery.DELIVERED, True)
    assert [one.event.kind for one in told] == ["message_added", "message_delivered", "ask_answered"]
    assert [one.number for one in told] == [2, 3, 4]
    assert await store.kept_messages(SESSION) == []
    assert [ask.answer for ask in await store.answered_asks(SESSION)] == [green]
    assert (await store.answer_by_message(said, ASK, green, NOW))[1:] == (False, [])
    assert (await store.get_session(SESSION)).is_used


async def test_message_that_comes_too_late_for_an_answer_is_not_kept(store: Store) -> None:
    await fill(store)
    await a_question(store)
    await store.answer_ask(SESSION, ASK, BLUE, NOW)
    with pytest.raises(TransitionNotAllowedError):
        await store.answer_by_message(message(), ASK, Answer(text="Green"), NOW)
    kinds = [event.event.kind for event in await store.read_events(SESSION)]
    assert kinds == ["question_asked", "ask_answered"]
    assert await store.kept_messages(SESSION) == []


async def test_events_of_one_kind_come_alone_and_in_order(store: Store) -> None:
    await fill(store)
    modes = [SettingsChanged(at=NOW, mode=mode) for mode in ("plan", "edits")]
    await store.append_events(SESSION, [modes[0], asked(), modes[1]])
    found = await store.events_of_kind(SESSION, "settings_changed")
    assert [(one.number, one.event) for one in found] == [(1, modes[0]), (3, modes[1])]
    assert await store.events_of_kind(SessionId("other"), "settings_changed") == []


async def test_attachments_come_back_as_they_were_sent(store: Store) -> None:
    await fill(store)
    files = [
        Attachment(name="a.png", media_type="image/png", data=b"\x89PNG\0\xff"),
        Attachment(name="b.txt", media_type="text/plain", data=b""),
    ]
    names = tuple(
        AttachmentName(name=file.name, media_type=file.media_type, size_bytes=len(file.data)) for file in files
    )
    sent = message(attachments=names)
    for _ in range(2):
        await store.add_message(sent, NOW, files)
    assert await store.attachments_of(SESSION, sent.id) == files
    assert await store.attachments_of(SESSION, MessageId("other")) == []
    [kept] = await store.kept_messages(SESSION)
    assert kept.attachments == names
    [added] = await store.read_events(SESSION)
    assert added.event.attachments == names


async def test_raw_lines_and_transcript_are_kept_once_and_in_order(store: Store) -> None:
    await fill(store)

    async def stretch(begin: int, end: int, lines: str) -> None:
        files = (FileLines(path="one.jsonl", lines=lines),)
        await store.append_agent_events(
            SESSION, epoch=0, run=1, from_offset=begin, to_offset=end, events=[], lines=lines, files=files, now=NOW
        )

    for _ in range(2):
        await stretch(0, 10, '{"n": 1}')
    await stretch(10, 20, '{"n": "ä"}\n')
    whole = '{"n": 1}\n{"n": "ä"}\n'
    assert await store.agent_lines(SESSION, 1, 0, 1 << 20) == (whole, 11)
    assert await store.agent_lines(SESSION, 1, 0, 1) == ('{"n": 1}\n', 1)
    assert await store.agent_lines(SESSION, 1, 1, 1 << 20) == ('{"n": "ä"}\n', 11)
    assert await store.agent_transcript(SESSION) == (FileLines(path="one.jsonl", lines=whole),)


async def test_fork_knows_what_its_parent_was_asked_and_printed(store: Store) -> None:
    await fill(store)
    await a_question(store)
    child = SessionId("child")
    await store.add_session(session(id=child, parent_id=SESSION, created_at=NOW + timedelta(seconds=1)), [])
    await store.copy_transcript(SESSION, child, 1)
    assert [ask.id for ask in await store.list_asks(child)] == [ASK]
    await store.answer_ask(child, ASK, BLUE, NOW)
    assert (await store.get_ask(SESSION, ASK)).state is AskState.OPEN


async def test_deletion_leaves_nothing_of_the_conversation(store: Store) -> None:
    await fill(store)
    await a_question(store)
    file = Attachment(name="a.txt", media_type="text/plain", data=b"abc")
    await store.add_message(message(), NOW, [file])
    await store.delete_session(SESSION)
    assert await store.list_asks(SESSION, is_all=True) == []
    assert await store.attachments_of(SESSION, message().id) == []
