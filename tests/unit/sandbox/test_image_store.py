"""Images fetched, shared and removed, with the real skopeo and umoci on a tree of a few files."""

import json
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path
from threading import Event

import pytest
from anyio import create_task_group, to_thread
from image_rig import make_layout

from lot.core.errors import HostFullError, ImageUnavailableError, ImageUnfitError, SetupError
from lot.core.image_source import ImageSource, read_image_source
from lot.sandbox import image_store, image_tools
from lot.sandbox.image_store import ImageStore
from tests.unit.sandbox.test_image_inspection import root as _root

root = _root

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        os.geteuid() != 0 or any(shutil.which(tool) is None for tool in image_tools.TOOLS),
        reason="needs root, skopeo and umoci: `make setup`",
    ),
]


@pytest.fixture
def source(root: Path, tmp_path: Path) -> ImageSource:
    """A layout of a Debian-like tree."""
    make_layout(root, tmp_path / "layout", "--config.env", "A=1")
    return read_image_source(f"oci:{tmp_path}/layout:latest")


def store(tmp_path: Path, installation: str = "one", reserve_bytes: int = 0) -> ImageStore:
    return ImageStore(images_dir=tmp_path / "images", installation=installation, disk_reserve_bytes=reserve_bytes)


def copy_image(source: str, target: str) -> None:
    """Write an image in another form."""
    subprocess.run(["skopeo", "copy", "--quiet", source, target], check=True)


def there(tmp_path: Path) -> list[str]:
    """Return everything in the images folder but the locks and notes."""
    left = [entry.name for entry in (tmp_path / "images").glob("*")]
    return sorted(name for name in left if name not in (".users", ".images.lock", ".fetching.lock"))


async def test_image_is_named_by_its_digest_and_says_where_it_is_from(tmp_path: Path, source: ImageSource) -> None:
    image = await store(tmp_path).fetch(source)
    folder = tmp_path / "images" / image.image_id
    manifest = json.loads((folder / "manifest.json").read_text())
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert manifest["digest"] == index["manifests"][0]["digest"]
    assert manifest["digest"].removeprefix("sha256:").startswith(image.image_id.split("-")[1])
    assert (manifest["source"], manifest["environment"]["A"]) == (str(source), "1")
    assert manifest["files"] > 5
    assert store(tmp_path).environment(image.image_id)["A"] == "1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "a stranger's setuid programs are for nobody here"
    assert there(tmp_path) == [image.image_id]


async def test_image_that_is_there_is_not_unpacked_again(tmp_path: Path, source: ImageSource) -> None:
    first = await store(tmp_path).fetch(source)
    marker = tmp_path / "images" / first.image_id / "rootfs/marker"
    marker.touch()
    assert (await store(tmp_path).fetch(source)).image_id == first.image_id
    assert marker.exists()


async def test_archives_are_read_as_layouts_are(tmp_path: Path, source: ImageSource) -> None:
    archive = tmp_path / "image.tar"
    await store(tmp_path).hand_over(source, archive)
    from_archive = await store(tmp_path).take_in(archive, "dockerfile:Dockerfile")
    unpacked = tmp_path / "images" / from_archive.image_id
    assert sorted(path.name for path in unpacked.iterdir()) == ["manifest.json", "rootfs"]
    assert from_archive.image_id == (await store(tmp_path).fetch(source)).image_id
    copy_image(str(source), f"docker-archive:{tmp_path}/docker.tar:a:b")
    saved = read_image_source(f"docker-archive:{tmp_path}/docker.tar")
    assert (await store(tmp_path).fetch(saved)).system.startswith("Debian")


async def test_image_that_lacks_something_is_not_kept(tmp_path: Path, root: Path) -> None:
    (root / "usr/bin/git").unlink()
    make_layout(root, tmp_path / "layout")
    image = await store(tmp_path).fetch(read_image_source(f"oci:{tmp_path}/layout"))
    assert (image.missing, image.can_be_completed) == (("git",), True)
    assert there(tmp_path) == []


async def test_image_for_another_processor_is_refused(tmp_path: Path, root: Path) -> None:
    make_layout(root, tmp_path / "layout", "--architecture", "s390x")
    with pytest.raises(ImageUnfitError, match="made for s390x"):
        await store(tmp_path).fetch(read_image_source(f"oci:{tmp_path}/layout"))
    assert there(tmp_path) == []


@pytest.mark.parametrize("text", ["oci:/nowhere", "oci-archive:/etc/passwd", "docker://127.0.0.1:9/no/such:thing"])
async def test_image_that_cannot_be_read_says_why_and_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImageUnavailableError, match=r"(skopeo|tar) said: .*Next step: check its name"):
        await store(tmp_path).fetch(read_image_source(text))
    assert there(tmp_path) == []


async def test_build_that_left_a_link_instead_of_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lot-image.oci").symlink_to("/etc/shadow")
    for path in (tmp_path / "lot-image.oci", tmp_path / "nothing"):
        with pytest.raises(ImageUnavailableError, match="left no image"):
            await store(tmp_path).take_in(path, "dockerfile")


