"""Files of the sandbox: read in bounded pieces, replaced atomically."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator

from lot.guest import wire
from lot.guest.refusal import Refused
from lot.guest.spawn import Account, find_account


def read_pieces(path: str, max_bytes: int) -> Iterator[bytes]:
    """Yield a regular file's content; refuse once it turns out to be longer than `max_bytes`."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold up the guest
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused("not_found", f"no file {path!r}") from error
    except OSError as error:
        raise Refused("invalid", f"cannot read {path!r}: {error}") from error
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise Refused("invalid", f"{path!r} is not a regular file")
    left = max_bytes
    with os.fdopen(file, "rb", buffering=0) as reader:
        if status.st_size > left:
            raise Refused("too_large", f"{path!r} has {status.st_size} bytes, more than {max_bytes}")
        while True:
            piece = reader.read(wire.MAX_CHUNK_BYTES)
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise Refused("too_large", f"{path!r} has more than {max_bytes} bytes")
            yield piece


async def replace_file(path: str, mode: int, user: str, pieces: AsyncIterator[bytes]) -> None:
    """Put a new file in place of `path` once all of it is there."""
    account = find_account(user)
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:200]}.lot-{os.urandom(6).hex()}")
    try:
        _make_folders(folder, account)
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb", buffering=0) as writer:
                async for piece in pieces:
                    _write_all(writer.write, piece)
                _give(file, account)
                os.fchmod(file, mode)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise Refused("invalid", f"cannot write {path!r}: {error}") from error


def remove_file(path: str) -> None:
    """Remove a file or link; nothing happens when there is none."""
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Refused("invalid", f"cannot remove {path!r}: {error}") from error


def _make_folders(folder: str, account: Account) -> None:
    if os.path.isdir(folder):
        return
    _make_folders(os.path.dirname(folder), account)
    os.mkdir(folder, 0o755)
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)


def _give(file: int, account: Account) -> None:
    if os.geteuid() == 0:
        os.fchown(file, account.uid, account.gid)


def _write_all(write: Callable[[bytes], int], data: bytes) -> None:
    while data:
        data = data[write(data) :]
