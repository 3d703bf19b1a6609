"""Small repositories that are set up from their files alone, and what their snapshots take."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lot.api.schemas.projects import NewProject, ProjectBody
from lot.bench.project_figures import SnapshotFigures
from lot.bench.sessions import wait_for_build
from lot.client.client import LotClient
from lot.client.own_server import OwnServer
from lot.core.errors import InvalidInputError, SetupCommandError
from lot.examples.repository import commit_folder

_BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system."""


def find_samples(folder: Path, names: list[str]) -> dict[str, Path]:
    """Return the samples of these names, in that order, or all folders in the folder.

    Raises:
        InvalidInputError: there is no such folder, or no such sample.
    """
    there = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()} if folder.is_dir() else {}
    if not there:
        raise InvalidInputError(
            f"There are no samples in {folder}. Next step: run this in a checkout of Lot, or give --samples-folder"
        )
    if missing := [name for name in names if name not in there]:
        raise InvalidInputError(
            f"There is no sample {', '.join(missing)} in {folder}. Next step: choose of {', '.join(there)}"
        )
    return {name: there[name] for name in names or there}


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample whose snapshot is ready."""

    name: str
    source: Path
    project: ProjectBody
    snapshot: SnapshotFigures


def build_sample(client: LotClient, server: OwnServer, name: str, files: Path) -> Sample:
    """Make a repository of a sample's files and a project of that, and wait for its snapshot.

    Args:
        client: Of the server.
        server: Ours: what a snapshot takes of the disk is read in its data folder.
        name: Of the sample.
        files: Its folder.

    Raises:
        LotError: there is no snapshot, with the reason.
    """
    source = commit_folder(files, server.data_dir / "bench-samples" / name, "A sample")
    before = _layers(server.data_dir)
    project = wait_for_build(client, _create(client, name, source))
    snapshot = project.snapshot
    layers = _layers(server.data_dir) - before
    if snapshot is None or snapshot.build_s is None or len(layers) != 1:
        raise SetupCommandError(f"the snapshot of {name} is not as wanted: {snapshot}")
    return Sample(
        name,
        source,
        project,
        SnapshotFigures(
            build_s=snapshot.build_s,
            layer_bytes=snapshot.layer_bytes,
            layer_disk_bytes=_disk_bytes(layers.pop()),
            memory_bytes=snapshot.memory_bytes,
            memory_disk_bytes=_disk_bytes(server.data_dir / "hibernation" / f"snapshot-{snapshot.id}"),
        ),
    )


@contextmanager
def another_build(client: LotClient, sample: Sample) -> Iterator[ProjectBody]:
    """Have a second project of a sample built for the length of the block; it is deleted afterwards, built or not."""
    project = _create(client, sample.name, sample.source)
    try:
        yield project
    finally:
        client.delete_project(project.id, cascade=True)


def _create(client: LotClient, name: str, source: Path) -> ProjectBody:
    return client.create_project(
        NewProject(source=str(source), name=f"bench-{name}-{uuid.uuid4().hex[:8]}", has_setup_session=False)
    )


def _layers(data_dir: Path) -> set[Path]:
    folder = data_dir / "layers"
    return {path for path in folder.iterdir() if not path.name.startswith(".")} if folder.exists() else set()


def _disk_bytes(folder: Path) -> int:
    return sum(path.lstat().st_blocks for path in folder.rglob("*")) * _BLOCK_BYTES
