"""What the real agent program asks its user, and what becomes of the answer; only the sandbox is missing."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest
from agent_rig import PATIENCE_S, AgentRig, Followed, agent_rig, directive

from lot.core.asks import Answer
from lot.core.ids import AskId
from lot.core.records import AgentMode
from lot.core.session import AgentState
from lot.harness.claude import ClaudeHarness
from lot.rehearsal.script import Scenario, read_scenarios
from lot.sandbox.link import ProcessStatus
from lot.sandbox.tcp_link import TcpLink

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

SCENARIOS = """
two_questions:
  about: Ask two questions at once.
  steps:
    - text: "I have two questions."
      tools:
        - name: AskUserQuestion
          input:
            questions:
              - question: "Which colour?"
                header: "Colour"
                multiSelect: false
                options: [{label: Red, description: warm}, {label: Blue, description: cold}]
              - question: "Which sizes?"
                header: "Sizes"
                multiSelect: true
                options: [{label: S, description: small}, {label: M, description: mid}, {label: L, description: big}]
    - text: "You said: ${last_result}"
propose:
  about: Enter plan mode and propose a plan.
  steps:
    - tools: [{name: EnterPlanMode, input: {}}]
    - tools: [{name: ExitPlanMode, input: {}}]
    - text: "You said: ${last_result}"
two_commands:
  about: Run a command, and then another one.
  required: [first, second]
  steps:
    - tools: [{name: Bash, input: {command: "${first}", description: "First"}}]
    - tools: [{name: Bash, input: {command: "${second}", description: "Second"}}]
    - text: "You said: ${last_result}"
