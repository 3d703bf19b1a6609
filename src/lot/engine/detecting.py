"""Detection on a repository: a commit of a mirror is read, looked at in a thread, and told of in a build's log.

What is concluded from the files is `detection`'s affair.
"""

import tempfile
from pathlib import Path

from anyio import to_thread

from lot.broker.mirror import Mirrors
from lot.core.ids import ProjectId
from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles, worth_reading


async def detect_commit(mirrors: Mirrors, project_id: ProjectId, commit: str) -> SetupProposal:
    """Return how a commit of a project is set up and started.

    Raises:
        GitError: the mirror has no such commit.
    """
    read = await mirrors.read_commit(project_id, commit, worth_reading)
    notes = [f"{path} is too large to be looked at." for path in read.too_large]
    if not read.is_complete:
        notes.append(f"The repository has more files than are looked at; the first {len(read.paths)} were.")
    return await to_thread.run_sync(detect, RepositoryFiles(read.paths, read.texts, tuple(notes)))


async def detect_source(source: str, branch: str | None) -> SetupProposal:
    """Return how a repository is set up and started that is no project yet; leaves nothing behind.

    Args:
        source: A git URL, or the path of a repository; what is not committed does not count.

    Raises:
        RepositoryError: unreachable, empty, or without that branch.
    """
    project_id = ProjectId("detect")
    with tempfile.TemporaryDirectory(prefix="lot-detect-") as folder:
        mirrors = Mirrors(Path(folder))
        head = await mirrors.create(project_id, source, branch)
        return await detect_commit(mirrors, project_id, head.commit)


def log_text(proposal: SetupProposal) -> str:
    """Return what a build's log begins with when its commands were detected."""
    lines = ["no commands were given, so the repository was looked at", *proposal.reasons, *proposal.notes]
    lines.append("other commands are given with --setup, --dev and --port; --setup '' means none")
    return "".join(f"[lot] {line}\n" for line in lines)
