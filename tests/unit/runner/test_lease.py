"""The clock of a lease against a fake one, and renewing against a control plane that refuses or is away."""

from collections.abc import Iterable

import pytest

from lot.core.errors import UnavailableError
from lot.runner.lease import UNRENEWED_AGE_S, Due, LeaseClock, LeaseLostError, first_sent_at, keep_lease
from lot.runner.protocol import Assignment


def clock(sent_at: float = 100.0) -> LeaseClock:
    return LeaseClock(sent_at, freeze_after_s=20.0, kill_after_s=30.0)


def assignment(freeze_after_s: float = 20.0) -> Assignment:
    return Assignment(
        kind="session", id="s", epoch=1, sandbox="s", runner="r", pass_token="p", freeze_after_s=freeze_after_s
    )


@pytest.mark.parametrize(
    ("now", "due"),
    [(100.0, Due.NOTHING), (119.9, Due.NOTHING), (120.0, Due.FREEZE), (129.9, Due.FREEZE), (130.0, Due.KILL)],
)
def test_running_sandbox_is_frozen_at_20_s_and_killed_at_30_s(now: float, due: Due) -> None:
    assert clock().due(now) is due


def test_frozen_sandbox_is_left_alone_until_it_is_killed() -> None:
    lease = clock()
    lease.is_frozen = True
    assert [lease.due(now) for now in (120.0, 129.9, 130.0)] == [Due.NOTHING, Due.NOTHING, Due.KILL]


def test_late_renewal_thaws_and_counts_from_when_it_was_sent() -> None:
    lease = clock()
    lease.is_frozen = True
    lease.renewed(110.0)
    assert lease.due(125.0) is Due.THAW
    assert lease.due(130.0) is Due.NOTHING  # frozen rightly again by then
    lease.is_frozen = False
    assert lease.due(130.0) is Due.FREEZE


def test_renewal_that_arrives_after_a_newer_one_changes_nothing() -> None:
    lease = clock()
    lease.renewed(110.0)
    lease.renewed(105.0)
    assert lease.sent_at == 110.0


def test_next_instant_is_that_of_freezing_and_then_of_killing() -> None:
    lease = clock()
    assert lease.next_at() == 120.0
    lease.is_frozen = True
    assert lease.next_at() == 130.0


def test_before_the_first_renewal_the_claim_is_taken_to_be_old() -> None:
    assert first_sent_at(100.0, assignment()) == 100.0 - UNRENEWED_AGE_S
    assert first_sent_at(100.0, assignment(freeze_after_s=1.0)) == 99.5


class Answers:
    """A control plane that gives these answers in turn; the last one says that the lease is lost."""

    def __init__(self, answers: Iterable[Exception | None]) -> None:
        self._answers = iter(answers)

    def renew(self) -> None:
        answer = next(self._answers)
        if answer is not None:
            raise answer


def test_only_good_renewals_count_and_a_missed_one_is_tried_again_soon() -> None:
    now, slept, renewed = 0.0, [], []

    def ends(seconds: float) -> bool:
        nonlocal now
        slept.append(seconds)
        now += seconds
        return False

    control = Answers([None, UnavailableError("away"), UnavailableError("away"), None, LeaseLostError("epoch 2 began")])
    reason = keep_lease(control, 5.0, renewed.append, ends, lambda: now)  # type: ignore[arg-type]
    assert reason == "epoch 2 began"
    assert slept == [5.0, 1.0, 1.0, 5.0]
    assert renewed == [0.0, 7.0]


def test_renewing_ends_when_it_is_told_to() -> None:
    renewed: list[float] = []
    reason = keep_lease(Answers([None]), 5.0, renewed.append, lambda _: True, lambda: 1.0)  # type: ignore[arg-type]
    assert (reason, renewed) == (None, [1.0])
