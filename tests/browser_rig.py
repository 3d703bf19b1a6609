"""A real Chromium in front of a real server: signed in as a user is, and strict about what the page complains of."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
from acceptance_rig import Lot
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Error,
    Page,
    Response,
    Worker,
    sync_playwright,
)

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PATIENCE_MS = 45_000
AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
COUNTED = ("moderate", "serious", "critical")
USER, PASSWORD = f"ada-{uuid.uuid4().hex[:6]}", "a long enough password"
_EXPECTED = ("status of 4", "status of 5", "WebSocket", "ERR_CONNECTION", "ERR_NETWORK")
"""What Chromium itself prints of answers that the application shows in words: refusals, a server that is away."""


@dataclass
class Window:
    """One window of the browser, and what its page complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Requests that failed or were refused, which may be as it should be."""

    def note(self, message: ConsoleMessage) -> None:
        """Keep an error that the console shows."""
        if message.type == "error" and not any(known in message.text for known in _EXPECTED):
            self.complaints.append(message.text)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium for the length of the block."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium: setup/bootstrap.sh --for-tests")
    with sync_playwright() as playwright:
        # As root it cannot make a sandbox of its own; it shows our own pages only.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        # Without WebGL a terminal's text is text of the page, and can be read.
        browser = playwright.chromium.launch(executable_path=program, args=[*sandbox, "--disable-3d-apis"])
        try:
            yield browser
        finally:
            browser.close()


def base_url(lot: Lot) -> str:
    """Return the address that a user of the same machine types."""
    return f"http://localhost:{lot.server.port}"


def sign_in_link(lot: Lot) -> str:
    """Return a fresh one-time link."""
    made = lot.post("/sign-in-links", {"user": None, "is_new": True})
    url: str = made["url"]
    return url


@contextmanager
def window(
    browser: Browser, lot: Lot, state: Path | None = None, *, is_phone: bool = False, bypass_csp: bool = False
) -> Iterator[Window]:
    """Open a window for the length of the block; afterwards its page must not have complained of anything.

    Args:
        state: Of a browser that is signed in; None: a browser that nobody has used.
    """
    context: BrowserContext = browser.new_context(
        base_url=base_url(lot),
        viewport=PHONE if is_phone else DESK,  # type: ignore[arg-type]
        is_mobile=is_phone,
        has_touch=is_phone,
        storage_state=state,
        bypass_csp=bypass_csp,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = Window(context.new_page())
    opened.page.on("console", opened.note)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("requestfailed", lambda request: opened.trouble.append(f"{request.url}: {request.failure}"))
    opened.page.on("response", lambda answer: _note_refusal(opened, answer))
    try:
        yield opened
        assert opened.complaints == []
    finally:
        if "PYTEST_CURRENT_TEST" in os.environ:  # which shows it where the test fails, also that of a fixture
            print(*_state(opened), sep="\n")
        context.close()


def _state(opened: Window) -> tuple[object, ...]:
    with suppress(Error):
        words = opened.page.evaluate("document.body?.innerText ?? ''")
        return opened.page.url, opened.trouble[-20:], words[:2000]
    return ("the page cannot be asked what it shows",)


def _note_refusal(opened: Window, answer: Response) -> None:
    if answer.status >= 400:
        opened.trouble.append(f"{answer.url}: {answer.status}")


def visit(page: Page, path: str) -> None:
    """Go to an address and return once its page is drawn.

    Chromium gives up what it is loading when a network interface comes or goes (ERR_NETWORK_CHANGED), and on the
    machine of the sandboxes some do all the time: the page itself asks for it again.
    """
    page.goto(path)
    page.get_by_role("main").first.wait_for()


def faults(page: Page) -> list[str]:
    """Return what axe finds wrong on a page as it stands, what it calls minor left out."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("async () => (await axe.run(document, {iframes: false})).violations")
    return [f"{one['id']}: {node['html'][:160]}" for one in found if one["impact"] in COUNTED for node in one["nodes"]]


@dataclass(frozen=True)
class Pushes:
    """A page's service worker, to which Chromium hands what a push service would bring."""

    worker: Worker
    _devtools: CDPSession
    _where: dict[str, str]

    @classmethod
    def to(cls, page: Page) -> Self:
        """Install the worker and allow it to show notices."""
        page.context.grant_permissions(["notifications"])
        page.evaluate(
            "navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)"
        )
        devtools, known = page.context.new_cdp_session(page), list[dict[str, str]]()
        devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(told["registrations"]))
        devtools.send("ServiceWorker.enable")
        while not known:
            page.wait_for_timeout(10)  # Until what it tells has come; Playwright has no other way to listen.
        where = {"origin": page.evaluate("location.origin"), "registrationId": known[0]["registrationId"]}
        [worker] = page.context.service_workers
        return cls(worker, devtools, where)

    def bring(self, session: str, title: str, body: str) -> None:
        """Bring a notice of a session."""
        said = json.dumps({"session": session, "title": title, "body": body})
        self._devtools.send("ServiceWorker.deliverPushMessage", self._where | {"data": said})

    def shown(self) -> list[list[str]]:
        """Return tag, title and body of each notice that is shown."""
        parts = "registration.getNotifications().then((all) => all.map((one) => [one.tag, one.title, one.body]))"
        seen: list[list[str]] = self.worker.evaluate(parts)
        return seen

    def wait_until(self, condition: str) -> None:
        """Return once a condition holds of the notices that are `shown`."""
        self.worker.evaluate(
            """async (condition) => {
                const holds = new Function("shown", `return ${condition}`);
                while (!holds(await registration.getNotifications())) await new Promise((go) => setTimeout(go, 10));
            }""",
            condition,
        )
