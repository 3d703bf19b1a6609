"""What requests cost."""

import pytest

from lot.broker.prices import Prices
from lot.broker.usage import Usage
from lot.config import Settings

MILLION = 1_000_000
EVERYTHING = Usage(
    input_tokens=MILLION,
    output_tokens=MILLION,
    cache_creation_input_tokens=3 * MILLION,
    cache_read_input_tokens=MILLION,
    cache_creation_1h_input_tokens=MILLION,
)


def test_every_kind_of_token_has_its_price() -> None:
    # Source: the published prices of Opus 4.5, 5 / 25 / 6.25 / 10 / 0.50.
    assert Prices.load({}).cost("claude-opus-4-5", EVERYTHING) == pytest.approx(5 + 25 + 2 * 6.25 + 10 + 0.5)


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("claude-opus-5-5", 4.0),
        ("claude-opus-4-5-20251101", 5.0),
        ("claude-opus-4-1-20250805", 15.0),
        ("claude-opus-4-20250514", 15.0),
        ("claude-sonnet-4-5-20250929", 3.0),
        ("claude-sonnet-4-5[1m]", 3.0),
        ("claude-haiku-4-5-20251001", 1.0),
        ("claude-3-5-haiku-latest", 0.8),
        ("rehearsal", 0.0),
        ("claude-opus-4-99", None),
        ("claude-opus", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_model_is_found_by_its_name_with_or_without_a_date(model: str, cost: float | None) -> None:
    assert Prices.load({}).cost(model, Usage(input_tokens=MILLION)) == cost


def test_long_prompt_of_haiku_costs_more() -> None:
    prices = Prices.load({})
    short, long = (Usage(input_tokens=1, cache_read_input_tokens=read, output_tokens=10) for read in (99_999, 100_000))
    assert prices.cost("claude-haiku-5-5", short) == pytest.approx((0.1 + 99_999 * 0.01 + 10 * 0.5) / MILLION)
    assert prices.cost("claude-haiku-5-5", long) == pytest.approx((0.5 + 100_000 * 0.05 + 10 * 2.5) / MILLION)


def test_settings_add_prices_and_replace_them(monkeypatch: pytest.MonkeyPatch) -> None:
    own = '{"rehearsal": {"input": 1, "output": 2, "cache_write": 3, "cache_read": 4}}'
    monkeypatch.setenv("LOT_MODEL_PRICES", own)
    prices = Prices.load(Settings().model_prices)
    assert prices.cost("rehearsal", EVERYTHING) == 1 + 2 + 3 * 3 + 4
    assert prices.cost("claude-opus-5-5", Usage(output_tokens=MILLION)) == 20


@pytest.mark.parametrize("price", [{"input": 1}, {"input": -1, "output": 1, "cache_write": 1, "cache_read": 1}])
def test_price_that_is_none_is_refused(price: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings(model_prices={"m": price})  # type: ignore[dict-item]
