"""The data folder's disk fills up while projects are set up: said plainly, nothing lost, and mended by a retry."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_rig import Lot, lot_server, make_repository, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

MIB = 1 << 20
DISK_BYTES = 1200 * MIB
"""Holds the agent program, which is copied where it cannot be linked, and the snapshots of tiny projects."""
RESERVE_BYTES = 96 * MIB
NEEDED = 200
"""MiB that the setup writes, slowly enough to be stopped in time."""
SETUP = f"for part in $(seq {NEEDED // 2}); do head -c 2M /dev/zero > part-$part; sleep 0.02; done"


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    """A server whose data folder is on a small disk of its own."""
    with lot_server(DISK_BYTES, disk_reserve_bytes=RESERVE_BYTES) as lot:
        yield lot


def fill(lot: Lot, left_mib: int) -> Path:
    """Leave so much of the disk above the reserve; return the file that takes the rest."""
    filler = lot.server.data_dir / "filler"
    taken = shutil.disk_usage(filler.parent).free - RESERVE_BYTES - left_mib * MIB
    subprocess.run(["fallocate", "--length", str(taken), filler], check=True)
    return filler


def test_setup_is_stopped_before_the_disk_is_full_and_a_retry_with_room_succeeds(lot: Lot) -> None:
    other = lot.ready_project()
    session = lot.session(other["id"])
    before = lot.count(session)
    filler = fill(lot, NEEDED // 2)
    free = shutil.disk_usage(filler).free

    made = lot.create_project(make_repository(lot.folder), setup_command=SETUP)
    failed = lot.built(made["id"])["snapshot"]
    assert failed["state"] == "failed"
    assert "disk is full" in failed["failure"]
    assert "LOT_DISK_RESERVE_BYTES, then retry" in failed["failure"]
    assert "disk is full" in lot.build_log(failed["id"])
    # What it wrote goes again once its sandbox has ended, and nobody else has lost anything.
    until(lambda: shutil.disk_usage(filler).free > free - 16 * MIB)
    assert lot.count(session) == (before[0] + 1, before[1])
    assert lot.get(f"/projects/{other['id']}")["ready_snapshot"] == other["ready_snapshot"]

    filler.unlink()
    lot.post(f"/projects/{made['id']}/snapshots")
    ready = lot.built(made["id"])["snapshot"]
    assert ready["state"] == "ready", ready["failure"]
    lot.session(made["id"])


def test_disk_that_is_full_already_refuses_the_build_and_keeps_the_project(lot: Lot) -> None:
    filler = fill(lot, -8)
    made = lot.create_project(make_repository(lot.folder), setup_command="true")
    failed = lot.built(made["id"])["snapshot"]
    assert failed["state"] == "failed"
    assert "Free some disk, or lower LOT_DISK_RESERVE_BYTES" in failed["failure"]
    filler.unlink()
    lot.post(f"/projects/{made['id']}/snapshots")
    assert lot.built(made["id"])["snapshot"]["state"] == "ready"
