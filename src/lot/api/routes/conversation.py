"""A session's conversation: messages and their files, what the agent asks, the transcript, raw lines."""

from fastapi import APIRouter, Query, Response

from lot.api.attachments import take_in
from lot.api.schemas.sessions import AskBody, EventPage, MessageBody, NewMessage
from lot.api.views import Views, event_body, message_body
from lot.core.asks import Answer
from lot.core.errors import NotFoundError
from lot.core.ids import AskId, MessageId, SessionId
from lot.engine.engine import Engine

MAX_LINES_BYTES = 4 << 20
_PLACE = "X-Lot-Next"
_SAFE = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""What users attach is never run as a page of Lot's own origin."""


def conversation_routes(engine: Engine, views: Views) -> APIRouter:
    """Return the routes under `/api/sessions/{session}` that are about its conversation."""
    router = APIRouter(prefix="/api/sessions/{session}", tags=["conversation"])
    store = engine.parts.store

    @router.post("/messages", status_code=202)
    async def send_message(session: str, new: NewMessage) -> MessageBody:
        """Keep a message and deliver it exactly once, whatever the session's state; it wakes one that is paused.

        While exactly one thing is asked, a message without files is the answer to it. 409: a budget is used up. 413,
        422: a file is too large or not what it says.
        """
        files = take_in(new.attachments)
        return message_body(await engine.send(SessionId(session), MessageId(new.id), new.text, files))

    @router.get("/messages/{message}/attachments/{position}", response_class=Response)
    async def read_attachment(session: str, message: str, position: int) -> Response:
        """Return a file that came with a message, counted from 0. 404: there is none."""
        files = await store.attachments_of(SessionId(session), MessageId(message))
        if not 0 <= position < len(files):
            raise NotFoundError(f"message {message} has no file number {position}")
        return Response(files[position].data, media_type=files[position].media_type, headers=_SAFE)

    @router.get("/asks")
    async def list_asks(session: str, is_all: bool = Query(default=False, alias="all")) -> list[AskBody]:
        """Return what the agent asks and has not taken an answer to; with `all` everything it ever asked."""
        found = await store.get_session(SessionId(session))
        return [await views.ask(ask) for ask in await store.list_asks(found.id, is_all=is_all)]

    @router.post("/asks/{ask}/answer")
    async def answer_ask(session: str, ask: str, answer: Answer) -> AskBody:
        """Answer what the agent asks; works awake or asleep. 409: it is not asked any more, or is answered."""
        return await views.ask(await engine.answer(SessionId(session), AskId(ask), answer))

    @router.get("/events")
    async def read_events(
        session: str, after: int = Query(default=0, ge=0), limit: int = Query(default=500, ge=1, le=5000)
    ) -> EventPage:
        """Return the transcript from event number `after + 1` on."""
        found = await store.get_session(SessionId(session))
        page = await store.read_events(found.id, after=after, limit=limit)
        # Some may have come between the two readings: the newest is never older than what is shown.
        newest = max(found.events, page[-1].number if page else 0)
        return EventPage(events=[event_body(stored) for stored in page], newest=newest)

    @router.get("/agent-lines", response_class=Response)
    async def agent_lines(
        session: str, run: int = Query(ge=1), after: int = Query(default=0, ge=0, lt=1 << 62)
    ) -> Response:
        """Return the lines of a run of the agent program as it printed them (NDJSON), from a byte of its output on.

        The header `X-Lot-Next` is the `after` to go on with; an empty answer: there are no more yet.
        """
        found = await store.get_session(SessionId(session))
        lines, following = await store.agent_lines(found.id, run, after, MAX_LINES_BYTES)
        return Response(lines, media_type="application/x-ndjson", headers={_PLACE: str(following)})

    return router
