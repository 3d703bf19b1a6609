"""How a demo goes through its steps, what it makes of failures, and what it counts as a trace."""

from pathlib import Path

import pytest

from lot.client.address import Address
from lot.client.client import LotClient
from lot.core.errors import LotError
from lot.demo import play as player
from lot.demo.report import CheckFailedError, Report, StepResult, check, must
from lot.demo.stage import DevServer
from lot.demo.steps import STEPS, Step
from lot.demo.subject import Change, Subject

SUBJECT = Subject(
    name="x",
    source="/nowhere",
    setup_command=None,
    dev_command=None,
    port=None,
    change=Change(file="a", old="b", new="c"),
)


class Silent:
    """An audience that remembers what ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def step_begins(self, name: str) -> None:
        """Nothing is shown."""

    def note(self, text: str) -> None:
        """Nothing is shown."""

    def step_ended(self, result: StepResult) -> None:
        """Remember it."""
        self.ended.append(result.name)


def play(monkeypatch: pytest.MonkeyPatch, *steps: Step) -> Report:
    monkeypatch.setattr(player, "STEPS", steps)
    with LotClient(Address("http://127.0.0.1:9")) as client:
        return player.play(client, SUBJECT, "rehearsal", Silent(), None, is_local=False)


def fails(stage: object) -> dict[str, object]:
    raise CheckFailedError("it did not hold")


def breaks(stage: object) -> dict[str, object]:
    raise ZeroDivisionError("a defect")


def holds(stage: object) -> dict[str, object]:
    return {"figure": 1}


def test_the_steps_are_those_that_were_promised_in_their_order():
    names = ["project", "start_two", "turn", "preview", "diff", "pause", "resume", "fork", "pull_request", "delete"]
    assert [step.name for step in STEPS] == names


def test_every_need_of_a_step_comes_before_it():
    for number, step in enumerate(STEPS):
        assert set(step.needs) <= {before.name for before in STEPS[:number]}


def test_all_steps_that_hold_make_it_ok(monkeypatch):
    report = play(monkeypatch, Step("one", holds), Step("two", holds, ("one",)))
    assert report.ok
    assert report.as_json()["steps"][0]["detail"] == {"figure": 1}


def test_a_failed_step_fails_those_that_need_it_with_the_reason_and_no_others(monkeypatch):
    steps = (Step("one", fails), Step("two", holds, ("one",)), Step("three", holds, ("two",)), Step("four", holds))
    report = play(monkeypatch, *steps)
    assert not report.ok
    assert [step.ok for step in report.steps] == [False, False, False, True]
    assert report.steps[0].detail == {"reason": "it did not hold"}
    assert "one" in report.steps[1].detail["reason"]
    assert "two" in report.steps[2].detail["reason"]


def test_a_defect_of_ours_is_a_failed_step_and_not_the_end(monkeypatch, caplog):
    report = play(monkeypatch, Step("one", breaks), Step("two", holds))
    assert [step.ok for step in report.steps] == [False, True]
    assert "ZeroDivisionError" in report.steps[0].detail["reason"]


def test_a_demo_without_steps_proves_nothing():
    assert not Report(provider="rehearsal").ok


def test_checks():
    check(True, "never seen")
    with pytest.raises(CheckFailedError, match="seen"):
        check(False, "seen")
    assert must(0, "never seen") == 0
    with pytest.raises(LotError):
        must(None, "missing")


def test_a_dev_server_that_counted_on_is_still_the_same_process():
    before = DevServer(pid=7, app_pid=9, started_at="then", count=3)
    assert DevServer(pid=7, app_pid=9, started_at="then", count=4).is_same_process_as(before)
    assert not DevServer(pid=8, app_pid=9, started_at="then", count=4).is_same_process_as(before)
    assert not DevServer(pid=7, app_pid=9, started_at="now", count=3).is_same_process_as(before)


@pytest.fixture(autouse=True)
def nothing_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep away from this machine's own folders."""
    monkeypatch.chdir(tmp_path)
