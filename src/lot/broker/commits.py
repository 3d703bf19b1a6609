"""What commits of a repository are to each other, and what they hold."""

from pathlib import Path

from lot.broker.git_command import run_git
from lot.core.errors import GitError, TooLargeError

MAX_PATCH_BYTES = 8 << 20
MAX_LISTING_BYTES = 8 << 20


async def find_commit(folder: Path, name: str) -> str | None:
    found = await run_git(
        "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}", folder=folder, accept=(0, 1, 128)
    )
    return found.text if found.exit_code == 0 else None


async def is_ancestor(folder: Path, older: str, newer: str) -> bool:
    asked = await run_git("merge-base", "--is-ancestor", older, newer, folder=folder, accept=(0, 1))
    return asked.exit_code == 0


async def merged_tree(folder: Path, ours: str, theirs: str, *, branch: str, base: str) -> str:
    made = await run_git(
        "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs, folder=folder, accept=(0, 1)
    )
    tree, *conflicts = made.stdout.decode(errors="replace").rstrip("\0").split("\0")
    if made.exit_code == 1:
        raise GitError(
            f"{branch} conflicts with {base} in {', '.join(conflicts[:10])}; nothing was merged. "
            f"Merge {base} into the branch in a session, then merge again"
        )
    return tree


async def before_merge(folder: Path, commit: str, base: str) -> str:
    """Return the base as it was just before it took in `commit`; `base` itself when it has not."""
    if not await is_ancestor(folder, commit, base):
        return base
    since = await run_git(
        "rev-list", "--first-parent", "--ancestry-path", "--reverse", f"{commit}..{base}", folder=folder
    )
    merged_by = since.text.partition("\n")[0]
    return f"{merged_by}^1" if merged_by else base


async def read_file(folder: Path, commit: str, path: str, max_bytes: int) -> bytes | None:
    """Return a file as a commit has it; None when it has no such file.

    Raises:
        TooLargeError: it is larger than that.
    """
    kind = await run_git("cat-file", "-t", f"{commit}:{path}", folder=folder, accept=(0, 128))
    if kind.exit_code != 0 or kind.text != "blob":
        return None
    found = await run_git("cat-file", "blob", f"{commit}:{path}", folder=folder, max_output_bytes=max_bytes)
    if found.is_truncated:
        raise TooLargeError(f"{path} is larger than {max_bytes >> 10} KiB")
    return found.stdout


async def patch_between(folder: Path, before: str, commit: str) -> str:
    """Return what a commit changes against the point where it left another line.

    Raises:
        TooLargeError: it is larger than 8 MiB.
    """
    arguments = ("diff", "--binary", "--find-renames", "--no-ext-diff", "--no-textconv")
    made = await run_git(
        *arguments, f"{before}...{commit}", folder=folder, timeout_s=120.0, max_output_bytes=MAX_PATCH_BYTES
    )
    if made.is_truncated:
        raise TooLargeError("the patch is larger than 8 MiB; look at the branch with git instead")
    return made.stdout.decode(errors="replace")


async def changed_files(folder: Path, old: str, new: str) -> tuple[str, ...]:
    """Return the paths of all files that differ between two commits.

    Raises:
        GitError: one of them is not there.
    """
    listed = await run_git(
        *("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", old, new),
        folder=folder,
        max_output_bytes=MAX_LISTING_BYTES,
    )
    return tuple(name.decode(errors="replace") for name in listed.stdout.split(b"\0") if name)
