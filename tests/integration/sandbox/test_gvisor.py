"""What is particular to sandboxes on gVisor."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sandbox_rig import Rig, count, output, start_counter
from sandbox_rig import rig as open_rig

from lot.core.errors import BootFailedError, SandboxUnavailableError
from lot.sandbox import gvisor
from lot.sandbox.emergency import freeze_now, kill_now

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


async def test_image_names_the_runtime_its_flags_and_the_processor(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    await rig.driver.pause(spec.sandbox, image)
    manifest = json.loads((image / "manifest.json").read_text())
    assert manifest["runtime"]["sha256"] == rig.driver.runtime.sha256
    assert {"--overlay2=none", "--net-disconnect-ok"} <= set(manifest["runtime"]["flags"])
    assert manifest["cpu"]["features"]
    assert manifest["layers"] == [str(layer) for layer in spec.layers]


async def test_fork_puts_nothing_into_its_disk_by_itself(rig: Rig) -> None:
    parent, image = rig.spec(), rig.image()
    await rig.driver.boot(parent)
    await rig.driver.pause(parent.sandbox, image)
    fork = rig.spec(layers=[parent.upper])
    await rig.driver.resume(fork, image)
    async with rig.linked(fork) as link:
        await link.health()
    await rig.driver.destroy(fork.sandbox)
    assert not (fork.upper / "etc").exists()
    assert not (fork.upper / "opt").exists()


async def test_guest_that_ends_at_once_is_told_with_its_last_words(rig: Rig) -> None:
    spec = rig.spec()
    driver = rig.driver_with(init=("sh", "-c", "echo no such luck; sleep 0.2; exit 3"))
    try:
        await driver.boot(spec)
    except BootFailedError:
        return  # it ended before its start was over
    with pytest.raises(SandboxUnavailableError, match="no such luck"):
        await driver.link(spec.sandbox)


async def test_guest_that_never_answers_is_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gvisor, "LINK_TIMEOUT_S", 0.5)
    spec = rig.spec()
    driver = rig.driver_with(init=("sleep", "1000"))
    await driver.boot(spec)
    with pytest.raises(SandboxUnavailableError, match="did not answer"):
        await driver.link(spec.sandbox)


async def test_boot_that_the_runtime_refuses_says_why_and_leaves_nothing(rig: Rig) -> None:
    with pytest.raises(BootFailedError, match="nosuchprogram"):
        await rig.driver_with(init=("nosuchprogram",)).boot(rig.spec(layers=[rig.folder / "nosuchprogram"]))
    assert rig.remains() == []


async def test_watchdog_freezes_and_kills_without_the_driver(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        await count(link)
        await asyncio.to_thread(freeze_now, rig.driver.data_dir, spec.sandbox)
        before = await rig.driver.usage(spec.sandbox)
        await asyncio.sleep(0.1)
        assert (await rig.driver.usage(spec.sandbox)).cpu_s == before.cpu_s
        await asyncio.to_thread(kill_now, rig.driver.data_dir, spec.sandbox)
        await asyncio.wait_for(rig.driver.wait_gone(spec.sandbox), 5)
    assert await rig.driver.find(spec.sandbox) is None


async def test_certificates_of_the_host_are_those_of_the_sandbox(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        inside = await output(link, 'cat "$SSL_CERT_FILE"; touch /opt/lot/ca.crt 2>/dev/null && echo writable || true')
    placed = next(rig.driver.data_dir.glob("sandboxes/*/files/ca.crt")).read_text()
    assert inside == placed.strip()
