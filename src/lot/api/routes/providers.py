"""Providers of models: whether they can be used, with what, and what they have."""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter

from lot.api.schemas.providers import ModelBody, NewProviderKey, ProviderBody
from lot.core.credentials import CredentialKind, ModelKey
from lot.core.errors import LotError
from lot.engine.engine import Engine
from lot.engine.parts import ModelProvider

logger = structlog.get_logger(__name__)


def provider_routes(engine: Engine) -> APIRouter:
    """Return the routes about providers."""
    router = APIRouter(prefix="/api/providers", tags=["host"])

    @router.get("")
    async def list_providers() -> list[ProviderBody]:
        """Return every provider with its models as it lists them now; the names known without asking come first."""
        return [await _provider(provider) for provider in engine.parts.list_providers()]

    @router.put("/{name}/credential")
    async def store_key(name: str, new: NewProviderKey) -> ProviderBody:
        """Store a provider's key and use it from the next request on; it was tried where the provider could be reached.

        422: the provider does not know the key. 409: it takes none, or the server's environment has set one.
        """
        key = ModelKey(kind=CredentialKind(new.kind), secret=new.value, base_url=new.base_url)
        await engine.model_keys.store(name, key)
        return await _provider(engine.parts.get_provider(name))

    @router.delete("/{name}/credential", status_code=204)
    async def remove_key(name: str) -> None:
        """Forget a provider's stored key; sessions cannot ask it from the next request on."""
        await engine.model_keys.remove(name)

    return router


async def _provider(provider: ModelProvider) -> ProviderBody:
    reason = provider.readiness()
    models = [ModelBody(id=name, name=name) for name in provider.models]
    if reason is None:
        try:
            models += _others(provider, [ModelBody(id=one.id, name=one.name) for one in await provider.list_models()])
        except LotError as error:
            logger.info("models could not be listed", provider=provider.name, error=str(error))
            reason = str(error)
    return ProviderBody(
        name=provider.name,
        is_scripted=provider.is_scripted,
        is_ready=reason is None,
        reason=reason,
        models=models,
        needs_key=provider.needs_credential,
        key_kind=None if provider.key_kind is None else provider.key_kind.value,
        key_origin=provider.key_origin,
        base_url=provider.base_url if provider.needs_credential else None,
    )


def _others(provider: ModelProvider, listed: Sequence[ModelBody]) -> list[ModelBody]:
    return [model for model in listed if model.id not in provider.models]
