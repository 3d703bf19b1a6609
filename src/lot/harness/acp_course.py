"""The client's side of a conversation over the Agent Client Protocol: what was heard, and what is said next.

Pure: changes notes, returns lines to write. Heard again from where the notes end, the same lines lead to the same
notes. The protocol knows one turn at a time, so a message that comes during one waits here for its end.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from acp import PROTOCOL_VERSION, schema

import lot
from lot.core.asks import Answer, Verdict
from lot.harness import acp_wire as wire
from lot.harness.acp_notes import MAX_KNOWN, Notes, OpenAsk, Waiting
from lot.harness.acp_settings import Setting, offered
from lot.harness.acp_shapes import shaped

Said = list[dict[str, Any]]

_CHOICES: Mapping[Verdict, tuple[str, ...]] = {
    "allow": ("allow_once", "allow_always"),
    "allow_always": ("allow_always", "allow_once"),
    "deny": ("reject_once", "reject_always"),
}
_MAX_ASKS = 100
_MAX_SESSION_CHARS = 1_000


def begin() -> Said:
    """Say hello; nothing is offered but the conversation itself: the agent has files and terminals of its own."""
    files = schema.FileSystemCapabilities(read_text_file=False, write_text_file=False)
    hello = schema.InitializeRequest(
        protocol_version=PROTOCOL_VERSION,
        client_capabilities=schema.ClientCapabilities(fs=files, terminal=False),
        client_info=schema.Implementation(name="lot", version=lot.__version__),
    )
    return [wire.request(wire.INITIALIZE, "initialize", hello)]


def hear(notes: Notes, message: wire.Message, cwd: PurePosixPath) -> Said | None:
    """Take note of what the agent said; return what to say, None when nothing is to be noted."""
    match message:
        case wire.Response(kind=wire.INITIALIZE):
            return _hear_hello(notes, message, cwd)
        case wire.Response(kind="session/new" | "session/load" | "session/resume"):
            return _hear_session(notes, message, cwd)
        case wire.Response(kind=wire.PROMPT) if message.about == notes.running:
            notes.running, notes.is_stopping = None, False
            return [*_withdraw(notes), *_next_turn(notes)]
        case wire.Response(kind=wire.ANSWERED | wire.WITHDRAWN):
            return [] if notes.asks.pop(message.about, None) is not None else None
        case wire.Response(kind=wire.SET):
            notes.offers |= offered(message.result)
            return []
        case wire.Request(method="session/request_permission"):
            return _hear_ask(notes, message)
        case wire.Request():
            return [wire.refusal(message.id, message.method)]
        case wire.Notification(method="session/update"):
            return _hear_update(notes, message.params)
    return None


def send(notes: Notes, message: str, blocks: list[dict[str, Any]]) -> Said:
    """Hand a message over: now, or when the running turn has ended."""
    notes.known = [*notes.known, message][-MAX_KNOWN:]
    notes.waiting.append(Waiting(message=message, blocks=blocks))
    return _next_turn(notes)


def answer(notes: Notes, ask_id: str, given: Answer) -> Said:
    """Answer an open request for permission. Words that come with a denial are the next message.

    The mark goes first: whatever the agent does with the answer comes after it.
    """
    ask = notes.asks[ask_id]
    ask.state = "closing"
    verdict = given.verdict or "deny"
    option = next((ask.options[kind] for kind in _CHOICES[verdict] if kind in ask.options), None)
    said = [wire.mark(wire.ANSWERED, ask_id), wire.result(ask.request, _outcome(option))]
    if verdict == "deny" and given.text:
        said += send(notes, f"denied:{ask_id}", [_text(given.text)])
    return said


def interrupt(notes: Notes) -> Said:
    """Stop the running turn."""
    notes.is_stopping = True
    stop = schema.CancelNotification(session_id=notes.session or "")
    return [wire.notification("session/cancel", stop), *_withdraw(notes)]


def choose(notes: Notes, setting: Setting, value: str, request: str) -> Said:
    """Set something that the agent offers, by the request `set:<request>`."""
    offer, session = notes.offers[setting], notes.session or ""
    params: schema.SetSessionModeRequest | schema.SetSessionConfigOptionSelectRequest
    if offer.config_id is None:
        method, params = "session/set_mode", schema.SetSessionModeRequest(session_id=session, mode_id=value)
    else:
        method = "session/set_config_option"
        params = schema.SetSessionConfigOptionSelectRequest(session_id=session, config_id=offer.config_id, value=value)
    said = wire.request(f"{wire.SET}:{request}", method, params)
    return [wire.mark(wire.SETTING, request), said]


def _hear_hello(notes: Notes, message: wire.Response, cwd: PurePosixPath) -> Said:
    hello = shaped(schema.InitializeResponse, message.result)
    if message.error is not None or hello is None:
        notes.failure = message.error or "it does not answer in the Agent Client Protocol"
        return []
    can = hello.agent_capabilities or schema.AgentCapabilities()
    notes.agent_name = hello.agent_info.name[:200] if hello.agent_info else ""
    notes.can_take_images = bool(can.prompt_capabilities and can.prompt_capabilities.image)
    if notes.previous is not None and can.session_capabilities and can.session_capabilities.resume is not None:
        resume = schema.ResumeSessionRequest(session_id=notes.previous, cwd=str(cwd), mcp_servers=[])
        return [wire.request(wire.RESUME, "session/resume", resume)]
    if notes.previous is not None and can.load_session:
        load = schema.LoadSessionRequest(session_id=notes.previous, cwd=str(cwd), mcp_servers=[])
        return [wire.request(wire.LOAD, "session/load", load)]
    return _new_session(notes, cwd)


def _new_session(notes: Notes, cwd: PurePosixPath) -> Said:
    is_anew, notes.previous, notes.has_spoken = notes.has_spoken, None, False
    new = schema.NewSessionRequest(cwd=str(cwd), mcp_servers=[])
    return [wire.request(wire.ANEW if is_anew else wire.NEW, "session/new", new)]


def _hear_session(notes: Notes, message: wire.Response, cwd: PurePosixPath) -> Said | None:
    if notes.session is not None:
        return None
    if message.error is not None:
        if notes.previous is not None:
            return _new_session(notes, cwd)
        notes.failure = message.error
        return []
    session = notes.previous or message.result.get("sessionId")
    if not isinstance(session, str) or not 0 < len(session) <= _MAX_SESSION_CHARS:
        notes.failure = "it gave its conversation no name"
        return []
    notes.session = session
    notes.offers = offered(message.result)
    return _next_turn(notes)


def _hear_ask(notes: Notes, message: wire.Request) -> Said:
    asked = shaped(schema.RequestPermissionRequest, message.params)
    ask_id = asked.tool_call.tool_call_id if asked else ""
    if asked is None or not 0 < len(ask_id) <= wire.MAX_ABOUT_CHARS or len(notes.asks) >= _MAX_ASKS:
        return [wire.result(message.id, _outcome(None))]
    options: dict[str, str] = {}
    for option in asked.options:
        options.setdefault(option.kind, option.option_id[:_MAX_SESSION_CHARS])
    notes.asks[ask_id] = OpenAsk(request=message.id, options=options)
    return _withdraw(notes) if notes.is_stopping else []


def _hear_update(notes: Notes, params: Mapping[str, Any]) -> Said | None:
    update = params.get("update")
    if not isinstance(update, dict):
        return None
    kind = update.get("sessionUpdate")
    if kind == "config_option_update":
        notes.offers |= offered(update)
        return []
    if kind == "current_mode_update" and "mode" in notes.offers:
        notes.offers["mode"].current = str(update.get("currentModeId"))[:200]
        return []
    return None


def _next_turn(notes: Notes) -> Said:
    if notes.running is not None or notes.session is None or not notes.waiting:
        return []
    waiting = notes.waiting.pop(0)
    notes.running, notes.is_stopping, notes.has_spoken = waiting.message, False, True
    params = {"sessionId": notes.session, "prompt": waiting.blocks}
    prompt = {"jsonrpc": "2.0", "id": wire.prompt_id(waiting.message), "method": "session/prompt", "params": params}
    return [prompt, wire.mark(wire.TOOK, waiting.message)]


def _withdraw(notes: Notes) -> Said:
    """Close what is still asked: its turn is over, or is being stopped."""
    said: Said = []
    for ask_id, ask in notes.asks.items():
        if ask.state == "open":
            ask.state = "closing"
            said += [wire.mark(wire.WITHDRAWN, ask_id), wire.result(ask.request, _outcome(None))]
    return said


def _outcome(option: str | None) -> schema.RequestPermissionResponse:
    if option is None:
        return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))
    return schema.RequestPermissionResponse(outcome=schema.AllowedOutcome(outcome="selected", option_id=option))


def _text(text: str) -> dict[str, Any]:
    return schema.TextContentBlock(type="text", text=text).model_dump(mode="json", by_alias=True, exclude_none=True)
