"""Measures the web application in a real Chromium: `.venv/bin/python -m bench.web [--runs N | --minutes N] [--json]`,
as root.

Needs a checkout that is set up (`make setup`, `setup/bootstrap.sh --for-tests`).

Cold load beside the bare page, switching among 50 sessions (one of them of 10,000 events) beside switching between two
empty ones, and from a streamed event to the screen beside a plain client of the same stream; all in one run, the model
is scripted. With `--minutes`, instead: the page's memory while its session streams for so long.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from acceptance_rig import Lot, lot_server
from browser_rig import PASSWORD, USER, chromium, sign_in_link, window
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.table import Table

from lot.bench.figures import percentile
from lot.core.events import AgentText, SessionEvent, ToolCalled, ToolFinished
from lot.core.ids import LayerId, SandboxId, SessionId, new_id
from lot.core.records import Lease
from lot.core.session import SandboxState
from lot.store.secrets import SecretBox
from lot.store.store import Store

SESSIONS = 50
LONG_EVENTS = 10_000
STREAM_EVENTS, STREAM_PACE_MS = 300, 50
_MEMORY_EVERY_S = 60
_PAGE = 2_000
"""Events that are stored in one transaction."""

SWITCH = """
async ([id, title]) => {
    const row = document.querySelector(`a[href^="/sessions/${id}"]`);
    const began = performance.now();
    row.click();
    const isShown = () => document.querySelector("h1")?.textContent.includes(title)
        && document.querySelector('[role=log]')?.textContent.includes(`last words of ${title}`);
    while (!isShown()) {
        if (performance.now() - began > 10000) throw new Error(`never shown: ${title}`);
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
}
"""
"""Clicks a session in the sidebar; returns the milliseconds until its title and its last words are drawn."""

WATCH = """
() => {
    window.seen = [];
    let last = 0;
    new MutationObserver(() => requestAnimationFrame(() => {
        const text = [...document.querySelectorAll('[role=log] article')].at(-1)?.textContent ?? "";
        const stamp = Number((text.match(/\\d{10}\\.\\d{6}/g) ?? []).at(-1) ?? 0);
        if (stamp > last) { last = stamp; window.seen.push(Date.now() / 1000 - stamp); }
    })).observe(document.querySelector('[role=log]'), {subtree: true, childList: true, characterData: true});
}
"""
"""Notes, frame by frame, how old the newest stamp is that stands on the screen."""


def main() -> None:
    """Measure, print a table, and JSON with `--json`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=20, help="cold loads; switches are five times as many")
    options.add_argument("--minutes", type=float, help="only the page's memory, over so many minutes of streaming")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with lot_server() as lot, TemporaryDirectory() as folder:
        live = lot.session(lot.ready_project()["id"], title="The live one")
        ids = anyio.run(fill, lot, live)
        # Only now: while Playwright's loop is there, none of ours can run.
        with chromium() as browser:
            state = Path(folder) / "state.json"
            sign_in(browser, lot, state)
            if given.minutes:
                figures = memory(browser, lot, state, live, 60 * given.minutes)
            else:
                figures = {
                    **load(browser, lot, state, given.runs),
                    **switches(browser, lot, state, ids, 5 * given.runs),
                    **streaming(browser, lot, state, live),
                }
    print(json.dumps(figures)) if given.json else show(figures)


def sign_in(browser: Browser, lot: Lot, state: Path) -> None:
    """Make a user, and keep the cookies of the browser that did."""
    with window(browser, lot) as opened:
        page = opened.page
        page.goto(sign_in_link(lot))
        page.get_by_label("Name").fill(USER)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Create and sign in").click()
        page.get_by_role("link", name="New project").first.wait_for()
        page.context.storage_state(path=state)


