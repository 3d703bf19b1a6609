"""The ten steps of a session's whole life. Each returns its figures, or raises `CheckFailedError` with what it saw."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lot.api.schemas.projects import NewProject, PullRequestBody
from lot.api.schemas.sessions import NewFork, NewMessage, NewPullRequest, NewSession
from lot.client.client import LotClient
from lot.client.errors import RefusedError
from lot.core import events as e
from lot.demo.hot_reload import hot_reload
from lot.demo.prompts import change_prompt, wake_prompt
from lot.demo.report import CheckFailedError, Detail, check, must
from lot.demo.stage import START_TIMEOUT_S, Stage
from lot.demo.traces import find_processes, find_traces, resident_bytes

BUILD_TIMEOUT_S = 1800.0
MOVE_TIMEOUT_S = 120.0
HOT_RELOAD_S = 10.0
GONE_S = 10.0
POLL_S = 0.1
FIRST, SECOND, FORK = "first", "second", "fork"
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and the steps without which it makes no sense."""

    name: str
    play: Callable[[Stage], Detail]
    needs: tuple[str, ...] = ()


def project(stage: Stage) -> Detail:
    """A project is made and its snapshot built: setup command run once, dev server proved, memory frozen."""
    subject = stage.subject
    stage.project = stage.client.create_project(
        NewProject(
            source=subject.source,
            name=subject.name,
            setup_command=subject.setup_command,
            dev_command=subject.dev_command,
            port=subject.port,
            has_setup_session=False,
        )
    )
    stage.project_to_delete = stage.project.id
    said: str | None = None
    until = time.monotonic() + BUILD_TIMEOUT_S
    while stage.project.snapshot is None or stage.project.snapshot.state == "building":
        check(time.monotonic() < until, f"the snapshot was not ready within {BUILD_TIMEOUT_S:.0f} s")
        step = stage.project.snapshot.step if stage.project.snapshot else None
        if step and step != said:
            stage.note(step)
            said = step
        time.sleep(POLL_S)
        stage.project = stage.client.get_project(stage.project.id)
    snapshot = stage.project.snapshot
    if snapshot.state != "ready":
        log = stage.client.get_snapshot_log(snapshot.id).text
        raise CheckFailedError(f"the snapshot failed: {snapshot.failure}. The end of its log:\n{log[-2000:]}")
    check(stage.project.ready_snapshot == snapshot.id, "the snapshot that was built is not the one sessions start from")
    return {"build_s": snapshot.build_s, "has_memory": snapshot.has_memory, "commit": snapshot.commit}


def start_two(stage: Stage) -> Detail:
    """Two sessions start side by side; each app answers at its own address, on the same port, and knows nothing of
    the other."""
    with ThreadPoolExecutor(2) as both:
        seconds = list(both.map(lambda which: _start(stage, which), (FIRST, SECOND)))
    first, second = stage.get(FIRST), stage.get(SECOND)
    ports = {session.preview.port for session in (first, second) if session.preview is not None}
    check(len(ports) == 1, f"the two sessions are not on the same port: {ports}")
    check(stage.previews[FIRST].url != stage.previews[SECOND].url, "the two sessions have the same address")
    check(first.branch != second.branch, "the two sessions have the same branch")
    detail: Detail = {"first_200_s": [round(each, 3) for each in seconds], "port": ports.pop()}
    if stage.subject.counter_path is not None:
        counts = [stage.count_on(FIRST), stage.count_on(FIRST), stage.count_on(SECOND)]
        check(counts == [1, 2, 1], f"the counters of two sessions are not their own: {counts}")
        detail["counters"] = {FIRST: counts[1], SECOND: counts[2]}
    return detail


def turn(stage: Stage) -> Detail:
    """The agent edits a file through its own tools."""
    change = stage.change = stage.subject.change
    listening = hot_reload(stage.previews[FIRST], "/" + change.file)
    stage.hot_reload = stage.held.enter_context(listening)
    if stage.hot_reload is not None:
        stage.hot_reload.forget()
    events, ended = stage.take_turn(FIRST, change_prompt(stage.provider, change), str(uuid.uuid4()))
    parsed = [e.EVENT.validate_python(body.event) for body in events]
    tools = [event.name for event in parsed if isinstance(event, e.ToolCalled)]
    edits = [event for event in parsed if isinstance(event, e.ToolFinished) and event.patch and not event.is_error]
    history = _events_after(stage.client, stage.sessions[FIRST], 0)
    started = next((event for event in history if isinstance(event, e.AgentStarted)), None)
    check(bool(edits), f"no tool of the agent edited a file; it used: {', '.join(tools) or 'none'}")
    session = stage.get(FIRST)
    check(session.label == "Idle", f"after the turn the session is {session.label}, not Idle")
    return {
        "agent": f"{started.program} {started.version or ''}".strip() if started else None,
        "is_scripted": session.is_scripted,
        "tools": tools,
        "turn_s": ended.duration_s,
        "input_tokens": ended.input_tokens,
        "output_tokens": ended.output_tokens,
        "events": len(events),
    }


