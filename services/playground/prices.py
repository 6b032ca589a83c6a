"""What an answer costs, by the price list that comes with MLflow."""

import functools
from dataclasses import dataclass

from mlflow.utils.providers import cost_per_token

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    sent: float
    got: float

    def of(self, sent: int, got: int) -> float:
        return (self.sent * sent + self.got * got) / MILLION


@functools.lru_cache(maxsize=200)
def price(model: str) -> Price | None:
    """The list price of a model by its name; None when the list does not know it. Reads no network."""
    found = cost_per_token(model, prompt_tokens=MILLION, completion_tokens=MILLION)
    return Price(*found) if found and any(found) else None
