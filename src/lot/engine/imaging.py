"""Brings the image here that a project's sandboxes are made of.

What a repository's own words say (a Dockerfile, a devcontainer.json) is built, and fetched, inside a sandbox: neither
its code nor the addresses that it names are any business of the host.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from lot.core.errors import InvalidInputError, SetupCommandError
from lot.core.image_source import BUILT, ImageKind, ImageSource, read_image_source
from lot.core.records import Project, Snapshot
from lot.engine.devcontainer import PLACES, read_devcontainer
from lot.engine.folders import remove_folder
from lot.engine.parts import Parts
from lot.engine.setup_command import last_lines
from lot.runner.client import RunnerClient
from lot.runner.protocol import BringUpOrder, CommandOrder, CommandOutcome, ImageBuild, Rung, SyncOrder

BUILT_ARCHIVE, GIVEN_ARCHIVE = "lot-image.oci", "lot-given.oci"
"""At the root of the sandbox that builds, so at that of its upper layer."""
_MAX_FILE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Imaging:
    """One snapshot's way to its image, with the runner that builds the snapshot."""

    parts: Parts
    project: Project
    snapshot: Snapshot
    client: RunnerClient
    note: Callable[[str], Awaitable[None]]
    """Tells what is being done."""
    run: Callable[[CommandOrder], Awaitable[CommandOutcome]]
    """Runs a command in the sandbox, its output into the snapshot's log."""

    async def image_id(self) -> str:
        """Return the id of the image; the sandbox is off then, and nothing is on its disk.

        Raises:
            LotError: there is no such image, it does not fit, or its build failed.
        """
        if self.project.image is None:
            return self.parts.find_base_image()
        source = read_image_source(self.project.image)
        if source.kind in BUILT:
            return await self._build(await self._read_build(source))
        await self.note(f"fetching the image {source}")
        fetched = await self.parts.images.fetch(source)
        if not fetched.missing:
            await self.note(f"the image is {fetched.image_id} ({fetched.system})")
            return fetched.image_id
        if not fetched.can_be_completed:
            fetched.require_complete()
        await self.note(f"the image lacks {', '.join(fetched.missing)}: adding it, in a sandbox")
        await self.parts.images.hand_over(source, self._upper / GIVEN_ARCHIVE)
        return await self._build(ImageBuild(image=f"oci-archive:/{GIVEN_ARCHIVE}", archive=BUILT_ARCHIVE))

    async def _read_build(self, source: ImageSource) -> ImageBuild:
        """Return what the repository's newest commit wants built."""
        commit = await self.parts.mirrors.fetch(self.project.id)
        if source.kind is ImageKind.DOCKERFILE:
            await self._require_file(commit, source.reference)
            return ImageBuild(dockerfile=source.reference, archive=BUILT_ARCHIVE)
        for place in PLACES:
            text = await self.parts.mirrors.read_file(self.project.id, commit, place, _MAX_FILE_BYTES)
            if text is None:
                continue
            wanted = read_devcontainer(text.decode(errors="replace"), place)
            if wanted.dockerfile is not None:
                await self._require_file(commit, wanted.dockerfile)
            return ImageBuild(
                image=wanted.image,
                dockerfile=wanted.dockerfile,
                context=wanted.context,
                target=wanted.target,
                args=dict(wanted.args),
                archive=BUILT_ARCHIVE,
            )
        raise InvalidInputError(f"the repository has no {' and no '.join(PLACES)} at {commit[:10]}; add one and retry")

    async def _require_file(self, commit: str, path: str) -> None:
        if await self.parts.mirrors.read_file(self.project.id, commit, path, _MAX_FILE_BYTES) is None:
            raise InvalidInputError(f"the repository has no file {path} at {commit[:10]}; add it and retry the setup")

    async def _build(self, build: ImageBuild) -> str:
        await self.note("booting a sandbox to build the image in")
        await self.client.bring_up(
            BringUpOrder(
                layers=(str(self.parts.folders.base(self.parts.find_base_image())),),
                upper=str(self._upper),
                cpus=self.snapshot.cpus,
                memory_bytes=self.snapshot.memory_bytes,
                rungs=(Rung(kind="disk"),),
            )
        )
        if build.dockerfile is not None:
            # Without the project's environment values: they would be in the image.
            await self.client.sync(SyncOrder(base_branch=self.project.branch, session_branch=None))
        await self.note("building the image")
        outcome = await self.run(self.parts.image_build(build))
        await self.client.destroy_sandbox()
        if outcome.exit_code != 0:
            raise SetupCommandError(
                f"the image could not be built: {last_lines(outcome.tail)}; see the log, mend "
                f"{build.dockerfile or 'the image'}, and retry the setup"
            )
        return await self._take_in()

    async def _take_in(self) -> str:
        await self.note("unpacking the image")
        image = await self.parts.images.take_in(self._upper / BUILT_ARCHIVE, self.project.image or "")
        await to_thread.run_sync(remove_folder, str(self._upper))
        image.require_complete()
        await self.note(f"the image is {image.image_id} ({image.system})")
        return image.image_id

    @property
    def _upper(self) -> Path:
        return self.parts.folders.layer(self.snapshot.layer)
