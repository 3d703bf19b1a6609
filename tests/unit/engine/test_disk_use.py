"""What a session takes of the disk, by itself and with others."""

import pytest

from lot.core.session import SandboxState
from lot.engine.disk_use import disk_use
from tests.unit.engine.conftest import Rig

pytestmark = pytest.mark.anyio

MIB = 1 << 20


async def test_own_files_and_memory_stand_beside_what_others_use_too(lot: Rig) -> None:
    session = await lot.session()
    own, shared = (lot.parts.folders.layer(layer) for layer in (session.upper, session.layers[0]))
    for folder, size in ((own, 2 * MIB), (shared, 8 * MIB)):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_bytes(bytes(size))
    (own / "link").symlink_to(shared / "deep" / "file")
    with (own / "hole").open("wb") as sparse:
        sparse.truncate(100 * MIB)
    on = await disk_use(lot.parts, session)
    assert 2 * MIB <= on.own_bytes < 3 * MIB
    assert 8 * MIB <= on.shared_bytes < 9 * MIB

    lot.world.memory = b"m" * (4 * MIB)
    await lot.engine.pause(session.id)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    asleep = await disk_use(lot.parts, paused)
    assert 4 * MIB <= asleep.own_bytes - on.own_bytes < 5 * MIB
    assert asleep.shared_bytes == on.shared_bytes
