"""The web application in a real Chromium over the real stack: sandboxes, the Claude CLI, git; the model is scripted."""

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_rig import DEV_COMMAND, PORT, Lot, lot_server, make_repository
from browser_rig import PASSWORD, USER, Pushes, Window, chromium, faults, sign_in_link, visit, window
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(240)]

expect.set_options(timeout=45_000)


ECHO = """
() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/socket`);
    socket.onopen = () => socket.send("through the proxy");
    socket.onmessage = (message) => message.data.startsWith("echo") && resolve(message.data);
    socket.onerror = () => reject(new Error("the socket failed"));
})
"""
"""Has the app in the preview echo a text over a WebSocket."""
OVER_PLAIN_HTTP = """
delete Crypto.prototype.randomUUID;
Object.defineProperty(Navigator.prototype, "clipboard", {value: undefined});
"""
"""Takes away what browsers keep for https and for the machine itself."""


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    with lot_server() as lot:
        yield lot


@pytest.fixture(scope="module")
def browser(lot: Lot) -> Iterator[Browser]:
    # Closed before the server: while Playwright's loop is there, none of ours can run.
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def state(lot: Lot, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A browser's cookies after its user came in by the link that the first start prints, and chose a password."""
    path = tmp_path_factory.mktemp("browser") / "state.json"
    with window(browser, lot) as first:
        page = first.page
        visit(page, "/")
        expect(page).to_have_url(re.compile("/sign-in"))
        visit(page, sign_in_link(lot))
        page.get_by_label("Name").fill(USER)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Create and sign in").click()
        expect(page.get_by_role("link", name="New project").first).to_be_visible()
        page.context.storage_state(path=path)
    return path


@pytest.fixture(scope="module")
def project(lot: Lot) -> str:
    return str(lot.ready_project(environment={"GREETING": "hello"})["id"])


@pytest.fixture
def session(lot: Lot, project: str) -> Iterator[str]:
    made = lot.session(project)
    yield made
    lot.delete(f"/sessions/{made}")


@pytest.fixture
def desk(browser: Browser, lot: Lot, state: Path) -> Iterator[Window]:
    with window(browser, lot, state) as opened:
        yield opened


@pytest.fixture
def phone(browser: Browser, lot: Lot, state: Path) -> Iterator[Window]:
    with window(browser, lot, state, is_phone=True) as opened:
        yield opened


def directive(scenario: str, **given: object) -> str:
    """Return what has the scripted model play a scenario."""
    return f"@@{scenario} {json.dumps(given)}"


def say(page: Page, text: str) -> None:
    """Write to the agent and send it."""
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send").click()


def reads(page: Page, text: str) -> None:
    """Wait until something stands in the conversation."""
    expect(page.get_by_role("log").get_by_text(text, exact=False).last).to_be_visible()


def agent_says(page: Page, text: str) -> None:
    """Wait until the agent has said something, and its turn is over."""
    expect(page.get_by_role("article", name="Agent").filter(has_text=text).last).to_be_visible()
    expect(page.get_by_role("button", name="Stop the agent")).to_have_count(0)


def has_no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_password_signs_in_and_everything_else_is_refused(lot: Lot, browser: Browser, state: Path) -> None:
    with window(browser, lot) as stranger:
        page = stranger.page
        assert page.request.get("/api/sessions").status == 401
        visit(page, "/settings")
        expect(page).to_have_url(re.compile("/sign-in"))
        page.get_by_label("Name").fill(USER)
        page.get_by_label("Password", exact=True).fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/settings"))


def test_new_project_goes_over_into_its_live_setup_session(lot: Lot, desk: Window) -> None:
    page, name = desk.page, f"web-{uuid.uuid4().hex[:6]}"
    visit(page, "/projects/new")
    page.get_by_label("Address or path").fill(str(make_repository(lot.folder)))
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("summary").click()
    page.get_by_label("Setup command").fill("echo from-the-setup; sleep 1")
    page.get_by_label("Dev command").fill(DEV_COMMAND)
    page.get_by_label("Port", exact=True).fill(str(PORT))
    page.get_by_role("button", name="Create project").click()
    expect(page).to_have_url(re.compile("/sessions/"))
    reads(page, "running the setup command")
    reads(page, "new sessions start from it")
    expect(page.get_by_text("Idle").first).to_be_visible()
    lot.delete(f"/projects/{name}", params={"cascade": "true"})


def test_page_comes_up_though_each_of_its_files_is_lost_at_first(desk: Window, session: str) -> None:
    page, asked = desk.page, Counter[str]()

    def lose_once(route: Route) -> None:
        asked[route.request.url] += 1
        if asked[route.request.url] == 1:
            route.abort("connectionfailed")
        else:
            route.continue_()

    page.route("**/assets/**", lose_once)
    visit(page, f"/sessions/{session}/env")
    expect(page.get_by_label("Name of a new variable")).to_be_visible()
    assert max(asked.values()) > 1


def test_message_is_acted_upon_and_becomes_a_diff_and_a_pull_request(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}/diff")
    say(page, directive("write", file="notes.py", content="print('from the browser')\n"))
    agent_says(page, "is written")
    expect(page.get_by_text("notes.py").first).to_be_visible()
    expect(page.get_by_text("from the browser").last).to_be_visible()
    page.get_by_role("button", name="Create PR").click()
    expect(page.get_by_role("button", name="Update PR")).to_be_visible()
    assert lot.get(f"/sessions/{session}/pull-request")["state"] == "open"


def test_question_is_answered_in_place(desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}")
    say(page, "@@ask")
    expect(page.get_by_text("Waiting for user").first).to_be_visible()
    page.get_by_role("radio", name="Blue").check()
    page.get_by_role("button", name="Answer", exact=True).click()
    agent_says(page, "Blue")
    expect(page.get_by_text("Idle").first).to_be_visible()


def test_paused_session_is_readable_and_resumes_from_its_panels(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}/preview")
    say(page, directive("say", text="something to read later"))
    agent_says(page, "something to read later")
    counted, pid = lot.count(session)
    lot.move(session, "pause")
    expect(page.get_by_text("Paused").first).to_be_visible()
    agent_says(page, "something to read later")
    for panel in ("Terminal", "Logs", "Preview"):
        page.get_by_role("tab", name=panel).first.click()
        expect(page.get_by_role("button", name="Resume").first).to_be_visible()
    assert lot.show(session)["label"] == "Paused", "looking wakes nothing"
    page.get_by_role("button", name="Resume").first.click()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
    later, same = lot.count(session)
    assert (later > counted, same) == (True, pid)


def test_preview_shows_the_running_app(desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}/preview")
    page.get_by_label("Path", exact=True).fill("/word")
    page.get_by_label("Path", exact=True).press("Enter")
    frame = page.frame_locator("iframe").first
    expect(frame.locator("body")).not_to_be_empty()


def test_terminal_runs_commands_and_is_found_again_after_a_reload(desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}/terminal")
    if page.get_by_role("button", name="New terminal").is_visible():
        page.get_by_role("button", name="New terminal").first.click()
    screen = page.locator(".xterm-screen").first
    screen.click()
    page.keyboard.type("echo $((6*7))-answers\n")
    expect(page.locator(".xterm-rows").first).to_contain_text("42-answers")
    page.reload()
    expect(page.locator(".xterm-rows").first).to_contain_text("42-answers")


def test_variables_are_edited_and_used_after_a_restart_that_is_asked_for(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    _, pid = lot.count(session)
    visit(page, f"/sessions/{session}/env")
    expect(page.get_by_text("GREETING").first).to_be_visible()
    page.get_by_label("Name of a new variable").fill("LOT_WORD")
    page.get_by_label("Its value").fill("blue")
    page.get_by_label("Its value").press("Enter")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("restart", ignore_case=True)
    assert lot.count(session)[1] == pid, "saving restarts nothing"
    page.get_by_role("dialog").get_by_role("button", name="Restart").first.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert lot.count(session)[1] != pid
    assert lot.preview(session, "/word").json() == "blue"


def test_session_is_begun_in_its_project_stopped_and_deleted_from_the_sidebar(lot: Lot, desk: Window) -> None:
    page, name = desk.page, f"side-{uuid.uuid4().hex[:6]}"
    project = lot.ready_project(name=name)["id"]
    visit(page, "/")
    page.get_by_role("button", name=f"New session in {name}").click()
    expect(page).to_have_url(re.compile("/sessions/"))
    [session] = [one["id"] for one in lot.get("/sessions") if one["project_id"] == project]
    say(page, directive("slow", seconds=60))
    expect(page.get_by_text("Running", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Stop the agent").click()
    expect(page.get_by_text("Idle", exact=True).first).to_be_visible()
    listed = page.get_by_role("region", name=f"Project {name}")
    listed.get_by_role("button", name=re.compile("^Delete ")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(listed.get_by_role("listitem")).to_have_count(0)
    assert session not in [one["id"] for one in lot.get("/sessions")]


def test_two_forks_are_compared_and_one_is_kept(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}")
    say(page, directive("write", file="one.txt", content="from the parent\n"))
    agent_says(page, "is written")
    page.get_by_role("button", name="Actions of this session").click()
    page.get_by_role("menuitem", name=re.compile("^Fork")).click()
    expect(page).not_to_have_url(re.compile(session))
    agent_says(page, "is written")
    child = page.url.rsplit("/sessions/", 1)[1].split("/")[0]
    lot.settled(child, "Idle")
    say(page, directive("write", file="two.txt", content="from the fork\n"))
    expect(page.get_by_role("article", name="Agent").filter(has_text="two.txt").last).to_be_visible()
    visit(page, f"/compare/{session}/{child}")
    left, right = (
        page.get_by_role("region", name=re.compile("^Left")),
        page.get_by_role("region", name=re.compile("^Right")),
    )
    expect(right).to_contain_text("from the fork")
    expect(left).to_contain_text("from the parent")
    expect(left).not_to_contain_text("two.txt")
    left.get_by_role("button", name=re.compile("Keep")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Keep|Delete")).click()
    expect(page).to_have_url(re.compile(f"/sessions/{session}"))
    assert child not in [one["id"] for one in lot.get("/sessions")]


def test_comment_on_a_line_of_the_diff_goes_into_the_message(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    lot.turn(session, directive("write", file="sums.py", content="def add(a, b):\n    return a - b\n"))
    visit(page, f"/sessions/{session}/diff")
    changes = page.get_by_role("table", name="Changes of sums.py")
    changes.get_by_role("button", name="Comment on line 2").click()
    page.get_by_role("textbox", name=re.compile("^Comment on")).fill("this ought to be a sum")
    page.get_by_role("button", name="Add to message").click()
    message = page.get_by_label("Message", exact=True)
    expect(message).to_have_value(re.compile(r"sums\.py.*2[^$]*this ought to be a sum", re.DOTALL))
    columns = changes.locator("col")
    expect(columns).to_have_count(3)
    page.get_by_role("button", name="Show side by side").click()
    expect(columns).to_have_count(4)


def test_plan_is_approved_in_place(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    assert lot.http.patch(f"/api/sessions/{session}", json={"mode": "plan"}).is_success
    visit(page, f"/sessions/{session}")
    say(page, "@@plan")
    reads(page, "The agent proposes a plan")
    page.get_by_role("button", name="Approve").click()
    agent_says(page, "written as planned")
    reads(page, "Plan approved")


def test_app_that_crashed_is_told_of_and_its_log_is_searched(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}/preview")
    app = page.frame_locator("iframe").first
    expect(app.locator("body")).to_contain_text("hello")
    heard = app.locator("body").evaluate(ECHO)
    assert heard == "echo: through the proxy"
    page.get_by_label("Path", exact=True).fill("/die")
    page.get_by_label("Path", exact=True).press("Enter")
    expect(page.get_by_text("the app was told to die").first).to_be_visible()
    page.get_by_role("tab", name="Logs").click()
    page.get_by_label("Search in the log").fill("told to die")
    expect(page.get_by_role("status").filter(has_text="1 of 1")).to_be_visible()


def test_keyboard_leads_among_sessions_and_drafts_stay(lot: Lot, desk: Window, project: str, session: str) -> None:
    page, other = desk.page, lot.session(project, title="the newer one")
    visit(page, f"/sessions/{other}")
    message = page.get_by_label("Message", exact=True)
    message.fill("not sent yet")
    page.get_by_role("heading", name="the newer one").click()
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(session))
    expect(message).to_have_value("")
    page.get_by_role("banner").or_(page.get_by_role("heading", level=1)).first.click()
    page.keyboard.press("k")
    expect(page).to_have_url(re.compile(other))
    expect(message).to_have_value("not sent yet")
    page.reload()
    expect(message).to_have_value("not sent yet")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("the newer one")
    page.keyboard.press("Escape")
    message.fill(directive("say", text="sent by the keyboard"))
    message.press("Control+Enter")
    agent_says(page, "sent by the keyboard")
    lot.delete(f"/sessions/{other}")


@pytest.mark.parametrize("is_phone", [False, True], ids=["desk", "phone"])
def test_answer_in_a_session_that_is_not_open_marks_it_until_it_is_opened(
    lot: Lot, browser: Browser, state: Path, session: str, is_phone: bool
) -> None:
    with window(browser, lot, state, is_phone=is_phone) as opened:
        page = opened.page
        visit(page, "/")
        row = page.locator(f'a[href^="/sessions/{session}"]')
        expect(row).to_be_visible()
        lot.turn(session, directive("say", text="while nobody looked"))
        mark = row.get_by_role("img", name="unread")
        expect(mark).to_be_visible()
        with page.expect_response(re.compile(r"/seen$")):
            row.click()
        reads(page, "while nobody looked")
        visit(page, "/")
        expect(row).to_be_visible()
        expect(mark).to_have_count(0)


def test_over_plain_http_one_writes_and_copies(desk: Window, session: str) -> None:
    page = desk.page
    page.add_init_script(OVER_PLAIN_HTTP)
    visit(page, f"/sessions/{session}")
    say(page, directive("say", text="over plain HTTP"))
    agent_says(page, "over plain HTTP")
    page.get_by_role("button", name="Copy the branch's name").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    message = page.get_by_label("Message", exact=True)
    message.focus()
    page.keyboard.press("Control+v")
    expect(message).to_have_value(re.compile("^lot/"))


def test_page_goes_on_by_itself_after_the_server_was_restarted(lot: Lot, desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}")
    say(page, directive("say", text="before the restart"))
    agent_says(page, "before the restart")
    lot.server.kill()
    lot.server.start()
    say(page, directive("say", text="after the restart"))
    agent_says(page, "after the restart")
    expect(page.get_by_text("before the restart", exact=True)).to_have_count(1)


def test_notice_that_is_pushed_is_shown_once_and_leads_to_its_session(desk: Window, session: str) -> None:
    page = desk.page
    visit(page, "/settings/notices")
    pushes = Pushes.to(page)
    # Only a real click, which no browser without a screen has, may open a window.
    pushes.worker.evaluate("self.opened = []; clients.openWindow = async (path) => self.opened.push(path); void 0")
    pushes.bring(session, "One needs you", "shop")
    pushes.wait_until("shown.length === 1")
    pushes.bring(session, "One is done", "shop")
    pushes.wait_until("shown.some((one) => one.title === 'One is done')")
    assert pushes.shown() == [[session, "One is done", "shop"]], "the later one takes the other's place"
    pushes.worker.evaluate(
        """registration.getNotifications().then(([notification]) => {
            dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        })"""
    )
    expect(page).to_have_url(re.compile(f"/sessions/{session}"))
    pushes.wait_until("shown.length === 0")
    assert pushes.worker.evaluate("self.opened") == [], "the window that is open is used"


def test_notice_is_not_shown_to_one_who_looks_at_its_session(desk: Window, session: str) -> None:
    page = desk.page
    visit(page, f"/sessions/{session}")
    pushes = Pushes.to(page)
    page.bring_to_front()
    pushes.bring(session, "One is done", "shop")
    pushes.bring("another", "Another is done", "shop")
    pushes.wait_until("shown.length > 0")
    assert pushes.shown() == [["another", "Another is done", "shop"]]


def test_private_window_says_that_it_cannot_be_pushed_to(desk: Window) -> None:
    page = desk.page
    page.context.grant_permissions(["notifications"])
    visit(page, "/settings/notices")
    switch = page.get_by_role("switch", name="Also when Lot is not open")
    switch.click()
    expect(page.get_by_role("alert").filter(has_text="a private window cannot")).to_be_visible()
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("None yet.")).to_be_visible()
    assert all("incognito" in complaint for complaint in desk.complaints), "Chromium itself says so, too"
    desk.complaints.clear()


def test_on_a_phone_one_sends_answers_and_looks(lot: Lot, phone: Window, session: str) -> None:
    page = phone.page
    visit(page, f"/sessions/{session}")
    say(page, directive("write", file="phone.txt", content="written on the train\n"))
    agent_says(page, "is written")
    assert has_no_sideways_scroll(page)
    page.get_by_role("link", name="Diff").click()
    expect(page.get_by_role("region", name="phone.txt")).to_contain_text("written on the train")
    assert has_no_sideways_scroll(page)
    page.get_by_role("button", name="Create PR").click()
    expect(page.get_by_role("button", name="Update PR")).to_be_visible()
    page.get_by_role("link", name="Preview").click()
    expect(page.locator("iframe").first).to_be_visible()
    assert has_no_sideways_scroll(page)


@pytest.mark.parametrize("is_phone", [False, True], ids=["desk", "phone"])
def test_axe_finds_minor_faults_at_most(lot: Lot, browser: Browser, state: Path, session: str, is_phone: bool) -> None:
    project = lot.show(session)["project_id"]
    pages = ("/", "/projects/new", f"/projects/{project}", "/settings", f"/sessions/{session}")
    panels = [f"/sessions/{session}/{name}" for name in ("preview", "diff", "terminal", "logs", "env")]
    with window(browser, lot, state, is_phone=is_phone, bypass_csp=True) as opened:
        for path in (*pages, *panels):
            visit(opened.page, path)
            expect(opened.page.get_by_role("main").first).to_be_visible()
            opened.page.wait_for_load_state("networkidle")
            assert faults(opened.page) == [], path