"""
EXTRA: dict[str, Scenario] = {scenario.name: scenario for scenario in read_scenarios(SCENARIOS)}


@pytest.fixture
async def rig() -> AsyncIterator[AgentRig]:
    async with agent_rig(EXTRA) as rig:
        yield rig


async def asked(followed: Followed, kind: str, count: int = 1) -> AskId:
    """Return the newest ask of a kind, once there are so many and the agent waits."""
    await followed.until(lambda f: len(f.of(kind)) >= count and f.states[-1] is AgentState.WAITING)
    return AskId(followed.of(kind)[-1].ask_id)  # type: ignore[attr-defined]


def closings(followed: Followed) -> list[tuple[str, str]]:
    return list(dict.fromkeys((event.ask_id, event.outcome) for event in followed.of("ask_closed")))  # type: ignore[attr-defined]


def last_text(followed: Followed) -> str:
    return followed.of("agent_text")[-1].text  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer(choices={"Which colour?": ("Blue",), "Which sizes?": ("S", "L")}),
            ('"Which colour?"="Blue"', '"Which sizes?"="S, L"'),
        ),
        (Answer(choices={"Which colour?": ("Green as grass",)}), ("Green as grass",)),
        (Answer(text="Choose for me"), ('"Which colour?"="Choose for me"',)),
        (Answer(choices={"Which colour?": ("Red",)}, text="all"), ('"Which sizes?"="all"',)),
        (Answer(verdict="deny", text="None of your business"), ("None of your business",)),
    ],
    ids=["chosen", "other", "text", "partly", "denied"],
)
async def test_answer_reaches_the_question_and_the_turn_goes_on(
    rig: AgentRig, answer: Answer, words: tuple[str, ...]
) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@two_questions")
        ask = await asked(followed, "question_asked")
        question = followed.of("question_asked")[0]
        assert [q.question for q in question.questions] == ["Which colour?", "Which sizes?"]  # type: ignore[attr-defined]
        assert [q.is_multiple for q in question.questions] == [False, True]  # type: ignore[attr-defined]
        assert [c.label for c in question.questions[0].choices] == ["Red", "Blue"]  # type: ignore[attr-defined]
        assert await rig.harness.answer(ask, answer)
        assert await rig.harness.answer(ask, Answer(text="too late")), "an answer may be repeated"
        await followed.turns(1)
    assert all(word in last_text(followed) for word in words)
    assert closings(followed) == [(ask, "taken")]
    assert followed.states[-1] is AgentState.IDLE


class ForgetfulLink(TcpLink):
    """A guest whose journals have forgotten everything up to now, as they do when all of it is stored."""

    async def processes(self) -> tuple[ProcessStatus, ...]:
        return tuple(replace(status, starts=status.ends) for status in await super().processes())


async def test_question_waits_for_the_next_runner_although_its_journal_was_forgotten(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@two_questions")
        ask = await asked(followed, "question_asked")
        with anyio.fail_after(PATIENCE_S):
            while not (rig.folder / "home/.lot/agent-1.json").exists():  # noqa: ASYNC110 - files tell no event
                await anyio.sleep(0.02)
        await rig.harness.detach()
        rig.harness = ClaudeHarness(rig.place)
        link = ForgetfulLink(rig.guest.open_socket)
        await rig.harness.start(link, rig.options())
        assert await rig.harness.answer(ask, Answer(choices={"Which colour?": ("Blue",)}))
        await followed.turns(1)
        await rig.harness.detach()
        await link.close()
    assert '"Which colour?"="Blue"' in last_text(followed)
    assert closings(followed) == [(ask, "taken")]


async def test_answer_may_come_before_the_request_has_come_again(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@two_questions")
        ask = await asked(followed, "question_asked")
        await rig.harness.detach()
        assert not await rig.harness.answer(ask, Answer(text="nobody is attached"))
        rig.harness = ClaudeHarness(rig.place)
        await rig.harness.start(rig.link, rig.options())
        assert await rig.harness.answer(ask, Answer(text="Blue"))
        await followed.turns(1)
        assert not await rig.harness.answer(AskId("toolu_of_nobody"), Answer(text="x"))
    assert '"Which colour?"="Blue"' in last_text(followed)
    # Whoever attaches now is asked nothing again.
    await rig.harness.detach()
    rig.harness = ClaudeHarness(rig.place)
    await rig.harness.start(rig.link, rig.options())
    assert not await rig.harness.answer(ask, Answer(text="again"))


async def test_interrupt_withdraws_the_question(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@two_questions")
        ask = await asked(followed, "question_asked")
        with anyio.fail_after(1.0):
            await rig.harness.interrupt()
        await followed.turns(1)
        assert closings(followed) == [(ask, "withdrawn")]
        assert followed.of("turn_ended")[0].outcome == "interrupted"  # type: ignore[attr-defined]
        assert not await rig.harness.answer(ask, Answer(text="Blue"))
        await rig.send(directive("say", text="on we go"))
        await followed.turns(2)
    assert last_text(followed) == "on we go"


async def test_program_that_was_killed_takes_no_answer(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@two_questions")
        ask = await asked(followed, "question_asked")
        os.kill((await rig.status()).pid, 9)
        await followed.until(lambda f: f.records[-1].is_end)
    assert not await rig.harness.answer(ask, Answer(text="Blue"))


@pytest.mark.parametrize(
    ("answer", "words", "mode"),
    [
        (Answer(verdict="allow"), "approved", "full"),
        (Answer(verdict="allow", mode="edits", text="mind the tests"), "mind the tests", "edits"),
        (Answer(verdict="deny", text="not like this"), "not like this", "plan"),
        (Answer(text="a message instead"), "a message instead", "plan"),
    ],
    ids=["approved", "approved-otherwise", "denied", "message"],
)
async def test_plan_is_proposed_and_carried_out_in_the_mode_that_was_chosen(
    rig: AgentRig, answer: Answer, words: str, mode: str
) -> None:
    await rig.harness.start(rig.link, rig.options())
    async with rig.following() as followed:
        await rig.send("@@propose")
        ask = await asked(followed, "plan_proposed")
        assert await rig.harness.answer(ask, answer)
        await followed.turns(1)
    assert words in last_text(followed)
    assert closings(followed) == [(ask, "taken")]
    modes = [event.mode for event in followed.of("settings_changed")]  # type: ignore[attr-defined]
    assert modes[0] == "plan"
    assert modes[-1] == mode
    assert {event.by for event in followed.of("settings_changed")} == {"agent"}  # type: ignore[attr-defined]


async def test_asking_mode_asks_before_commands_and_keeps_what_is_always_allowed(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options(mode=AgentMode.ASK))
    async with rig.following() as followed:
        await rig.send(directive("two_commands", first="touch one.txt", second="touch two.txt"))
        first = await asked(followed, "permission_asked")
        event = followed.of("permission_asked")[0]
        assert event.name == "Bash"  # type: ignore[attr-defined]
        assert event.title == "touch one.txt"  # type: ignore[attr-defined]
        assert event.can_allow_always  # type: ignore[attr-defined]
        assert not (rig.workspace / "one.txt").exists()
        assert await rig.harness.answer(first, Answer(verdict="allow"))
        second = await asked(followed, "permission_asked", 2)
        assert (rig.workspace / "one.txt").exists()
        assert await rig.harness.answer(second, Answer(verdict="deny", text="one is enough"))
        await followed.turns(1)
        assert "one is enough" in last_text(followed)
        assert closings(followed) == [(first, "taken"), (second, "taken")]
        assert not (rig.workspace / "two.txt").exists()

        await rig.send(directive("edit", file="a.txt", old="two", new="2"))
        third = await asked(followed, "permission_asked", 3)
        assert await rig.harness.answer(third, Answer(verdict="allow_always"))
        await followed.turns(2)
        await rig.send(directive("edit", file="a.txt", old="three", new="3"))
        await followed.turns(3)
    assert (rig.workspace / "a.txt").read_text() == "one 2 3\n"
    assert len(followed.of("permission_asked")) == 3
    assert not (rig.workspace / ".claude").exists(), "nothing is written into the user's repository"


async def test_permission_is_taken_before_its_command_has_ended(rig: AgentRig) -> None:
    await rig.harness.start(rig.link, rig.options(mode=AgentMode.ASK))
    async with rig.following() as followed:
        await rig.send(directive("long_tool", seconds=3))
        ask = await asked(followed, "permission_asked")
        assert await rig.harness.answer(ask, Answer(verdict="allow", text="and then look at the log"))
        await followed.until(lambda f: bool(f.of("ask_closed")))
        assert not followed.of("tool_finished")
        await followed.turns(1)
        await rig.send("@@remember")
        await followed.turns(2)
    assert "and then look at the log" in last_text(followed)
    assert closings(followed) == [(ask, "taken")]
