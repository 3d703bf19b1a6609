"""Pull requests from a session: asked for by its agent, twice at once, and when something came in between."""

import anyio
import pytest
from pydantic import SecretStr

from lot.core.credentials import TokenSecret
from lot.core.errors import HostUnreachableError, NothingToDoError, NotSupportedError, SandboxUnavailableError
from lot.core.records import PullRequest, PullRequestState
from lot.core.session import SandboxState, SessionLabel
from tests.unit.engine.conftest import Rig


async def test_running_agent_opens_then_updates_its_pull_request_without_waiting_for_its_turn(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="work")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    opened = await lot.engine.publish_for_agent(session.id, "A title", "Its text")
    assert opened.startswith("Pull request 1 was opened: http://localhost:7070/projects/")
    assert [(one.title, one.body) for one in lot.world.forge.opened] == [("A title", "Its text")]
    updated = await lot.engine.publish_for_agent(session.id, None, None)
    assert updated.startswith("Pull request 1 was updated: ")
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.RUNNING
    assert (await lot.kinds(session.id)).count("pull_request_changed") == 2


async def test_session_that_is_off_is_not_woken_by_its_agents_wish(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    with pytest.raises(SandboxUnavailableError):
        await lot.engine.publish_for_agent(session.id, None, None)


async def test_two_calls_at_once_make_one_pull_request(lot: Rig) -> None:
    session = await lot.session(message="work")
    outcomes: list[PullRequest] = []

    async def publish() -> None:
        outcomes.append(await lot.engine.publish(session.id, None, None))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(publish)
        tasks.start_soon(publish)
    assert [one.number for one in outcomes] == [1, 1]
    assert len(lot.world.forge.opened) == 1
    assert len(await lot.parts.store.list_pull_requests(session.project_id)) == 1


async def test_pull_request_that_the_host_has_already_is_adopted_by_its_number(lot: Rig) -> None:
    lot.world.forge.numbers_itself = True
    session = await lot.session(message="work")
    opened = await lot.engine.publish(session.id, None, None)
    other = await lot.session(message="other", project=await lot.parts.store.get_project(session.project_id))
    adopted = await lot.engine.publish(other.id, None, None)
    assert (opened.number, opened.url, adopted.id) == (77, "https://host/77", opened.id)
    assert adopted.head_commit != opened.head_commit


@pytest.mark.parametrize("state", [PullRequestState.MERGED, PullRequestState.CLOSED])
async def test_pull_request_that_is_over_is_followed_by_a_new_one_said_plainly(
    lot: Rig, state: PullRequestState
) -> None:
    session = await lot.session(message="work")
    first = await lot.engine.publish(session.id, None, None)
    lot.world.forge.state = state
    second = await lot.engine.publish(session.id, None, None)
    assert (second.number, second.branch) == (2, f"{first.branch}--2")
    assert (await lot.parts.store.get_pull_request(session.project_id, 1)).state is state
    notices = [
        stored.event.text for stored in await lot.parts.store.read_events(session.id) if stored.event.kind == "notice"
    ]
    assert notices == [f"pull request 1 is {state}: a new one is opened from the new branch {second.branch}"]


async def test_draft_is_shown_as_one_and_goes_on_being_updated(lot: Rig) -> None:
    session = await lot.session(message="work")
    first = await lot.engine.publish(session.id, None, None)
    lot.world.forge.state = PullRequestState.DRAFT
    second = await lot.engine.publish(session.id, None, None)
    assert (second.number, second.branch, second.state) == (1, first.branch, PullRequestState.DRAFT)
    assert await lot.engine.pull_requests.find_of(await lot.parts.store.get_session(session.id)) == second


async def test_pull_request_closed_while_it_is_updated_is_followed_by_a_new_one(lot: Rig) -> None:
    session = await lot.session(message="work")
    first = await lot.engine.publish(session.id, None, None)
    lot.world.forge.closes_before_update = True
    second = await lot.engine.publish(session.id, None, None)
    assert (second.number, second.branch) == (2, f"{first.branch}--2")


async def test_host_that_was_down_gets_the_pull_request_by_the_next_call_from_the_same_branch(lot: Rig) -> None:
    session = await lot.session(message="work")
    await lot.engine.publish(session.id, None, None)
    lot.world.forge.state = PullRequestState.MERGED
    lot.world.forge.fail["open"] = HostUnreachableError("no answer")
    for _ in range(2):
        with pytest.raises(HostUnreachableError):
            await lot.engine.publish(session.id, None, None)
    del lot.world.forge.fail["open"]
    opened = await lot.engine.publish(session.id, None, None)
    assert opened.branch.endswith("--2")
    assert (await lot.kinds(session.id)).count("notice") == 1


async def test_commits_carry_the_accounts_user_and_the_agent(lot: Rig) -> None:
    secret = TokenSecret(token=SecretStr("t"))
    account = await lot.engine.git_accounts.connect(kind="github", secret=secret)
    session = await lot.session(message="work")
    await lot.engine.publish(session.id, None, None)
    await lot.parts.store.change_project(session.project_id, account_id=account.id)
    await lot.engine.publish(session.id, None, None)
    orders = [(one.author_name, one.author_email, one.co_author) for one in lot.world.published]
    claude = "Claude <noreply@anthropic.com>"
    assert orders == [("Lot", "lot@localhost", claude), ("Ada", "ada@host", claude)]


async def test_ability_that_a_forge_lacks_is_refused_before_it_is_asked(lot: Rig) -> None:
    session = await lot.session(message="work")
    opened = await lot.engine.publish(session.id, None, None)
    project = await lot.parts.store.get_project(session.project_id)
    assert not await lot.engine.pull_requests.can_merge(project)
    for ask in (
        lot.engine.pull_requests.merge,
        lot.engine.pull_requests.list_checks,
        lot.engine.pull_requests.list_review_comments,
    ):
        with pytest.raises(NotSupportedError):
            await ask(project, opened)


async def test_nothing_changed_is_said(lot: Rig) -> None:
    lot.world.commit = lambda _: "the-same"
    session = await lot.session(message="work")
    await lot.engine.publish(session.id, None, None)
    with pytest.raises(NothingToDoError, match="has everything already"):
        await lot.engine.publish(session.id, None, None)
