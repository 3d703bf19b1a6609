"""Where things of an installation lie on the host's disk. Names are ids of ours, never text from outside."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from lot.core.ids import ImageId, LayerId, SessionId
from lot.core.records import Session, Snapshot


@dataclass(frozen=True, slots=True)
class Folders:
    """Paths under an installation's data folder, and of the base images that installations share."""

    data_dir: Path
    images_dir: Path

    @property
    def layers(self) -> Path:
        """Layers of snapshots and sessions, a folder each."""
        return self.data_dir / "layers"

    @property
    def hibernation(self) -> Path:
        """Hibernation images, a folder each."""
        return self.data_dir / "hibernation"

    @property
    def control_socket(self) -> Path:
        """The unix socket on which runners reach the control plane."""
        return self.data_dir / "run" / "control.sock"

    @property
    def lease_socket(self) -> Path:
        """The unix socket on which runners renew their leases."""
        return self.data_dir / "run" / "lease.sock"

    @property
    def rehearsal_socket(self) -> Path:
        """The unix socket on which the scripted provider is served, within this machine."""
        return self.data_dir / "run" / "rehearsal.sock"

    def base(self, base_image: str) -> Path:
        """Return the root file system of a base image."""
        return self.images_dir / base_image / "rootfs"

    def layer(self, layer: LayerId) -> Path:
        """Return a layer's folder."""
        return self.layers / layer

    def image(self, image: ImageId) -> Path:
        """Return a hibernation image's folder."""
        return self.hibernation / image

    def session_layers(self, session: Session) -> tuple[str, ...]:
        """Return the read-only folders that a session's sandbox is made of, lowest first."""
        return self._stack(session.base_image, session.layers)

    def snapshot_layers(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return the read-only folders that a snapshot is built upon."""
        return self._stack(snapshot.base_image, ())

    def _stack(self, base_image: str, layers: tuple[LayerId, ...]) -> tuple[str, ...]:
        return (str(self.base(base_image)), *(str(self.layer(layer)) for layer in layers))

    def logs(self, session: SessionId) -> Path:
        """Return where the last logs of a session's processes are kept for reading while it is paused."""
        return self.data_dir / "logs" / session


def remove_folder(path: str) -> None:
    """Remove a folder with all it holds; nothing happens when there is none."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
