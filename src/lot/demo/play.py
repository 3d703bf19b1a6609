"""Plays the steps in their order, whatever becomes of them, and cleans up behind them."""

import logging
import time
from contextlib import ExitStack, suppress
from typing import Protocol

from lot.client.client import LotClient
from lot.client.own_server import OwnServer
from lot.core.errors import LotError
from lot.demo.report import Report, StepResult
from lot.demo.stage import Stage
from lot.demo.steps import STEPS, Step
from lot.demo.subject import Subject

logger = logging.getLogger(__name__)


class Audience(Protocol):
    """Is told how a demo goes."""

    def step_begins(self, name: str) -> None:
        """A step begins."""

    def note(self, text: str) -> None:
        """Something happens within the step."""

    def step_ended(self, result: StepResult) -> None:
        """A step has ended, well or not."""


def play(
    client: LotClient, subject: Subject, provider: str, audience: Audience, server: OwnServer | None, *, is_local: bool
) -> Report:
    """Play a session's whole life and return what was found; everything made for it is deleted, whatever happens.

    Args:
        client: The server to play on.
        subject: The repository to play on.
        provider: What answers in the sessions.
        audience: Told how it goes.
        server: The server itself, where it is ours and may be stopped.
        is_local: Whether it runs on this machine.
    """
    report = Report(provider=provider)
    with ExitStack() as held:
        stage = Stage(
            client=client,
            subject=subject,
            provider=provider,
            is_local=is_local,
            data_dir=server.data_dir if server else None,
            stop_server=server.stop if server else None,
            note=audience.note,
            held=held,
        )
        held.callback(_clean_up, stage)
        for step in STEPS:
            audience.step_begins(step.name)
            result = _play_step(step, stage, report)
            report.steps.append(result)
            audience.step_ended(result)
    return report


def _play_step(step: Step, stage: Stage, report: Report) -> StepResult:
    failed = [result.name for result in report.steps if result.name in step.needs and not result.ok]
    if failed:
        reason = f"not played, because {' and '.join(failed)} did not hold"
        return StepResult(name=step.name, ok=False, seconds=0.0, detail={"reason": reason})
    began = time.monotonic()
    try:
        detail, ok = step.play(stage), True
    except LotError as error:
        detail, ok = {"reason": str(error)}, False
    except Exception as error:
        # A step is where a task ends: a defect of ours is one failed step, and the others and the clean-up still come.
        logger.exception("demo step failed", extra={"step": step.name})
        detail, ok = {"reason": f"{type(error).__name__}: {error}"}, False
    return StepResult(name=step.name, ok=ok, seconds=round(time.monotonic() - began, 3), detail=detail)


def _clean_up(stage: Stage) -> None:
    """Delete what is still there; a server that no longer answers takes it along when its data folder goes."""
    with suppress(LotError):
        for session in list(stage.sessions.values()):
            stage.client.delete_session(session)
        if stage.project_to_delete is not None:
            stage.client.delete_project(stage.project_to_delete, cascade=True)
