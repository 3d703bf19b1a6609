"""opencode, an agent program that is not ours, over the Agent Client Protocol in a real sandbox with the rehearsal."""

import os
import secrets
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from agent_rig import Followed, directive
from model_accounts import RememberedAccounts
from runner_rig import PASSES, FleetRig, fleet_rig
from starlette.responses import PlainTextResponse

from lot.broker.app import create_broker_app
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl
from lot.broker.providers import Provider, rehearsal
from lot.config import Settings
from lot.core.asks import Answer
from lot.core.ids import AskId, SandboxId, SessionId
from lot.core.records import AgentMode
from lot.fleet.zygote import PARTS
from lot.rehearsal.app import Rehearsal
from lot.rehearsal.serve import serve_rehearsal
from lot.runner.client import RunnerClient
from lot.runner.protocol import AgentOrder, BringUpOrder, CommandOrder, Rung

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.anyio, pytest.mark.timeout(600)]

ADOPT, DISK = Rung(kind="adopt"), Rung(kind="disk")
PROGRAM = "acp:~/.opencode/node_modules/opencode-linux-x64/bin/opencode acp"
PACKAGE = "opencode-linux-x64@1.18.33"
INTEGRITY = "sha512-q/t/3p2CTxOT9y2kvjesb/LZab2+1eqlhhWA02Be6mjTtmYtNBcBsrI5yDo4Fw7ZSPBW2oyMIGMNRqiKQjiAWw=="
INSTALL = f"""
npm install --prefix ~/.opencode --no-audit --no-fund {PACKAGE} && grep -qF '{INTEGRITY}' ~/.opencode/package-lock.json
"""
PATIENCE_S = 120.0
FULL, ASK = AgentMode.FULL, AgentMode.ASK


class Stage:
    """One sandbox with opencode installed, its runner, and what the rehearsal was asked."""

    def __init__(self, fleet: FleetRig, folder: Path, base: Path, rehearsed: Rehearsal) -> None:
        self.fleet, self.folder, self.base, self.rehearsed = fleet, folder, base, rehearsed
        self.client: RunnerClient
        self.sandbox: SandboxId
        self.name = str(uuid.uuid4())

    def up(self, *rungs: Rung) -> BringUpOrder:
        upper = str(self.folder / "disks" / self.sandbox)
        return BringUpOrder(layers=(str(self.base),), upper=upper, cpus=2, memory_bytes=4 << 30, rungs=rungs)

    async def start(self, run: int = 1, mode: AgentMode = FULL) -> None:
        order = AgentOrder(
            run=run,
            agent_session=self.name,
            is_continuation=run > 1,
            model="rehearsal",
            provider="rehearsal",
            is_scripted=True,
            program=PROGRAM,
            mode=mode,
        )
        await self.client.start_agent(order)

    async def send(self, scenario: str, **arguments: object) -> str:
        message = str(uuid.uuid4())
        await self.client.send_message(message, directive(scenario, **arguments))
        return message

    async def shell(self, command: str) -> str:
        outcome = await self.client.run_command(CommandOrder(name=f"c{secrets.token_hex(4)}", command=command))
        assert outcome.exit_code == 0, outcome.tail
        return outcome.tail

    @asynccontextmanager
    async def following(self, run: int, offset: int = 0) -> AsyncIterator[Followed]:
        followed = Followed()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(followed.follow, self.client.agent_records(run, offset, PROGRAM))
            yield followed
            tasks.cancel_scope.cancel()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stage(anyio_backend: str) -> AsyncIterator[Stage]:
    settings = Settings()
    base = settings.images_dir / "base" / "rootfs"
    if os.geteuid() != 0 or not base.exists() or not (settings.runtime_dir / "runtime.json").exists():
        pytest.skip("needs root, a proven runsc and the base image: `make setup`")
    folder = settings.images_dir.parent / f"test-{secrets.token_hex(4)}"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        provider = rehearsal(folder / "rehearsal.sock")
        stack.push_async_callback(provider.close)
        rehearsed = await stack.enter_async_context(serve_rehearsal(folder / "rehearsal.sock"))
        model = model_broker(provider)
        await stack.enter_async_context(model.running())
        broker = create_broker_app(model, git=PlainTextResponse("git"))
        fleet = await stack.enter_async_context(fleet_rig(PARTS, folder=folder, broker=broker))
        stage = Stage(fleet, folder, base.resolve(), rehearsed)
        _, stage.client, stage.sandbox = await fleet.assigned()
        await stage.client.bring_up(stage.up(DISK))
        await stage.shell(INSTALL)
        yield stage
        await stage.client.destroy_sandbox()


def model_broker(provider: Provider) -> ModelBroker:
    async def check_epoch(kind: str, id: str, epoch: int) -> None:
        """Every epoch holds."""

    async def provider_of(session: SessionId) -> Provider:
        return provider

    accounts = RememberedAccounts()
    return ModelBroker(PassControl(PASSES, check_epoch), provider_of, accounts, accounts.on_wait)


