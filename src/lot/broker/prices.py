"""What requests to models cost, from a list of prices that the settings may change; see `prices.yaml`."""

import re
from collections.abc import Mapping
from importlib import resources

import yaml

from lot.broker.usage import Usage
from lot.config import ModelPrice, TokenPrices

_MILLION = 1_000_000
_ENDING = re.compile(r"(-\d{8}|-latest)?(\[1m\])?$")
"""What a provider adds to a model's name: the date of its making; and the agent program: a long context."""


class Prices:
    """Prices by model."""

    def __init__(self, models: Mapping[str, ModelPrice]) -> None:
        self._models = models

    @classmethod
    def load(cls, changes: Mapping[str, ModelPrice]) -> "Prices":
        """Return the published prices with `changes` in their place."""
        text = resources.files("lot.broker").joinpath("prices.yaml").read_text()
        listed = yaml.safe_load(text)["models"]
        return cls({model: ModelPrice.model_validate(price) for model, price in listed.items()} | dict(changes))

    def cost(self, model: str, usage: Usage) -> float | None:
        """Return what a request cost in USD; None: the model's price is not known."""
        price = self._models.get(model) or self._models.get(_ENDING.sub("", model, count=1))
        if price is None:
            return None
        prompt = usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens
        if price.long_prompt is not None and prompt > price.long_prompt.above_tokens:
            return _cost(price.long_prompt, usage)
        return _cost(price, usage)


def _cost(price: TokenPrices, usage: Usage) -> float:
    for_an_hour = min(usage.cache_creation_1h_input_tokens, usage.cache_creation_input_tokens)
    hour_price = price.cache_write if price.cache_write_1h is None else price.cache_write_1h
    return (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + (usage.cache_creation_input_tokens - for_an_hour) * price.cache_write
        + for_an_hour * hour_price
        + usage.cache_read_input_tokens * price.cache_read
    ) / _MILLION