def preview(stage: Stage) -> Detail:
    """The change is seen through the preview address, without a reload where the app is served by Vite."""
    detail: Detail = {"hot_reload": "the app is not served by Vite"}
    if stage.hot_reload is not None:
        path = "/" + stage.change.file
        update = stage.hot_reload.wait_for_update(path, HOT_RELOAD_S)
        if update is None and stage.subject.counter_path is None:
            detail["hot_reload"] = f"none: no page of the app uses {stage.change.file}"
        elif update is None:
            raise CheckFailedError(f"the page was not told of the change to {path} within {HOT_RELOAD_S:.0f} s")
        else:
            detail |= {"hot_reload": update[1], "after_tool_call_s": round(max(0.0, update[0] - stage.called_at), 3)}
    if stage.subject.counter_path is None:
        check(stage.previews[FIRST].get().is_success, "the app does not answer after the change")
        return detail
    texts = {which: stage.previews[which].get("/" + stage.change.file).text for which in (FIRST, SECOND)}
    check(_content(stage.change.new) in texts[FIRST], "the preview does not serve the changed file")
    check(_content(stage.change.new) not in texts[SECOND], "the change shows in the other session's preview, too")
    return detail


def diff(stage: Stage) -> Detail:
    """The diff shows this change and no other; the other session's is empty."""
    changes = stage.client.get_diff(stage.sessions[FIRST])
    lines = changes.patch.splitlines()
    check(changes.is_live, "the diff is an old one, though the session is on")
    files = [file.path for file in changes.files]
    check(files == [stage.change.file], f"the diff names {files}, not {stage.change.file} alone")
    check(f"-{stage.change.old}" in lines, "the diff does not show the removed line")
    check(f"+{stage.change.new}" in lines, "the diff does not show the added line")
    others = [file.path for file in stage.client.get_diff(stage.sessions[SECOND]).files]
    check(not others, f"the other session's diff is not empty: {others}")
    return {"files": files, "added": changes.files[0].added, "removed": changes.files[0].removed}


def pause(stage: Stage) -> Detail:
    """The session is hibernated: its processes are gone from the host, and its memory is free."""
    session = stage.sessions[FIRST]
    if stage.subject.counter_path is not None:
        stage.count_on(FIRST)
    stage.before_pause = stage.dev_server(FIRST)
    used = stage.client.get_usage(session)
    processes = find_processes((session,)) if stage.is_local else ()
    check(bool(processes) or not stage.is_local, "no process of the sandbox is found on the host while it is on")
    resident = resident_bytes(processes)
    free_before = stage.client.get_host().memory_available_bytes
    began = time.monotonic()
    paused = stage.client.pause_session(session, MOVE_TIMEOUT_S)
    seconds = time.monotonic() - began
    check(paused.sandbox == "paused", f"the session is {paused.label}: {paused.reason}")
    _check_gone(stage, (session,), keeps_disk=True)
    host = stage.client.get_host()
    check(session not in host.sandboxes, "the host still names the sandbox")
    after = stage.client.get_usage(session)
    check(after.memory_bytes == 0, f"the paused session still uses {after.memory_bytes:,} bytes of memory")
    answer = stage.previews[FIRST].get()
    check(answer.status_code == 503 and "paused" in answer.text.lower(), "its preview does not say that it is paused")
    check(stage.previews[SECOND].get().is_success, "the other session's app no longer answers")
    return {
        "pause_s": round(seconds, 3),
        "processes_gone": len(processes),
        "resident_bytes_freed": resident or used.memory_bytes,
        "host_available_bytes_before": free_before,
        "host_available_bytes_after": host.memory_available_bytes,
    }


