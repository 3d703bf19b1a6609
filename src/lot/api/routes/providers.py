"""Providers of models: whether they can be used, and what they have."""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter

from lot.api.schemas.sessions import ModelBody, ProviderBody
from lot.core.errors import LotError
from lot.engine.engine import Engine
from lot.engine.parts import ModelProvider

logger = structlog.get_logger(__name__)


def provider_routes(engine: Engine) -> APIRouter:
    """Return the route about providers."""
    router = APIRouter(prefix="/api/providers", tags=["host"])

    @router.get("")
    async def list_providers() -> list[ProviderBody]:
        """Return every provider with its models as it lists them now; the names known without asking come first."""
        return [await _provider(provider) for provider in engine.parts.list_providers()]

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
    )


def _others(provider: ModelProvider, listed: Sequence[ModelBody]) -> list[ModelBody]:
    return [model for model in listed if model.id not in provider.models]
