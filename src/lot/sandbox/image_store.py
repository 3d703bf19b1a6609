"""The images that sandboxes are made of beside the default one: fetched, unpacked, fitted, shared, removed.

An image lies in `<images_dir>/oci-<digits>`, named by its manifest's digest, with `rootfs` and `manifest.json` as the
default image has them. Installations share that folder: each says which images it uses, by a file of its own in
`<images_dir>/.users/<image>/`, and the last one removes it.
"""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from anyio import to_thread

from lot.core.errors import ImageUnavailableError, ImageUnfitError
from lot.core.image_source import FetchedImage, ImageKind, ImageSource
from lot.sandbox import host_room, image_tools
from lot.sandbox.exclusive import exclusive
from lot.sandbox.home import read_record
from lot.sandbox.image_fitting import FITTING, fit, sandbox_environment, tidy
from lot.sandbox.image_inspection import Inspection, inspect_image
from lot.sandbox.stoppable import stoppable

PREFIX = "oci-"
FETCH_TIMEOUT_S = 1800.0
UNPACK_TIMEOUT_S = 1800.0
MAX_PACKED_BYTES = 16 << 30
MAX_UNPACKED_BYTES = 32 << 30
MAX_FILES = 2_000_000
FREE_BYTES = 2 << 30
"""What must be free, beyond the reserve, before an image is fetched whose size nobody knows yet."""
_UNPACK_FACTOR = 2
"""Layers are compressed to about a third; this much is asked for, and the rest is watched while it is unpacked."""
_OPENED = "opened"
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStore:
    """The images of this host, for one installation."""

    images_dir: Path
    installation: str
    """Names this installation among those that share the folder."""
    disk_reserve_bytes: int

    async def fetch(self, source: ImageSource) -> FetchedImage:
        """Bring an image here, unless it is here; from now on this installation uses it.

        Raises:
            ImageUnavailableError: it cannot be read, or is too large. ImageUnfitError: nothing can make it fit.
            HostFullError: too little disk. SetupError: a tool is missing.
        """
        return await stoppable(lambda unwanted: self._fetch(source, str(source), unwanted))

    async def take_in(self, archive: Path, made_from: str) -> FetchedImage:
        """Unpack what a build left, which is an OCI archive if the build was honest; raises as `fetch` does."""
        if archive.is_symlink() or not archive.is_file():
            raise ImageUnavailableError("the build left no image")
        source = ImageSource(ImageKind.OCI_ARCHIVE, str(archive))
        return await stoppable(lambda unwanted: self._fetch(source, made_from, unwanted))

    async def hand_over(self, source: ImageSource, archive: Path) -> None:
        """Write an image as an OCI archive, for a build; raises as `fetch` does."""

        def copy(unwanted: Event) -> None:
            archive.parent.mkdir(parents=True, exist_ok=True)
            archive.parent.chmod(0o755)  # that of / inside
            room = self._room(MAX_PACKED_BYTES, unwanted)
            with self._unfinished() as folder:
                image_tools.copy_to_archive(_opened(source, folder, room), archive, room, FETCH_TIMEOUT_S)

        await stoppable(copy)

    def environment(self, image_id: str) -> Mapping[str, str]:
        """Return what an image's programs find in their environment; nothing for the default image.

        Raises:
            ImageUnavailableError: the image is gone.
        """
        if not image_id.startswith(PREFIX):
            return {}
        manifest = self._manifest(image_id)
        if manifest is None:
            raise ImageUnavailableError(f"image {image_id} is gone from {self.images_dir}; retry the project's setup")
        environment: dict[str, str] = manifest["environment"]
        return environment

    async def release(self, used: Collection[str]) -> list[Path]:
        """Stop using every image but these, and remove those that nobody uses any more; return their folders."""
        return await to_thread.run_sync(self._release, used)

    def _manifest(self, image_id: str) -> dict[str, Any] | None:
        return read_record(self.images_dir / image_id / "manifest.json")

    @property
    def _users(self) -> Path:
        return self.images_dir / ".users"

    def _fetch(self, source: ImageSource, made_from: str, unwanted: Event) -> FetchedImage:
        image_tools.require_tools()
        try:
            return self._fetch_into_place(source, made_from, unwanted)
        except OSError as error:
            raise ImageUnavailableError(f"image {made_from} could not be kept in {self.images_dir}: {error}") from error

    def _fetch_into_place(self, source: ImageSource, made_from: str, unwanted: Event) -> FetchedImage:
        host_room.require_disk(self.images_dir, FREE_BYTES, self.disk_reserve_bytes)
        with self._unfinished() as folder:
            layout = folder / "layout"
            try:
                room = self._room(MAX_PACKED_BYTES, unwanted)
                image_tools.copy_to_layout(_opened(source, folder, room), layout, room, FETCH_TIMEOUT_S)
                shutil.rmtree(folder / _OPENED, ignore_errors=True)
                image = image_tools.read_layout(layout)
            except ImageUnavailableError as error:
                raise ImageUnavailableError(
                    f"image {made_from} could not be fetched: {error}. Next step: check its name, and that this "
                    "machine may read it (`skopeo login` for a registry that asks who you are)"
                ) from error
            _require_this_processor(image, made_from)
            # Before anything of it is looked at: whoever removes images must see that this one is used.
            image_id = f"{PREFIX}{image.digest.removeprefix('sha256:')[:32]}-{FITTING}"
            with self._locked():
                self._say_used(image_id)
                if (manifest := self._manifest(image_id)) is not None:
                    return FetchedImage(image_id=image_id, system=manifest["system"])
                inspection = self._unpack(folder, image, image_id, made_from, unwanted)
            return FetchedImage(
                image_id=image_id,
                system=inspection.system,
                missing=inspection.missing,
                can_be_completed=inspection.can_be_completed,
            )

    def _unpack(
        self, folder: Path, image: image_tools.LayoutImage, image_id: str, made_from: str, unwanted: Event
    ) -> Inspection:
        """Make an image of the layout in `folder`, which gets the image's name unless something is missing."""
        host_room.require_disk(self.images_dir, image.packed_bytes * _UNPACK_FACTOR, self.disk_reserve_bytes)
        layout, rootfs = folder / "layout", folder / "rootfs"
        try:
            image_tools.unpack(layout, rootfs, self._room(MAX_UNPACKED_BYTES, unwanted), UNPACK_TIMEOUT_S)
        except ImageUnavailableError as error:
            raise ImageUnavailableError(f"image {made_from} could not be unpacked: {error}") from error
        shutil.rmtree(layout)
        rootfs.chmod(0o755)
        files, total_bytes = tidy(rootfs)
        inspection = inspect_image(rootfs)
        if inspection.missing:
            return inspection
        environment = sandbox_environment(list(image.environment))
        fit(rootfs, environment)
        manifest = {
            "id": image_id,
            "created_at": datetime.now(UTC).isoformat(),
            "total_bytes": total_bytes,
            "files": files,
            "digest": image.digest,
            "source": made_from,
            "system": inspection.system,
            "environment": environment,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))
        # Everything is on disk before the name appears: a power cut leaves a whole image or none.
        subprocess.run(["sync", "--file-system", folder], check=True)
        folder.rename(self.images_dir / image_id)
        return inspection

    def _release(self, used: Collection[str]) -> list[Path]:
        removed: list[Path] = []
        if not self._users.is_dir():
            return removed
        with self._locked():
            for users in sorted(self._users.iterdir()):
                if users.name in used:
                    continue
                (users / self.installation).unlink(missing_ok=True)
                if not any(users.iterdir()):
                    users.rmdir()
                    removed += self._remove(self.images_dir / users.name)
        return removed

    def _remove(self, image: Path) -> list[Path]:
        """Remove an image; half-removed it has no name that anybody would boot from."""
        if not image.is_dir():
            return []
        with self._unfinished() as folder:
            image.rename(folder / "removed")
        return [image]

    def _say_used(self, image_id: str) -> None:
        users = self._users / image_id
        users.mkdir(parents=True, exist_ok=True)
        (users / self.installation).touch()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Unpack and remove one at a time on this host; fetching needs no turn."""
        with exclusive(self.images_dir / ".images.lock"):
            yield

    @contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """Lend a folder that is locked while its owner lives, and removed unless it was given its name."""
        self.images_dir.mkdir(parents=True, exist_ok=True)
        with exclusive(self.images_dir / ".fetching.lock"):
            self._remove_leftovers()
            # For root alone: a stranger's setuid programs are for nobody on this machine.
            folder = Path(tempfile.mkdtemp(prefix=".fetching-", dir=self.images_dir))
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)

    def _remove_leftovers(self) -> None:
        """Remove what processes that died left: nobody holds its lock."""
        for folder in self.images_dir.glob(".fetching-*"):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)

    def _room(self, max_bytes: int, unwanted: Event) -> image_tools.Room:
        return image_tools.Room(
            folder=self.images_dir,
            max_bytes=max_bytes,
            max_files=MAX_FILES,
            reserve_bytes=self.disk_reserve_bytes,
            unwanted=unwanted,
        )


def _opened(source: ImageSource, folder: Path, room: image_tools.Room) -> str:
    """Return what skopeo is to read: for an OCI archive, what it holds, unpacked in `folder`."""
    if source.kind is not ImageKind.OCI_ARCHIVE:
        return str(source)
    image_tools.open_archive(Path(source.reference), folder / _OPENED, room, FETCH_TIMEOUT_S)
    return f"{ImageKind.OCI}:{folder / _OPENED}"


def _require_this_processor(image: image_tools.LayoutImage, made_from: str) -> None:
    ours = _PROCESSORS.get(platform.machine(), platform.machine())
    if image.architecture != ours:
        raise ImageUnfitError(
            f"image {made_from} is made for {image.architecture[:40]}, this machine is {ours}; use one for {ours}"
        )
