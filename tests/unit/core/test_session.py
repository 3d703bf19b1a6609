"""The two tables of moves over every pair of state and trigger, and the label made from both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lot.core.errors import TransitionNotAllowedError
from lot.core.session import AgentState, SandboxState, SessionLabel, Trigger, label, move_agent, move_sandbox

# Written from the specification, not from the tables. A trigger without a column applies in no state.
AGENT = """
            turn_started  turn_ended  turn_failed  question_asked  question_answered  setup_begun
idle        running       -           errored      -               -                  idle
running     running       idle        errored      waiting         -                  -
waiting     running       idle        errored      -               running            -
errored     running       -           errored      -               -                  idle
"""
SANDBOX = """
          boot_asked booted boot_failed pause_due pause_done pause_refused resume_asked resume_failed sandbox_lost
absent    booting    -      -           -         -          -             -            -             -
booting   -          on     absent      -         -          -             -            -             paused
on        -          -      -           pausing   -          -             -            -             paused
pausing   -          -      -           -         paused     on            -            -             paused
paused    -          -      -           -         -          -             resuming     -             -
resuming  -          on     -           -         -          -             -            paused        paused
"""
LABELS = """
          absent    booting   on                pausing  paused  resuming
idle      Starting  Starting  Idle              Pausing  Paused  Resuming
running   Starting  Starting  Running           Pausing  Paused  Resuming
waiting   Starting  Starting  Waiting_for_user  Pausing  Paused  Resuming
errored   Errored   Starting  Errored           Pausing  Paused  Resuming
"""


def grid(text: str) -> dict[tuple[str, str], str]:
    """Return the cells of a table by row and column."""
    header, *rows = (line.split() for line in text.strip().splitlines())
    return {(row[0], column): cell for row in rows for column, cell in zip(header, row[1:], strict=True)}


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", AgentState)
def test_agent_moves_as_specified(state: AgentState, trigger: Trigger) -> None:
    expected = grid(AGENT).get((state, trigger), "-")
    if expected == "-":
        with pytest.raises(TransitionNotAllowedError) as caught:
            move_agent(state, trigger)
        assert (caught.value.state, caught.value.trigger) == (f"the agent is {state}", trigger)
    else:
        assert move_agent(state, trigger) is AgentState(expected)


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", SandboxState)
def test_sandbox_moves_as_specified(state: SandboxState, trigger: Trigger) -> None:
    expected = grid(SANDBOX).get((state, trigger), "-")
    if expected == "-":
        with pytest.raises(TransitionNotAllowedError) as caught:
            move_sandbox(state, trigger)
        assert (caught.value.state, caught.value.trigger) == (f"the sandbox is {state}", trigger)
    else:
        assert move_sandbox(state, trigger) is SandboxState(expected)


@pytest.mark.parametrize("sandbox", SandboxState)
@pytest.mark.parametrize("agent", AgentState)
def test_label_says_what_the_user_reads(agent: AgentState, sandbox: SandboxState) -> None:
    assert label(agent, sandbox) is SessionLabel(grid(LABELS)[agent, sandbox].replace("_", " "))


def test_every_trigger_means_something_somewhere() -> None:
    assert {column for _, column in grid(AGENT) | grid(SANDBOX)} == set(Trigger)


@given(st.lists(st.sampled_from(Trigger)))
def test_sandbox_that_was_on_once_is_never_absent_again(triggers: list[Trigger]) -> None:
    """Whatever happens: a disk that was worked on is kept, so the session stays resumable."""
    state, was_on = SandboxState.ABSENT, False
    for trigger in triggers:
        try:
            state = move_sandbox(state, trigger)
        except TransitionNotAllowedError:
            continue
        was_on = was_on or state is SandboxState.ON
        assert not (was_on and state is SandboxState.ABSENT)