async def test_archive_that_leads_out_of_itself_reads_nothing_of_the_host(tmp_path: Path, source: ImageSource) -> None:
    """A hostile build names a file of the host by a link in place of a blob, and even knows what is in it."""
    await store(tmp_path).hand_over(source, tmp_path / "honest.tar")
    with tarfile.open(tmp_path / "honest.tar") as honest, tarfile.open(tmp_path / "evil.tar", "w") as evil:
        layer = max((member for member in honest.getmembers() if "blobs" in member.name), key=lambda blob: blob.size)
        for member in honest.getmembers():
            content = honest.extractfile(member) if member.isfile() else None
            if member is layer and content is not None:
                (tmp_path / "secret").write_bytes(content.read())
                member.type, member.linkname, member.size = tarfile.SYMTYPE, str(tmp_path / "secret"), 0
                content = None
            evil.addfile(member, content)
    with pytest.raises(ImageUnavailableError, match="neither a file nor a folder"):
        await store(tmp_path).take_in(tmp_path / "evil.tar", "dockerfile")
    assert there(tmp_path) == []


async def test_image_that_grows_beyond_its_bound_is_ended(
    tmp_path: Path, source: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_tools.Room, "watch", lambda room: lambda: "it takes more than 1 MiB")
    monkeypatch.setattr(image_tools, "_wait", lambda process: None)
    with pytest.raises(ImageUnavailableError, match="more than 1 MiB"):
        await store(tmp_path).fetch(source)
    assert there(tmp_path) == []


def test_room_is_watched_by_bytes_files_and_reserve(tmp_path: Path) -> None:
    def room(**changes: int) -> image_tools.Room:
        bounds = {"max_bytes": 1 << 40, "max_files": 1 << 40, "reserve_bytes": 0} | changes
        return image_tools.Room(folder=tmp_path, unwanted=Event(), **bounds)

    assert room().watch()() is None
    assert "of disk would be left" in (room(reserve_bytes=1 << 60).watch()() or "")
    assert "takes more than" in (room(max_bytes=-(1 << 50)).watch()() or "")
    assert "files" in (room(max_files=-(1 << 50)).watch()() or "")


async def test_fetch_that_is_cancelled_ends_its_tool_and_leaves_nothing(
    tmp_path: Path, source: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Event()

    def never_done(process: "subprocess.Popen[bytes]") -> None:
        started.set()
        process.wait()

    monkeypatch.setattr(image_tools, "_wait", never_done)
    async with create_task_group() as tasks:
        tasks.start_soon(store(tmp_path).fetch, source)
        await to_thread.run_sync(started.wait)
        tasks.cancel_scope.cancel()
    assert there(tmp_path) == []


async def test_too_little_disk_is_said_before_anything_is_fetched(tmp_path: Path, source: ImageSource) -> None:
    with pytest.raises(HostFullError):
        await store(tmp_path, reserve_bytes=1 << 60).fetch(source)
    assert there(tmp_path) == []


async def test_missing_tool_is_named_with_the_next_step(
    tmp_path: Path, source: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SetupError, match="apt-get install skopeo umoci"):
        await store(tmp_path).fetch(source)


async def test_last_installation_that_used_an_image_removes_it(tmp_path: Path, source: ImageSource) -> None:
    one, two = store(tmp_path, "one"), store(tmp_path, "two")
    image = (await one.fetch(source)).image_id
    await two.fetch(source)
    (tmp_path / "images/debian-default").mkdir()
    assert await one.release({image}) == []
    assert await one.release(set()) == []
    assert (tmp_path / "images" / image).is_dir()
    assert await two.release({"another"}) == [tmp_path / "images" / image]
    assert there(tmp_path) == ["debian-default"], "the default image is nobody's to remove"


async def test_leftovers_of_a_fetch_that_was_killed_are_removed_by_the_next(
    tmp_path: Path, source: ImageSource
) -> None:
    dead = tmp_path / "images/.fetching-dead"
    (dead / "rootfs").mkdir(parents=True)
    with store(tmp_path)._unfinished() as alive:
        image = await store(tmp_path).fetch(source)
        assert there(tmp_path) == [alive.name, image.image_id]


def test_environment_of_the_default_image_is_empty_and_of_a_lost_one_an_error(tmp_path: Path) -> None:
    assert store(tmp_path).environment("debian-trixie-1") == {}
    with pytest.raises(ImageUnavailableError, match="retry the project's setup"):
        store(tmp_path).environment(f"{image_store.PREFIX}lost")


@pytest.mark.parametrize(
    "config", [b"[]", b"null", b"{}", b"[" * 100_000, b'{"architecture": "amd64", "config": {"Env": 3}}']
)
async def test_layout_whose_words_are_nonsense_is_refused(tmp_path: Path, source: ImageSource, config: bytes) -> None:
    layout = tmp_path / "odd"
    copy_image(str(source), f"oci:{layout}:lot")
    index = json.loads((layout / "index.json").read_text())
    manifest = layout / "blobs/sha256" / index["manifests"][0]["digest"].removeprefix("sha256:")
    name = json.loads(manifest.read_text())["config"]["digest"].removeprefix("sha256:")
    (layout / "blobs/sha256" / name).write_bytes(config)
    with pytest.raises(ImageUnavailableError, match="no OCI image"):
        image_tools.read_layout(layout)


async def test_disk_that_fails_is_told_as_an_error_of_ours(
    tmp_path: Path, source: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(rootfs: Path, environment: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(image_store, "fit", fail)
    with pytest.raises(ImageUnavailableError, match="No space left"):
        await store(tmp_path).fetch(source)
    assert there(tmp_path) == []
