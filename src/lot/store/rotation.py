"""A new key for everything that is encrypted; may be cut off anywhere and is then gone on with.

The key file holds both keys, the new one first, before anything is sealed with it; the old one leaves it after the
transaction that sealed everything anew. So there is no moment at which something in the database opens with no key.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lot.config import Settings
from lot.core.errors import CallerError
from lot.core.session import SandboxState
from lot.store.keys import keys_in_use, load_box, load_keys, make_key, write_keys
from lot.store.store import Store


async def rotate_keys(settings: Settings) -> int:
    """Seal every secret of an installation under a new key; return how many were sealed anew.

    With the key in the settings, the new one is theirs and the old one is `secret_key_old`.

    Raises:
        CallerError: sessions are on, whose runners prove themselves by the present key.
        UnavailableError: a server runs, or a secret opens with no key; nothing was sealed anew.
    """
    with keys_in_use(settings.data_dir, alone=True):
        await _require_nothing_on(settings)
        is_file = settings.secret_key is None
        keys = load_keys(settings)
        if is_file and len(keys) == 1:
            keys = (make_key(), *keys)
            write_keys(settings.data_dir, keys)
        async with _opened(settings) as store:
            count = await store.seal_anew()
        if is_file:
            write_keys(settings.data_dir, keys[:1])
        return count


async def _require_nothing_on(settings: Settings) -> None:
    async with _opened(settings) as store:
        busy = await store.list_in_sandbox_states(set(SandboxState) - {SandboxState.PAUSED, SandboxState.ABSENT})
    if busy:
        raise CallerError(
            f"{len(busy)} sessions are on, and their runners prove who they are by the present key. Next step: start "
            "`lot up` and stop it with one Ctrl-C, which pauses them; then rotate again"
        )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = await Store.open(settings.sqlalchemy_url, load_box(settings))
    try:
        yield store
    finally:
        await store.close()
