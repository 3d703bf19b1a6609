"""Where an ACP agent finds itself inside a sandbox."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from lot.sandbox.driver import GATEWAY_ADDRESS

_HOME = PurePosixPath("/home/lot")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpPlace:
    """Other than the defaults only in tests."""

    home: PurePosixPath = _HOME
    user: str = "lot"
    model_url: str = f"http://{GATEWAY_ADDRESS}/model"

    @property
    def notes(self) -> PurePosixPath:
        """The file with the notes of the conversation."""
        return self.home / ".local/state/lot/acp.json"

    @property
    def attachments(self) -> PurePosixPath:
        """The folder for files that come with messages."""
        return self.home / "attachments"
