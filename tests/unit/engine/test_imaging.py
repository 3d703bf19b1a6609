"""How a project's snapshot comes to its image."""

import asyncio
import json
from typing import Any

import anyio
import pytest

from lot.core.errors import ImageUnavailableError, InvalidInputError
from lot.core.records import Project, Snapshot, SnapshotState
from lot.engine.imaging import BUILT_ARCHIVE, GIVEN_ARCHIVE
from tests.unit.engine.conftest import LIMIT_S, Rig


async def built(lot: Rig, image: str | None, **environment: str) -> Snapshot:
    """Return the snapshot of a new project once its build has ended."""
    project = await lot.engine.create_project(
        has_setup_session=False,
        source="/somewhere/app",
        name=None,
        branch=None,
        environment=environment,
        setup_command="setup",
        dev_command=None,
        port=None,
        size="small",
        image=image,
    )
    return await ended(lot, project)


async def ended(lot: Rig, project: Project) -> Snapshot:
    with anyio.fail_after(LIMIT_S):
        while True:
            snapshot = (await lot.parts.store.list_snapshots(project.id))[0]
            if snapshot.state is not SnapshotState.BUILDING and lot.engine.builds.step(snapshot.id) is None:
                return snapshot
            await asyncio.sleep(0.005)


def build_of(lot: Rig) -> dict[str, Any]:
    """Return what was to be built."""
    [order] = [order for order in lot.world.command_orders if order.name == "image"]
    build: dict[str, Any] = json.loads(order.command)
    return build


async def test_project_without_an_image_is_built_on_the_default(lot: Rig) -> None:
    snapshot = await built(lot, None)
    assert (snapshot.state, snapshot.base_image) == (SnapshotState.READY, "base")
    assert len(lot.world.brought_up) == 1
    assert lot.world.brought_up[0].environment == {}


async def test_fetched_image_is_beneath_snapshot_and_session_with_its_environment(lot: Rig) -> None:
    snapshot = await built(lot, "oci:/srv/layout:v1")
    assert (snapshot.state, snapshot.base_image) == (SnapshotState.READY, "oci-fetched")
    assert lot.world.images.fetched == ["oci:/srv/layout:v1"]
    session = await lot.session(await lot.parts.store.get_project(snapshot.project_id))
    for order in (lot.world.brought_up[0], lot.world.brought_up[-1]):
        assert order.layers[0].endswith("images/oci-fetched/rootfs")
        assert order.environment == {"IMAGE": "oci-fetched"}
    assert session.base_image == "oci-fetched"


async def test_dockerfile_is_built_in_a_sandbox_of_the_default_image_without_the_users_values(lot: Rig) -> None:
    lot.world.repository["app/Dockerfile"] = "FROM debian\n"
    snapshot = await built(lot, "dockerfile:app/Dockerfile", SECRET="hidden")
    assert (snapshot.state, snapshot.base_image) == (SnapshotState.READY, "oci-built")
    first, second, _ = lot.world.brought_up
    assert first.layers == (str(lot.parts.folders.base("base")),)
    assert second.layers[0].endswith("oci-built/rootfs")
    assert lot.world.commands == ["image", "setup", "flush"]
    assert "hidden" not in lot.world.command_orders[0].model_dump_json()
    assert build_of(lot)["dockerfile"] == "app/Dockerfile"
    assert lot.world.images.taken_in == [lot.parts.folders.layer(snapshot.layer) / BUILT_ARCHIVE]
    assert lot.world.images.fetched == []


async def test_image_of_a_devcontainer_is_never_fetched_by_the_host(lot: Rig) -> None:
    lot.world.repository[".devcontainer.json"] = '{"image": "registry.test/x"}'
    assert (await built(lot, "devcontainer")).base_image == "oci-built"
    assert lot.world.images.fetched == []
    assert build_of(lot)["image"] == "registry.test/x"


async def test_image_that_lacks_something_is_completed_in_a_sandbox(lot: Rig) -> None:
    lot.world.images.missing = ("git",)
    snapshot = await built(lot, "oci:/srv/layout")
    assert snapshot.base_image == "oci-built"
    assert lot.world.images.handed_over == [lot.parts.folders.layer(snapshot.layer) / GIVEN_ARCHIVE]
    assert build_of(lot)["image"] == f"oci-archive:/{GIVEN_ARCHIVE}"


async def test_image_that_nothing_can_complete_is_refused_with_what_to_add(lot: Rig) -> None:
    lot.world.images.missing, lot.world.images.can_be_completed = ("git",), False
    snapshot = await built(lot, "oci:/srv/layout")
    assert snapshot.state is SnapshotState.FAILED
    assert "lacks git" in (snapshot.failure or "")
    assert lot.world.brought_up == []


async def test_failed_build_shows_its_end_and_its_next_step(lot: Rig) -> None:
    lot.world.repository["Dockerfile"] = "FROM debian\n"
    lot.world.exit_codes["image"] = 1
    snapshot = await built(lot, "dockerfile")
    assert snapshot.state is SnapshotState.FAILED
    assert "no luck; see the log, mend Dockerfile, and retry" in (snapshot.failure or "")
    assert lot.world.images.taken_in == []
    assert lot.world.sandboxes == {}
    assert not lot.parts.folders.layer(snapshot.layer).exists()


@pytest.mark.parametrize(
    ("image", "words"), [("dockerfile", "no file Dockerfile at c0ffee"), ("devcontainer", "no .devcontainer")]
)
async def test_file_that_the_repository_lacks_is_named_before_anything_boots(lot: Rig, image: str, words: str) -> None:
    assert words in ((await built(lot, image)).failure or "")
    assert lot.world.brought_up == []


async def test_image_that_cannot_be_fetched_is_told_as_it_was_said(lot: Rig) -> None:
    lot.world.images.error = ImageUnavailableError("skopeo said: no such host")
    assert (await built(lot, "docker://nowhere.test/x")).failure == "skopeo said: no such host"


async def test_unknown_kind_of_image_makes_no_project(lot: Rig) -> None:
    with pytest.raises(InvalidInputError, match="use one of oci:"):
        await built(lot, "ubuntu:24.04")
    assert await lot.parts.store.list_projects() == []


async def test_changed_image_counts_from_the_next_snapshot_on(lot: Rig) -> None:
    project = await lot.parts.store.get_project((await built(lot, None)).project_id)
    await lot.engine.change_project(project.id, {"image": "oci:/srv/layout"})
    await lot.engine.redo_setup(project.id)
    assert (await ended(lot, project)).base_image == "oci-fetched"
    with pytest.raises(InvalidInputError):
        await lot.engine.change_project(project.id, {"image": "nonsense"})


async def test_images_that_no_row_names_are_given_up_when_a_project_is_deleted(lot: Rig) -> None:
    snapshot = await built(lot, "oci:/srv/layout")
    kept = await built_beside(lot)
    await lot.engine.delete_project(snapshot.project_id, cascade=True)
    assert lot.world.images.released[-1] == {kept.base_image}


async def built_beside(lot: Rig) -> Snapshot:
    """Return the snapshot of another project, on the default image."""
    project = await lot.engine.create_project(
        has_setup_session=False,
        source="/somewhere/other",
        name="other",
        branch=None,
        environment={},
        setup_command=None,
        dev_command=None,
        port=None,
        size="small",
    )
    return await ended(lot, project)
