"""Keys of model providers that users store: encrypted, used from the next request on, never read back."""

import structlog

from lot.core.credentials import ModelKey, key_from, key_text
from lot.core.errors import CallerError, UnavailableError
from lot.engine.parts import Parts

logger = structlog.get_logger(__name__)


class ModelKeys:
    """What model providers are asked with, unless the server's environment says so."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take_up(self) -> None:
        """Use the keys that are stored; what cannot be used is left out, and logged."""
        for provider in self._parts.list_providers():
            try:
                text = await self._parts.store.find_secret(_name(provider.name))
                if text is not None:
                    self._parts.model_access.use_key(provider.name, key_from(text))
            except (CallerError, UnavailableError) as error:
                logger.warning("stored key is not used", provider=provider.name, reason=str(error))

    async def store(self, provider: str, key: ModelKey) -> None:
        """Store a provider's key, in place of the one before, and use it.

        Raises:
            KeyRefusedError: the provider does not know it; nothing was changed.
            CallerError: the provider takes no key, or the environment has set one.
        """
        await self._parts.model_access.check_key(provider, key)
        await self._parts.store.set_secret(_name(provider), key_text(key))
        self._parts.model_access.use_key(provider, key)

    async def remove(self, provider: str) -> None:
        """Forget a provider's key; nothing happens when none is stored.

        Raises:
            InvalidInputError: there is no such provider.
        """
        key_origin = self._parts.get_provider(provider).key_origin
        await self._parts.store.delete_secret(_name(provider))
        if key_origin == "stored":
            self._parts.model_access.use_key(provider, None)


def _name(provider: str) -> str:
    return f"model-provider/{provider}"