def texts(followed: Followed) -> list[str]:
    return [event.text for event in followed.of("agent_text")]  # type: ignore[attr-defined]


async def test_opencode_speaks_edits_is_stopped_and_dies(stage: Stage) -> None:
    await stage.shell("echo 'one two three' > a.txt")
    await stage.start()
    async with stage.following(1) as followed:
        first = await stage.send("opencode_edit", file="a.txt", old="two", new="TWO")
        await followed.turns(1, PATIENCE_S)
        assert await stage.shell("cat a.txt") == "one TWO three\n"
        assert texts(followed) == ["I will read `a.txt` first.", "Now the change.", "Done: `a.txt` is changed."]
        edit = followed.of("tool_finished")[-1]
        assert edit.patch[0]["lines"] == ["-two", "+TWO"]  # type: ignore[attr-defined]
        assert [call.name for call in followed.of("tool_called")] == ["read", "edit"]  # type: ignore[attr-defined]
        shown = "".join(part.text for record in followed.records for part in record.parts if part.kind == "text")
        assert shown == "".join(texts(followed))

        second = await stage.send("opencode_bash", command="for i in 1 2 3; do echo $i; sleep 0.3; done")
        await followed.turns(2, PATIENCE_S)
        assert followed.of("tool_finished")[-1].output == "1\n2\n3\n"  # type: ignore[attr-defined]
        assert any(part.kind == "tool_output" for record in followed.records for part in record.parts)

        third = await stage.send("slow", seconds=60)
        await followed.until(lambda f: third in f.delivered, PATIENCE_S)
        fourth = await stage.send("say", text="after the stop")
        await stage.client.interrupt()
        await followed.turns(4, PATIENCE_S)
        assert texts(followed)[-1] == "after the stop"
    outcomes = [event.outcome for event in followed.of("turn_ended")]  # type: ignore[attr-defined]
    assert outcomes == ["completed", "completed", "interrupted", "completed"]
    assert list(dict.fromkeys(followed.delivered)) == [first, second, third, fourth]
    assert followed.of("turn_ended")[0].input_tokens > 100  # type: ignore[attr-defined]
    assert {request.path for request in stage.rehearsed.log} == {"/v1/messages"}

    agent = next(process for process in await stage.client.processes() if process.name == "agent-1")
    assert agent.is_running
    await stage.shell(f"kill -9 {agent.pid}")
    async with stage.following(1, followed.records[-1].to_offset) as ended:
        await ended.until(lambda f: bool(f.records) and f.records[-1].is_end, PATIENCE_S)
    assert ended.states == ["errored"]


async def test_opencode_asks_and_the_next_run_knows_the_conversation(stage: Stage) -> None:
    await stage.start(2, ASK)
    async with stage.following(2) as followed:
        await stage.send("opencode_bash", command="echo allowed")
        await followed.until(lambda f: bool(f.of("permission_asked")), PATIENCE_S)
        assert followed.states[-1] == "waiting"
        asked = followed.of("permission_asked")[0]
        assert await stage.client.answer(AskId(asked.ask_id), Answer(verdict="allow"))  # type: ignore[attr-defined]
        await followed.turns(1, PATIENCE_S)
        assert followed.of("ask_closed")[0].outcome == "taken"  # type: ignore[attr-defined]
        await stage.send("opencode_write", file="b.txt", content="no")
        await followed.until(lambda f: len(f.of("permission_asked")) == 2, PATIENCE_S)
        asked = followed.of("permission_asked")[1]
        assert await stage.client.answer(AskId(asked.ask_id), Answer(verdict="deny"))  # type: ignore[attr-defined]
        await followed.turns(2, PATIENCE_S)
    assert followed.of("notice") == []
    assert "allowed" in followed.of("tool_finished")[0].output  # type: ignore[attr-defined]
    assert await stage.shell("ls b.txt 2>&1 || true") != "b.txt\n"
    bodies = [request.body_bytes for request in stage.rehearsed.log]
    assert bodies[-1] > bodies[0], "the conversation of the first run is in the requests of the second"


async def test_next_run_of_opencode_goes_on_after_a_pause(stage: Stage) -> None:
    """A restored one is sometimes deaf (docs/acp.md), so the engine ends it and starts the next run."""
    await stage.start(3)
    async with stage.following(3) as followed:
        await stage.send("say", text="before")
        await followed.turns(1, PATIENCE_S)
    image = str(stage.folder / "image")
    await stage.client.pause(image)
    assert (await stage.client.bring_up(stage.up(ADOPT, Rung(kind="memory", image=image)))).rung == "memory"
    await stage.client.end_agent(3)
    await stage.start(4)
    async with stage.following(4) as restored:
        await stage.send("recall")
        await restored.turns(1, PATIENCE_S)
    assert "before" in texts(restored)[-1]