def resume(stage: Stage) -> Detail:
    """A message wakes it: the counter goes on in the same process, the message is taken once, the agent answers."""
    session = stage.sessions[FIRST]
    message = NewMessage(id=str(uuid.uuid4()), text=wake_prompt(stage.provider))
    known = stage.get(FIRST).events
    with ThreadPoolExecutor(1) as beside:
        began = time.monotonic()
        answering = beside.submit(_seconds_to_answer, stage, FIRST, began)
        _, ended = stage.take_turn(FIRST, message.text, message.id)
        first_200_s = answering.result()
    new = _events_after(stage.client, session, known)
    came_back = next((event for event in new if isinstance(event, e.CameBack)), None)
    came_back = must(came_back, "the transcript does not say what came back")
    check(came_back.rung == "memory", f"it came back from {came_back.rung}, not from memory: {came_back.reason}")
    taken = [event.kind for event in new if getattr(event, "message_id", None) == message.id]
    check(
        sorted(taken) == ["message_added", "message_delivered"],
        f"the message was not taken exactly once: {sorted(taken)}",
    )
    count = _check_goes_on(stage, FIRST)
    return {
        "first_200_s": round(first_200_s, 3),
        "rung": came_back.rung,
        "resume_s": came_back.seconds,
        "turn_s": ended.duration_s,
        "counter": count,
        "dev_server_pid": stage.before_pause.pid,
    }


def fork(stage: Stage) -> Detail:
    """A second session is made of the first with its memory; the counter goes on in both, each for itself."""
    before = stage.dev_server(FIRST)
    known = stage.get(FIRST).events
    began = time.monotonic()
    child = stage.client.fork_session(stage.sessions[FIRST], NewFork(title="Fork of the demo"), MOVE_TIMEOUT_S)
    stage.sessions[FORK] = child.id
    stage.open_preview(FORK)
    first_200_s = _seconds_to_answer(stage, FORK, began)
    parent = stage.client.resume_session(stage.sessions[FIRST], MOVE_TIMEOUT_S)
    stage.previews[FIRST].wait_for_answer(MOVE_TIMEOUT_S)
    check(child.parent_id == parent.id, "the fork does not name its parent")
    check(child.branch != parent.branch, "the fork has its parent's branch")
    check(len(_events_after(stage.client, child.id, 0)) >= known, "the fork lacks events of its parent's transcript")
    for which in (FIRST, FORK):
        check(stage.dev_server(which).is_same_process_as(before), f"the dev server of the {which} session started anew")
    files = [file.path for file in stage.client.get_diff(child.id).files]
    check(files == [stage.change.file], f"the fork's diff names {files}, not {stage.change.file} alone")
    detail: Detail = {"first_200_s": round(first_200_s, 3), "fork": child.id, "parent_events": known}
    if before.count is not None:
        counts = {FIRST: stage.count_on(FIRST), FORK: stage.count_on(FORK)}
        check(set(counts.values()) == {before.count + 1}, f"after {before.count} the two counters went on as {counts}")
        detail["counters"] = counts
    return detail


def pull_request(stage: Stage) -> Detail:
    """A pull request holds the diff; asked for again after a further change, the same one is brought up to date; it is
    listed, shown and merged."""
    began = time.monotonic()
    opened = _publish(stage)
    opened_s = time.monotonic() - began
    stage.change = stage.change.next()
    stage.note("a further change")
    stage.take_turn(FIRST, change_prompt(stage.provider, stage.change), str(uuid.uuid4()))
    began = time.monotonic()
    updated = _publish(stage)
    updated_s = time.monotonic() - began
    check(updated.number == opened.number, f"a second pull request was opened: {updated.number}")
    check(updated.head_commit != opened.head_commit, "the pull request was not brought up to date")
    listed = [each.number for each in stage.client.list_pull_requests(stage.project.id)]
    check(listed == [opened.number], f"the project lists the pull requests {listed}")
    merged = stage.client.merge_pull_request(stage.project.id, opened.number)
    check(merged.state == "merged", f"after the merge it is {merged.state}")
    shown = stage.client.get_pull_request(stage.project.id, opened.number)
    check(shown.state == "merged", f"it is shown as {shown.state} after the merge")
    return {
        "number": shown.number,
        "branch": shown.branch,
        "head_commit": shown.head_commit,
        "state": shown.state,
        "open_s": round(opened_s, 3),
        "update_s": round(updated_s, 3),
    }


