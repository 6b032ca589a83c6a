"""What answers cost, in an app's own currency: MLflow's price list counts in US dollars, and so does everything stored."""

import math
from dataclasses import dataclass

from babel.core import UnknownLocaleError
from babel.numbers import get_currency_name, get_currency_precision, get_currency_symbol, list_currencies

DOLLARS = "USD"
# A tenth of a billionth is nothing that anybody is billed.
MOST_DIGITS = 10


@dataclass(frozen=True)
class Currency:
    """`rate`: how much of it one US dollar is."""

    code: str = DOLLARS
    rate: float = 1.0

    @property
    def sign(self) -> str:
        """As it is told from all others; the plain dollar sign is not."""
        return "US$" if self.code == DOLLARS else str(get_currency_symbol(self.code, locale="en"))

    def of(self, dollars: float) -> float:
        """So many dollars in this currency."""
        return dollars * self.rate

    def dollars(self, amount: float) -> float:
        """What was typed in this currency, as it is stored."""
        return amount / self.rate

    def written(self, dollars: float | None) -> str:
        """The amount with its sign; a dash when nobody knows it."""
        if dollars is None or not math.isfinite(dollars):
            return "–"
        number = self.number(dollars)
        between = "\N{NO-BREAK SPACE}" if len(self.sign) > 1 else ""
        return f"{self.sign}{between}{number}"

    def number(self, dollars: float) -> str:
        """As many digits as the currency has, and of less two that count: a small price is no price of nothing."""
        amount, usual = self.of(dollars), int(get_currency_precision(self.code))
        if not amount:
            return f"{0:.{usual}f}"
        counting = 1 - math.floor(math.log10(abs(amount)))
        whole, _point, part = f"{amount:,.{min(max(usual, counting), MOST_DIGITS)}f}".partition(".")
        part = part[:usual] + part[usual:].rstrip("0")
        return f"{whole}.{part}" if part else whole


def known() -> list[str]:
    """The codes of all currencies, by letter."""
    return sorted(list_currencies())


def name(code: str, language: str) -> str:
    """What people call it; its code where the language has no word."""
    try:
        return f"{code} – {get_currency_name(code, locale=language)}"
    except UnknownLocaleError:
        return code
