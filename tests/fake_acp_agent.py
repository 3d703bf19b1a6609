"""A scripted peer of the Agent Client Protocol, for tests only: standard library, no model, misbehaves on demand.

Each prompt's first word says what it does. Arguments: `--resume`, `--load` (can continue a conversation), `--images`,
`--refuse` (begins no conversation), `--mute` (says nothing at all). It keeps its conversations in HOME.
"""

import json
import os
import pathlib
import sys
import threading
import time

HOME = pathlib.Path(os.environ["HOME"])
KEPT = HOME / "fake-acp.json"
TAKEN = HOME / "fake-acp-prompts"
MODES = [{"id": mode, "name": mode} for mode in ("default", "acceptEdits", "plan", "bypassPermissions")]

writing = threading.Lock()
answers: dict[int, dict] = {}
answered = threading.Condition()
cancelled = threading.Event()
session = ""


def write(line: object) -> None:
    with writing:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **line}) + "\n")
        sys.stdout.flush()


def update(what: str, **fields: object) -> None:
    write({"method": "session/update", "params": {"sessionId": session, "update": {"sessionUpdate": what, **fields}}})


def chunk(text: str, message: str = "m", kind: str = "agent_message_chunk") -> None:
    update(kind, messageId=message, content={"type": "text", "text": text})


def request(number: int, method: str, params: dict) -> dict:
    write({"id": number, "method": method, "params": {"sessionId": session, **params}})
    with answered:
        answered.wait_for(lambda: number in answers)
        return answers.pop(number)


def conversations() -> dict[str, list[str]]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def turn(text: str) -> str:
    """Play a prompt; return its stop reason."""
    word, _, rest = text.partition(" ")
    if word == "@@say":
        word, rest = "say", json.loads(rest)["text"]
    if word == "say":
        chunk("thinking", "t", "agent_thought_chunk")
        for piece in rest.split(" "):
            chunk(piece + " ")
    elif word == "edit":
        update("tool_call", toolCallId="e1", title="edit", kind="edit", status="pending", rawInput={})
        given = {"path": "a.txt"}
        update("tool_call_update", toolCallId="e1", status="in_progress", title="Edit a.txt", rawInput=given)
        diff = {"type": "diff", "path": "/w/a.txt", "oldText": "one\ntwo\nthree\n", "newText": "one\nTWO\nthree\n"}
        update("tool_call_update", toolCallId="e1", content=[diff])
        update("tool_call_update", toolCallId="e1", status="completed")
    elif word == "live":
        update("tool_call", toolCallId="l1", title="bash", kind="execute", status="in_progress", rawInput={"c": "x"})
        printed = ""
        for number in range(3):
            printed += f"{number}\n"
            text_block = {"type": "content", "content": {"type": "text", "text": printed}}
            update("tool_call_update", toolCallId="l1", status="in_progress", content=[text_block])
            time.sleep(0.05)
        update("tool_call_update", toolCallId="l1", status="failed", rawOutput={"output": printed + "exit 1"})
    elif word == "ask":
        update("tool_call", toolCallId=rest, title="bash", kind="execute", status="pending", rawInput={"command": "ls"})
        options = [{"optionId": f"o-{kind}", "kind": kind, "name": kind} for kind in ("allow_once", "reject_once")]
        call = {"toolCallId": rest, "title": "ls"}
        answer = request(7, "session/request_permission", {"toolCall": call, "options": options})
        update("tool_call_update", toolCallId=rest, status="completed", rawOutput="done")
        chunk(answer["result"]["outcome"].get("optionId", "cancelled"))
    elif word == "wait":
        chunk("waiting")
        cancelled.wait()
    elif word == "deaf":
        chunk("deaf")
        time.sleep(600)
    elif word == "garbage":
        with writing:
            shapeless = '{"method":"session/update","params":{"update":7}}'
            for raw in ("no json", "[1]", "{}", shapeless, "\x00\x01", "null"):
                sys.stdout.write(raw + "\n")
            sys.stdout.write('{"jsonrpc":"2.0","id":"prompt:unknown","result":{"stopReason":"new_reason"}}\n')
            sys.stdout.write("x" * int(rest) + "\n")
            sys.stdout.flush()
        update("nothing_known", text="?")
        update("tool_call_update", toolCallId="u" * 10_000, status="completed", rawOutput="z" * 500_000)
        chunk("y" * 300_000)
    elif word == "die":
        chunk("dying")
        os.kill(os.getpid(), 9)
    elif word == "recall":
        chunk(" | ".join(conversations()[session]))
    elif word == "plan":
        update("plan", entries=[{"content": "first", "status": "in_progress", "priority": "high"}])
        update("current_mode_update", currentModeId="plan")
    elif word == "file":
        chunk(json.dumps(request(8, "fs/read_text_file", {"path": "/etc/passwd"})["error"]["code"]))
    return "cancelled" if cancelled.is_set() else "end_turn"


def prompt(id: object, blocks: list[dict]) -> None:
    text = " ".join(block.get("text", f"<{block['type']}>") for block in blocks)
    with TAKEN.open("a") as file:
        file.write(text[:100] + "\n")
    kept = conversations()
    kept.setdefault(session, []).append(text[:100])
    KEPT.write_text(json.dumps(kept))
    if text == "fail":
        write({"id": id, "error": {"code": -32603, "message": "the model is away"}})
        return
    reason = turn(text)
    usage = {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}
    write({"id": id, "result": {"stopReason": reason, "usage": usage}})


def state() -> dict:
    return {"modes": {"currentModeId": "bypassPermissions", "availableModes": MODES}}


def replay(which: str) -> None:
    for text in conversations()[which]:
        update("user_message_chunk", content={"type": "text", "text": text})
        chunk(f"answer to {text}")


def handle(line: dict) -> None:
    global session
    method, id, params = line.get("method"), line.get("id"), line.get("params", {})
    if method is None:
        with answered:
            answers[id] = line
            answered.notify_all()
    elif method == "initialize":
        able = {"loadSession": "--load" in sys.argv, "promptCapabilities": {"image": "--images" in sys.argv}}
        if "--resume" in sys.argv:
            able["sessionCapabilities"] = {"resume": {}}
        write({"id": id, "result": {"protocolVersion": 1, "agentCapabilities": able, "authMethods": []}})
    elif method == "session/new":
        if "--refuse" in sys.argv:
            write({"id": id, "error": {"code": -32000, "message": "log in first"}})
            return
        session = f"s{os.getpid()}"
        write({"id": id, "result": {"sessionId": session, **state()}})
    elif method in ("session/load", "session/resume"):
        session = params["sessionId"]
        if method == "session/load":
            replay(session)
        write({"id": id, "result": state()})
    elif method == "session/prompt":
        cancelled.clear()
        threading.Thread(target=prompt, args=(id, params["prompt"]), daemon=True).start()
    elif method == "session/cancel":
        cancelled.set()
    elif method == "session/set_mode":
        update("current_mode_update", currentModeId=params["modeId"])
        write({"id": id, "result": {}})
    elif id is not None:
        write({"id": id, "error": {"code": -32601, "message": "Method not found"}})


for raw in sys.stdin:
    if "--mute" not in sys.argv:
        handle(json.loads(raw))