def delete(stage: Stage) -> Detail:
    """Sessions and project are deleted, and nothing of them is left: on the API, and on the host where we may look."""
    ids = (*stage.sessions.values(), stage.project.id)
    snapshots = tuple(snapshot.id for snapshot in stage.client.list_snapshots(stage.project.id))
    began = time.monotonic()
    for session in stage.sessions.values():
        stage.client.delete_session(session)
    deleted_s = time.monotonic() - began
    for session in stage.sessions.values():
        check(_is_missing(stage.client.get_session, session), f"session {session} is still there")
        check(_is_missing(stage.client.list_events, session), f"events of {session} are still there")
    stage.client.delete_project(stage.project.id)
    check(_is_missing(stage.client.get_project, stage.project.id), "the project is still there")
    left = set(stage.client.get_host().sandboxes) & {*ids, *snapshots}
    check(not left, f"the host still names the sandboxes {sorted(left)}")
    _check_gone(stage, (*ids, *snapshots), keeps_disk=False)
    detail: Detail = {"sessions": len(stage.sessions), "delete_s": round(deleted_s, 3), "left_behind": 0}
    stage.sessions.clear()
    stage.project_to_delete = None
    if stage.stop_server is not None:
        stage.held.close()
        code = stage.stop_server()
        check(code == 0, f"the server ended with exit code {code}")
        detail["server_stopped"] = True
        _check_gone(stage, (str(stage.data_dir),), keeps_disk=True)
    return detail


STEPS = (
    Step("project", project),
    Step("start_two", start_two, ("project",)),
    Step("turn", turn, ("start_two",)),
    Step("preview", preview, ("turn",)),
    Step("diff", diff, ("turn",)),
    Step("pause", pause, ("start_two",)),
    Step("resume", resume, ("pause",)),
    Step("fork", fork, ("turn", "resume")),
    Step("pull_request", pull_request, ("turn", "resume")),
    Step("delete", delete, ("project",)),
)


def _start(stage: Stage, which: str) -> float:
    began = time.monotonic()
    wanted = NewSession(project=stage.project.id, title=f"Demo, {which}", provider=stage.provider, mode="full")
    session = stage.client.create_session(wanted)
    stage.sessions[which] = session.id
    stage.open_preview(which)
    seconds = _seconds_to_answer(stage, which, began)
    # The app may answer a moment before the session is told to be on.
    until = time.monotonic() + START_TIMEOUT_S
    while (session := stage.get(which)).label == "Starting" and time.monotonic() < until:
        time.sleep(POLL_S)
    check(session.label == "Idle", f"session {session.id} is {session.label}: {session.reason}")
    return seconds


def _seconds_to_answer(stage: Stage, which: str, began: float) -> float:
    stage.previews[which].wait_for_answer(START_TIMEOUT_S)
    return time.monotonic() - began


def _check_goes_on(stage: Stage, which: str) -> int | None:
    """Check that the dev server is the process it was, and have it count on; return the new number."""
    before, now = stage.before_pause, stage.dev_server(which)
    check(now.is_same_process_as(before), f"the dev server is another process: {before} before, {now} now")
    check(now.count == before.count, f"the counter stood at {before.count} and stands at {now.count}")
    if before.count is None:
        return None
    counted = stage.count_on(which)
    check(counted == before.count + 1, f"the counter went from {before.count} to {counted}")
    return counted


def _publish(stage: Stage) -> PullRequestBody:
    session = stage.sessions[FIRST]
    request = stage.client.open_pull_request(session, NewPullRequest(title="Demo", body="Made by `lot demo`."))
    check(request.state == "open", f"the pull request is {request.state}")
    patch = stage.client.get_pull_request_patch(request.project_id, request.number)
    lines = patch.splitlines()
    check(f"+{stage.change.new}" in lines, "the pull request does not hold the change")
    diff = stage.client.get_diff(session)
    check(_changed_lines(patch) == _changed_lines(diff.patch), "the pull request's content is not the session's diff")
    return request


def _changed_lines(patch: str) -> list[str]:
    return [line for line in patch.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))]


def _events_after(client: LotClient, session: str, number: int) -> list[e.SessionEvent]:
    events: list[e.SessionEvent] = []
    while True:
        page = client.list_events(session, number)
        events += [e.EVENT.validate_python(body.event) for body in page.events]
        if not page.events or page.events[-1].number >= page.newest:
            return events
        number = page.events[-1].number


def _is_missing(ask: Callable[[str], object], id: str) -> bool:
    try:
        ask(id)
    except RefusedError as error:
        return error.status == _NOT_FOUND
    return False


def _check_gone(stage: Stage, ids: tuple[str, ...], *, keeps_disk: bool) -> None:
    """Check that nothing of these ids is left on the host but, with `keeps_disk`, folders; they are given a moment."""
    if not stage.is_local:
        return
    data_dir = None if keeps_disk else stage.data_dir
    until = time.monotonic() + GONE_S
    while not (traces := find_traces(ids, data_dir)).is_empty and time.monotonic() < until:
        time.sleep(POLL_S)
    check(traces.is_empty, f"left on the host after {GONE_S:.0f} s: {traces}")


def _content(line: str) -> str:
    """Return what of a changed line is still found in the module that the dev server makes of it."""
    return line.split('"')[1] if line.count('"') >= 2 else line.strip()
