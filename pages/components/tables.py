"""Tables: long texts cut, rows chosen by their boxes or by a click anywhere in them."""

from typing import Any, Literal

LONGEST = 300
CLICK_OR_ONE: tuple[Literal["single-row", "single-cell"], ...] = ("single-row", "single-cell")
CLICK_OR_MANY: tuple[Literal["multi-row", "single-cell"], ...] = ("multi-row", "single-cell")


def cell(text: str) -> str:
    """What a table shows of a text, which may be as long as a book."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def chosen(event: Any, length: int) -> list[int]:
    """Positions of the chosen rows in the table as it was given; ticked boxes win over a clicked cell."""
    selection = event["selection"]
    found = selection["rows"] or [row for row, _column in selection["cells"]]
    # A selection may be of an earlier, longer table.
    return [position for position in found if position < length]
