"""What the first process of a sandbox printed, read from the sandbox's disk as something a stranger may have placed."""

import os
import stat
from pathlib import Path, PurePosixPath

_TAIL_BYTES = 2000


def end_of_guest_log(rootfs: Path, log: PurePosixPath) -> str:
    """Return the end of a log on a sandbox's disk; empty when there is none, or it is no plain file there.

    No link is followed, or the sandbox could have us show it a file of the host.
    """
    descriptors: list[int] = []
    try:
        descriptors.append(os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY))
        *folders, name = log.relative_to("/").parts
        for folder in folders:
            descriptors.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptors[-1]))
        descriptors.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptors[-1]))
        seen = os.fstat(descriptors[-1])
        if not stat.S_ISREG(seen.st_mode):
            return ""
        tail = os.pread(descriptors[-1], _TAIL_BYTES, max(0, seen.st_size - _TAIL_BYTES))
        return tail.decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
