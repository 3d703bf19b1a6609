"""What new sessions and projects start from: the configuration, above it what users chose, above that what is said."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lot.config import Settings
from lot.core.defaults import ChosenDefaults, ProviderModel
from lot.core.errors import InvalidInputError, ProviderError
from lot.core.pausing import PauseReason
from lot.core.records import AgentMode, Session
from lot.core.session import SandboxState
from lot.engine.creating import SessionOptions
from lot.engine.parts import Parts
from lot.store.secrets import SecretBox
from lot.store.store import Store
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import PretendedProvider, World

OTHER = PretendedProvider(name="other", models=("other-small", "shared"))


@pytest.fixture
async def two(tmp_path: Path, world: World) -> AsyncIterator[Rig]:
    """An engine with two providers, of which the configuration has the first."""
    world.provider.name, world.provider.models = "anthropic", ("pretended", "shared")
    by_name = {"anthropic": world.provider, "other": OTHER}

    def change(parts: Parts) -> Parts:
        return replace(parts, get_provider=lambda name: by_name[name], list_providers=lambda: list(by_name.values()))

    async with rig(tmp_path, world, change=change) as made:
        yield made


def set_to(session: Session) -> tuple[str | None, str | None, AgentMode]:
    """Return what an agent works with."""
    return session.model, session.effort, session.mode


async def test_what_is_chosen_counts_for_what_begins_afterwards(lot: Rig) -> None:
    before = await lot.session()
    choices = {"model": "pretended-large", "effort": "high", "mode": "plan", "size": "large"}
    await lot.engine.choose_defaults(choices)
    old = await lot.parts.store.get_project(before.project_id)
    after = await lot.session(old)
    assert set_to(after) == ("pretended-large", "high", AgentMode.PLAN)
    assert (after.size, (await lot.project(name="new", size=None)).size) == ("small", "large")
    seen = await lot.parts.store.get_session(before.id)
    assert set_to(seen) == ("pretended", None, AgentMode.FULL)


async def test_what_is_said_counts_above_it(lot: Rig) -> None:
    await lot.engine.choose_defaults({"model": "pretended-large", "effort": "high", "mode": "plan", "size": "large"})
    project = await lot.project(size="small")
    options = SessionOptions(model="pretended", effort="default", mode=AgentMode.FULL)
    assert set_to(await lot.session(project, options=options)) == ("pretended", None, AgentMode.FULL)
    assert project.size == "small"


async def test_configuration_counts_where_nothing_is_chosen_and_again_when_that_is_taken_away(
    tmp_path: Path, world: World
) -> None:
    configured = {"model": "pretended-large", "effort": "low", "mode": "edits", "size": "large"}
    async with rig(tmp_path, world, **configured) as lot:
        project = await lot.project(size=None)
        assert project.size == "large"
        wanted = ("pretended-large", "low", AgentMode.EDITS)
        assert set_to(await lot.session(project)) == wanted
        chosen = await lot.engine.choose_defaults({"effort": "default", "mode": "ask", "model": "pretended"})
        assert (chosen.configured.effort, chosen.in_use.effort, chosen.chosen.size) == ("low", "default", None)
        assert set_to(await lot.session(project)) == ("pretended", None, AgentMode.ASK)
        again = await lot.engine.choose_defaults(dict.fromkeys(("effort", "mode", "model")))
        assert (again.chosen, again.in_use) == (ChosenDefaults(), again.configured)
        assert set_to(await lot.session(project)) == wanted


async def test_agent_of_a_setup_session_may_do_everything_all_the_same(lot: Rig) -> None:
    await lot.engine.choose_defaults({"mode": "ask", "effort": "max"})
    await lot.project(has_setup_session=True)
    [setup] = await lot.parts.store.list_sessions()
    assert (setup.is_setup, setup.mode, setup.effort) == (True, AgentMode.FULL, "max")


async def test_model_brings_its_provider_along(two: Rig) -> None:
    project = await two.project()
    await two.engine.choose_defaults({"model": "other-small"})
    session = await two.session(project)
    assert (session.provider, session.model) == ("other", "other-small")
    named = await two.session(project, options=SessionOptions(provider="anthropic"))
    assert (named.provider, named.model) == ("anthropic", "pretended")


async def test_model_that_several_have_is_of_the_present_provider_unless_another_is_named(two: Rig) -> None:
    async def provider_of(model: str, provider: str | None = None) -> str:
        return (await two.engine.choose_defaults({"model": model}, provider)).in_use.model.provider

    assert await provider_of("shared") == "anthropic"
    assert await provider_of("shared", "other") == "other"
    assert await provider_of("shared") == "other"
    assert await provider_of("pretended") == "anthropic"
    with pytest.raises(InvalidInputError, match="default model: anthropic has no model 'other-small'"):
        await provider_of("other-small", "anthropic")


async def test_model_that_no_provider_has_is_refused_with_the_next_step_and_nothing_is_changed(two: Rig) -> None:
    with pytest.raises(InvalidInputError, match=r"anthropic has no model 'x'.*other has no model 'x'.*`lot models`"):
        await two.engine.choose_defaults({"effort": "high", "model": "x"})
    two.world.provider.error = ProviderError("no key is set")
    with pytest.raises(InvalidInputError, match=r"anthropic has the model 'x' cannot be found out \(no key is set\)"):
        await two.engine.choose_defaults({"effort": "high", "model": "x"})
    assert (await two.engine.know_defaults()).chosen == ChosenDefaults()
    chosen = await two.engine.choose_defaults({"model": "pretended"})
    assert chosen.chosen.model == ProviderModel(provider="anthropic", model="pretended")


@pytest.mark.parametrize("seconds", [0.0, 29.9, 86_400.1, -300.0, inf, nan])
async def test_countdown_out_of_bounds_is_refused_with_the_bounds(lot: Rig, seconds: float) -> None:
    with pytest.raises(InvalidInputError, match=r"idle countdown: .* is not within 30 and 86400 s"):
        await lot.engine.choose_defaults({"idle_countdown_s": seconds})
    assert (await lot.engine.know_defaults()).in_use.idle_countdown_s == 300


async def test_unknown_size_is_refused_with_those_that_there_are(lot: Rig) -> None:
    with pytest.raises(InvalidInputError, match=r"default size: there is no size 'huge'.*choose one of small, large"):
        await lot.engine.choose_defaults({"size": "huge"})


async def test_running_countdown_goes_on_and_the_next_is_as_chosen(lot: Rig) -> None:
    session = await lot.session()
    began = lot.clock.now()
    await lot.engine.choose_defaults({"idle_countdown_s": 600})
    assert (await lot.parts.store.get_session(session.id)).pause_at == began + timedelta(seconds=300)
    lot.clock.forward(60)
    await lot.engine.extend(session.id, "terminal in use")
    assert (await lot.parts.store.get_session(session.id)).pause_at == lot.clock.now() + timedelta(seconds=600)
    await lot.engine.send(session.id, "message-1", "hello")  # type: ignore[arg-type]
    await lot.told(session.id, "turn_ended")
    seen = await lot.parts.store.get_session(session.id)
    assert (seen.pause_at, seen.pause_reason) == (lot.clock.now() + timedelta(seconds=600), PauseReason.QUIET)
    lot.clock.forward(600)
    await lot.until(session.id, lambda one: one.sandbox_state is SandboxState.PAUSED)


async def test_longest_activity_stays_the_configurations(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    await lot.engine.choose_defaults({"idle_countdown_s": 30})
    session = await lot.session(message="hello")
    running = await lot.until(session.id, lambda one: one.pause_reason == PauseReason.ACTIVITY_LIMIT)
    assert running.pause_at == lot.clock.now() + timedelta(seconds=86_400)


async def test_choice_made_at_another_server_counts_at_once(lot: Rig) -> None:
    project = await lot.project()
    other = await Store.open(lot.parts.settings.sqlalchemy_url, SecretBox(bytes(32)))
    try:
        await lot.session(project)
        await other.choose_defaults({"effort": "max", "idle_countdown_s": 45.0})
    finally:
        await other.close()
    session = await lot.session(project)
    assert (session.effort, session.pause_at) == ("max", lot.clock.now() + timedelta(seconds=45))


@pytest.mark.parametrize("wrong", [{"size": "huge"}, {"mode": "yolo"}, {"effort": "some"}])
def test_configuration_that_means_nothing_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong.values()))):
        Settings(**wrong)


def test_configuration_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOT_SIZE": "large", "LOT_MODE": "plan", "LOT_EFFORT": "high"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.size, settings.mode, settings.effort) == ("large", AgentMode.PLAN, "high")