async def fill(lot: Lot, live: str) -> list[tuple[str, str]]:
    """Store paused sessions beside the live one; return id and title of each, first that with the long transcript."""
    store = await Store.open(f"sqlite+aiosqlite:///{lot.server.data_dir}/lot.db", SecretBox(bytes(32)))
    made: list[tuple[str, str]] = []
    try:
        like = await store.get_session(SessionId(live))
        for number in range(SESSIONS - 1):
            session_id, title = SessionId(new_id()), f"Session {number:02}"
            session = replace(
                like,
                id=session_id,
                title=title,
                sandbox=SandboxId(session_id),
                upper=LayerId(new_id()),
                sandbox_state=SandboxState.PAUSED,
                branch=f"lot/bench-{session_id}",
                lease=Lease(),
                memory_image=None,
                pause_at=None,
                pause_reason=None,
                events=0,
                version=1,
            )
            await store.add_session(session, [])
            events = list(transcript(title, LONG_EVENTS if number == 0 else 40))
            for at in range(0, len(events), _PAGE):
                await store.append_events(session_id, events[at : at + _PAGE])
            made.append((session_id, title))
    finally:
        await store.close()
    return made


def transcript(title: str, count: int) -> Iterator[SessionEvent]:
    """Return so many events as an agent makes them: words, calls, results."""
    now = datetime.now(UTC)
    for number in range((count - 1) // 3):
        call = f"call-{number}"
        yield AgentText(at=now, text=f"Step {number}: I look at `src/file{number}.py` and change **one** thing in it.")
        yield ToolCalled(at=now, tool_call_id=call, name="Bash", tool_kind="execute", title=f"make {number}", input={})
        yield ToolFinished(at=now, tool_call_id=call, is_error=False, output=f"line one of {number}\nline two\n")
    yield AgentText(at=now, text=f"These are the last words of {title}.")


def load(browser: Browser, lot: Lot, state: Path, runs: int) -> dict[str, object]:
    """From the address to a page that one can write in, with an empty cache; beside a file of the same server."""
    usable: list[float] = []
    bare: list[float] = []
    loaded: list[int] = []
    for _ in range(runs):
        with window(browser, lot, state) as opened:
            page = opened.page
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            sizes: list[int] = []
            network.on("Network.loadingFinished", lambda told, sizes=sizes: sizes.append(told["encodedDataLength"]))
            began = time.perf_counter()
            page.goto("/", wait_until="commit")
            page.get_by_role("link", name="Session 01").first.wait_for()
            usable.append(1000 * (time.perf_counter() - began))
            loaded.append(int(sum(sizes)))
            began = time.perf_counter()
            page.goto("/icon.svg")
            bare.append(1000 * (time.perf_counter() - began))
    return {
        "cold load (ms)": figure(usable, bare, "a bare file of the same server"),
        "cold load (kB)": {"p50": round(percentile(loaded, 0.5) / 1000), "n": runs},
    }


def switches(browser: Browser, lot: Lot, state: Path, ids: Sequence[tuple[str, str]], runs: int) -> dict[str, object]:
    """From the click in the sidebar to the other session's title and last words on the screen."""
    long, *others = ids
    with window(browser, lot, state) as opened:
        page = opened.page
        page.goto(f"/sessions/{long[0]}/logs")
        page.get_by_text(f"last words of {long[1]}").last.wait_for()
        # A user looks around first; meanwhile the page reads ahead.
        page.wait_for_load_state("networkidle")
        first = [switch(page, one) for one in others]
        again = [switch(page, others[at % len(others)]) for at in range(runs)]
        to_long = [switch(page, one) for at in range(runs // 2) for one in (others[at % len(others)], long)][1::2]
        pair = [switch(page, others[at % 2]) for at in range(runs)]
    return {
        "switch, first visit (ms)": figure(first, pair, "to and fro between two"),
        "switch among 49 (ms)": figure(again, pair, "to and fro between two"),
        "switch to 10,000 events (ms)": figure(to_long, pair, "to and fro between two"),
    }


def switch(page: Page, to: tuple[str, str]) -> float:
    """Return the milliseconds that a switch to a session took."""
    milliseconds: float = page.evaluate(SWITCH, list(to))
    return milliseconds


def streaming(browser: Browser, lot: Lot, state: Path, session: str) -> dict[str, object]:
    """From the model's piece of text to the screen, beside a plain client that reads the same stream."""
    plain: list[float] = []
    with window(browser, lot, state) as opened:
        page = opened.page
        page.goto(f"/sessions/{session}/logs")
        page.get_by_label("Message", exact=True).wait_for()
        page.get_by_role("log").wait_for()
        page.evaluate(WATCH)
        listener = threading.Thread(target=listen, args=(lot, session, plain))
        listener.start()
        lot.turn(session, f"@@clock {json.dumps({'count': STREAM_EVENTS, 'ms_per_delta': STREAM_PACE_MS})}")
        listener.join()
        seen = [1000 * one for one in page.evaluate("window.seen")]
        heap = page.evaluate("performance.memory?.usedJSHeapSize ?? 0")
    return {
        "event to screen (ms)": figure(seen, plain, "to a plain client"),
        "page's heap after it (MB)": {"p50": round(heap / 1e6), "n": 1},
    }


def memory(browser: Browser, lot: Lot, state: Path, session: str, seconds: float) -> dict[str, object]:
    """What the page holds, after a garbage collection, while turns stream one after the other; beside its beginning."""
    heaps: list[float] = []
    nodes: list[float] = []
    with window(browser, lot, state) as opened:
        page = opened.page
        page.goto(f"/sessions/{session}/logs")
        page.get_by_label("Message", exact=True).wait_for()
        inspector = page.context.new_cdp_session(page)
        inspector.send("Performance.enable")
        began = measured = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            lot.turn(session, f"@@clock {json.dumps({'count': STREAM_EVENTS, 'ms_per_delta': STREAM_PACE_MS})}")
            lot.turn(session, f"@@bash {json.dumps({'command': 'seq 1 200'})}")
            if not heaps or now - measured >= _MEMORY_EVERY_S:
                inspector.send("HeapProfiler.collectGarbage")
                told = {one["name"]: one["value"] for one in inspector.send("Performance.getMetrics")["metrics"]}
                heaps.append(told["JSHeapUsedSize"] / 1e6)
                nodes.append(told["Nodes"])
                measured = now
                print(f"{(now - began) / 60:.0f} min: {heaps[-1]:.1f} MB, {nodes[-1]:.0f} nodes", file=sys.stderr)
    what = f"the first turns, {lot.show(session)['events']} events later"
    return {
        "page's heap (MB)": figure(heaps, heaps[:1], what),
        "page's nodes": figure(nodes, nodes[:1], what),
    }


def listen(lot: Lot, session: str, latencies: list[float]) -> None:
    """Note how old each newest stamp is when a plain client hears of it, to the end of the turn."""
    after = lot.show(session)["events"]
    with lot.socket(f"/api/sessions/{session}/events/stream?after={after}") as stream:
        while True:
            frame = json.loads(stream.recv(120))
            if (part := frame.get("part")) and part["kind"] == "text" and part["text"].split():
                latencies.append(1000 * (time.time() - float(part["text"].split()[-1])))
            if frame.get("event", {}).get("kind") in ("turn_ended", "turn_failed"):
                return


def figure(values: Sequence[float], baseline: Sequence[float], what: str) -> dict[str, object]:
    """Return percentiles of both, and how many times the baseline's median the median is."""
    middle, bare = percentile(values, 0.5), percentile(baseline, 0.5)
    return {
        **{f"p{share}": round(percentile(values, share / 100), 1) for share in (50, 95, 99)},
        "n": len(values),
        "baseline": what,
        "baseline p50": round(bare, 1),
        "ratio": round(middle / bare, 2) if bare else None,
    }


def show(figures: dict[str, object]) -> None:
    """Print the figures as a table."""
    columns = ("p50", "p95", "p99", "n", "baseline", "baseline p50", "ratio")
    table = Table("figure", *columns, box=None)
    for name, row in figures.items():
        assert isinstance(row, dict)
        table.add_row(name, *(str(row.get(column, "")) for column in columns))
    Console().print(table)
    Console().print(f"load average {os.getloadavg()[0]:.1f}, scripted model")


if __name__ == "__main__":
    main()
