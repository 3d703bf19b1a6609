"""Builds the guest's zipapp, and the `sudo` that leads to it, on the host.

The one module of this folder that is not part of the archive.
"""

import hashlib
import io
import os
import re
import tempfile
import zipfile
from pathlib import Path, PurePath

from lot.guest.sudo_wire import SOCKET_FILE

_SOURCES = Path(__file__).parent
_INIT = b""
_ENTRY = b"from lot.guest.__main__ import main\n\nmain()\n"
_SUDO = """\
#!/bin/sh
# Asks PID 1 of this sandbox: the runtime gives setuid programs no privilege. See Lot, docs/guest.md.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec python3 -I -S -c 'import sys
sys.path.insert(0, "{guest}")
from lot.guest.sudo_program import main
main("{socket}")' "$@"
"""
"""Names its Python itself, as the caller's PATH may lead to another."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_guest(target: Path) -> Path:
    """Return a file in the folder `target` that holds the guest, named by its content; made once, atomically.

    The same sources give the same bytes, so a file that exists is never written again and may be mounted by running
    sandboxes.
    """
    content = _archive()
    path = target / f"guest-{hashlib.sha256(content).hexdigest()[:16]}.pyz"
    if path.exists():
        return path
    target.mkdir(parents=True, exist_ok=True)
    file, temporary = tempfile.mkstemp(dir=target, prefix=".guest-")
    try:
        with os.fdopen(file, "wb") as writer:
            writer.write(content)
            os.fchmod(file, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def sudo_script(guest: PurePath, state: PurePath) -> bytes:
    """Return the program `sudo` for a sandbox that sees the guest's archive at `guest`.

    Args:
        state: The guest's folder there.
    """
    paths = {"guest": str(guest), "socket": str(state / SOCKET_FILE)}
    assert all(re.fullmatch(r"[\w./-]+", path, re.ASCII) for path in paths.values()), paths
    return _SUDO.format(**paths).encode()


def _archive() -> bytes:
    members = {"__main__.py": _ENTRY, "lot/__init__.py": _INIT}
    for source in sorted(_SOURCES.glob("*.py")):
        if source.name != Path(__file__).name:
            members[f"lot/guest/{source.name}"] = source.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), members[name])
    return buffer.getvalue()
