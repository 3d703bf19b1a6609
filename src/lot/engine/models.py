"""Whether a provider has a model that somebody asks for."""

from lot.core.errors import InvalidInputError, LotError
from lot.engine.parts import ModelProvider


async def require_model(provider: ModelProvider, model: str) -> None:
    """Do nothing when a provider has a model.

    Raises:
        InvalidInputError: it has not; or cannot say so, and the name is none of those known without asking.
    """
    if model in provider.models:
        return
    try:
        choices = [choice.id for choice in await provider.list_models()]
    except LotError as error:
        raise InvalidInputError(
            f"whether {provider.name} has the model {model!r} cannot be found out ({error}); "
            f"without asking it: {', '.join(provider.models)}"
        ) from error
    if model not in choices:
        raise InvalidInputError(f"{provider.name} has no model {model!r}; it has {', '.join(choices[:30])}")
