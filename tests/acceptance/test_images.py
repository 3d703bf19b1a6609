"""A project on an image of its own, through the API: fetched once, booted, worked in, shared with a fork, removed."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_rig import Lot, lot_server
from image_rig import make_layout, small_tree

from lot.config import Settings

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def images_dir() -> Iterator[Path]:
    """A folder of images of the test's own, with the host's default image in it by a link."""
    shared = Settings().images_dir
    if not (shared / "base").exists():
        pytest.skip("needs the base image: `make setup`")
    folder = shared.parent / f"test-images-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    base = (shared / "base").resolve()
    (folder / base.name).symlink_to(base)
    (folder / "base").symlink_to(base.name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def layout(images_dir: Path, tmp_path: Path) -> Path:
    """An OCI layout of a small Debian with a variable of its own."""
    tree = small_tree((images_dir / "base").resolve() / "rootfs", tmp_path / "tree")
    return make_layout(tree, tmp_path / "layout", "--config.env", "FROM_IMAGE=yes")


def images(folder: Path) -> list[str]:
    """Return the images beside the default one."""
    return [path.name for path in folder.glob("oci-*")]


def test_session_lives_on_its_projects_image(images_dir: Path, layout: Path) -> None:
    with lot_server(images_dir=images_dir) as lot:
        setup = 'test "$FROM_IMAGE" = yes && ! command -v node && id -un >/home/lot/who'
        project = lot.ready_project(image=f"oci:{layout}", setup_command=setup)
        log = lot.build_log(project["snapshot"]["id"])
        assert f"fetching the image oci:{layout}" in log
        [image] = images(images_dir)
        assert image in log
        session = lot.session(project["name"])
        count = lot.count(session)
        assert lot.turn(session, "hello")[-1]["kind"] == "turn_ended"
        lot.move(session, "pause")
        lot.move(session, "resume")
        assert lot.count(session) > count
        lot.post(f"/projects/{project['id']}/snapshots")
        assert lot.built(project["id"])["snapshot"]["state"] == "ready"
        assert images(images_dir) == [image], "the same digest is not unpacked twice"
        assert_refused(lot)
    assert images(images_dir) == []


def assert_refused(lot: Lot) -> None:
    """A project whose image does not exist fails with what the tool said."""
    made = lot.create_project(next(lot.folder.glob("repository-*")), image="oci:/nowhere")
    failed = lot.built(made["id"])["snapshot"]
    assert failed["state"] == "failed"
    assert "skopeo said" in failed["failure"]
