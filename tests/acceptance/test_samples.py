"""Projects without a word about how they are set up: told from their files, built and answering, with no model.

Three of the samples: one for each of Python, npm workspaces, and a service of Debian's. The commands of all of them are
pinned in `tests/unit/detection`.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_rig import Body, Lot, git, lot_server, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(900)]

SAMPLES = Path(__file__).parents[1] / "samples"
BUILD_LIMIT_S = 600.0
"""Of which most is the package registries'."""


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    with lot_server() as lot:
        yield lot


def built(lot: Lot, sample: str) -> Body:
    """Return the project of a sample, once its snapshot is ready."""
    repository = lot.folder / sample
    shutil.copytree(SAMPLES / sample, repository)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "add", "--all")
    git(repository, "-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", "A sample")
    made = lot.post("/projects", {"name": sample, "source": str(repository)})
    give_up_at = time.monotonic() + BUILD_LIMIT_S
    while made["snapshot"]["state"] == "building":
        assert time.monotonic() < give_up_at, lot.build_log(made["snapshot"]["id"])
        time.sleep(0.2)
        made = lot.get(f"/projects/{made['id']}")
    assert made["snapshot"]["state"] == "ready", lot.build_log(made["snapshot"]["id"])
    return made


@pytest.mark.parametrize(
    ("sample", "words"),
    [("flask", "Hello from Flask"), ("monorepo", "<!doctype html>"), ("postgres", "Hello from PostgreSQL")],
)
def test_sample_is_set_up_from_its_files_and_its_sessions_answer(lot: Lot, sample: str, words: str) -> None:
    project = built(lot, sample)
    assert "no commands were given, so the repository was looked at" in lot.build_log(project["snapshot"]["id"])
    assert project["snapshot"]["has_memory"]
    session = lot.begin(project["id"])
    lot.settled(session, "Idle")

    def answer() -> str | None:
        seen = lot.preview(session, port=project["port"])
        return seen.text if seen.is_success and "X-Lot-Preview" not in seen.headers else None

    assert words in until(answer, lambda: lot.preview(session, port=project["port"]).text)
    assert lot.get(f"/sessions/{session}/diff")["files"] == []
    lot.delete(f"/sessions/{session}")
