"""Sandboxes on images of others: fetched with skopeo and umoci, built with buildah in a sandbox, booted on gVisor."""

import json
import shlex
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import pytest
from image_rig import essential_packages, make_layout, pack, small_tree
from sandbox_rig import Rig, output
from sandbox_rig import rig as open_rig

from lot.core.errors import ImageUnfitError
from lot.core.image_source import FetchedImage, read_image_source
from lot.runner.image_build import build_order
from lot.runner.protocol import ImageBuild
from lot.sandbox.driver import Resources, SandboxSpec
from lot.sandbox.image_store import ImageStore
from lot.sandbox.link import CommandRequest, GuestLink

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(300)]

BUILD_TIMEOUT_S = 270.0
PACKAGES_BUT_GIT = ("apt", "debian-archive-keyring", "mawk", "python3")
DOCKERFILE = """\
FROM scratch AS files
ADD base.tar /
FROM files
ARG COLOUR
ENV COLOUR=$COLOUR
RUN id && echo by $(id -un) >/made && ln -s /made /link
"""
REPOSITORY = f"""
cd /workspace && mkdir deploy && printf %s {shlex.quote(DOCKERFILE)} >deploy/Dockerfile
git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm first
"""


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


def store_of(rig: Rig) -> ImageStore:
    """Return a store of images in the rig's own folder: never the host's shared one."""
    return ImageStore(images_dir=rig.folder / "base-images", installation="test", disk_reserve_bytes=1 << 30)


async def as_lot(link: GuestLink, *argv: str, cwd: str | None = None, timeout_s: float = 30.0) -> str:
    """Return what a program prints that runs as sessions' programs do."""
    folder = None if cwd is None else PurePosixPath(cwd)
    done = await link.run(CommandRequest(argv=argv, cwd=folder, timeout_s=timeout_s))
    assert done.exit_code == 0, f"{argv[0]}:\n{(done.stdout + done.stderr).decode()[-4000:]}"
    return done.stdout.decode().strip()


def on(rig: Rig, store: ImageStore, image: FetchedImage) -> SandboxSpec:
    """Return a sandbox on an image."""
    return rig.spec(base=store.images_dir / image.image_id / "rootfs", environment=store.environment(image.image_id))


async def test_session_boots_from_an_oci_layout_with_its_environment_and_the_user_lot(rig: Rig) -> None:
    tree = small_tree(rig.base, rig.folder / "tree")
    with (tree / "etc/passwd").open("a") as passwd:
        passwd.write("node:x:1000:1000::/home/node:/bin/bash\n")
    (tree / "home/node").mkdir()
    (tree / "home/node/.npmrc").write_text("color=false\n")
    options = ("--config.env", "GREETING=hello there", "--config.env", "PATH=/opt/node/bin:/usr/bin:/bin")
    make_layout(tree, rig.folder / "layout", *options)
    store = store_of(rig)
    image = await store.fetch(read_image_source(f"oci:{rig.folder}/layout:latest"))
    assert image.missing == ()
    async with rig.up(on(rig, store, image)) as (_, link):
        assert await as_lot(link, "id", "-un") == "lot"
        said = json.loads(await as_lot(link, "python3", "-c", "import json, os; print(json.dumps(dict(os.environ)))"))
        assert (said["GREETING"], said["HOME"]) == ("hello there", "/home/lot")
        assert said["PATH"].split(":")[:3] == ["/opt/lot/bin", "/opt/node/bin", "/usr/bin"]
        assert "/opt/node/bin" in await as_lot(link, "bash", "-lc", "echo $PATH")
        assert await as_lot(link, "cat", "/home/node/.npmrc") == "color=false"
        assert await as_lot(link, "touch", "/workspace/mine", "/home/lot/mine") == ""
        assert await as_lot(link, "bash", "-lc", "sudo id -un") == "root"
        assert "git version" in await as_lot(link, "git", "--version")
    assert (await store.fetch(read_image_source(f"oci:{rig.folder}/layout:latest"))).image_id == image.image_id


async def test_image_on_musl_is_refused_with_the_next_step_and_leaves_nothing(rig: Rig) -> None:
    tree = rig.folder / "tree"
    (tree / "lib").mkdir(parents=True)
    (tree / "lib/ld-musl-x86_64.so.1").touch()
    (tree / "lib/ld-musl-aarch64.so.1").touch()
    make_layout(tree, rig.folder / "layout")
    store = store_of(rig)
    with pytest.raises(ImageUnfitError, match=r"built on musl.*Debian or Ubuntu"):
        await store.fetch(read_image_source(f"oci:{rig.folder}/layout:latest"))
    assert [entry.name for entry in store.images_dir.iterdir() if not entry.name.startswith(".")] == []
    assert list(store.images_dir.glob(".fetching-*")) == []


async def test_dockerfile_is_built_in_a_sandbox_and_what_it_lacks_is_added(rig: Rig) -> None:
    """Its base is a tree of the test's: there is no registry here. It lacks git, which its apt-get adds."""
    spec = rig.spec(resources=Resources(cpus=2, memory_bytes=3 << 30))
    tree = small_tree(rig.base, rig.folder / "tree", [*essential_packages(rig.base), *PACKAGES_BUT_GIT])
    (spec.upper / "workspace").mkdir(parents=True)
    pack(tree, spec.upper / "workspace/base.tar")
    build = ImageBuild(dockerfile="deploy/Dockerfile", args={"COLOUR": "blue"}, archive="lot-image.oci")
    async with rig.up(spec) as (_, link):
        await output(link, f"chown -R lot:lot /workspace && su lot -c {shlex.quote(REPOSITORY)}")
        said = await as_lot(
            link, "bash", "-lc", build_order(build).command, cwd="/workspace", timeout_s=BUILD_TIMEOUT_S
        )
    await rig.driver.destroy(spec.sandbox)
    assert "uid=0(root)" in said
    store = store_of(rig)
    image = await store.take_in(spec.upper / build.archive, "dockerfile:deploy/Dockerfile")
    assert image.missing == (), said
    assert store.environment(image.image_id)["COLOUR"] == "blue"
    async with rig.up(on(rig, store, image)) as (_, link):
        assert await as_lot(link, "sh", "-c", "cat /made; echo $COLOUR") == "by root\nblue"
        assert await as_lot(link, "readlink", "/link") == "/made"
        assert "git version" in await as_lot(link, "git", "--version")
