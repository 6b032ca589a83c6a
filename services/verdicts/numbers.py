"""How the numbers of a verdict are written."""

from services.messages import Message


def change(difference: float, points: bool) -> Message | str:
    """A signed difference: in points for shares, in the scorer's own units for numbers."""
    if not points:
        return _signed(difference, 2)
    return Message("{n} points", n=_signed(difference * 100, 1))


def size(amount: float, points: bool) -> Message | str:
    return Message("{n} points", n=_plain(amount * 100, 1)) if points else _plain(amount, 2)


def chance(share: float) -> Message | str:
    return Message("less than {n} %", n="0.1") if share < 0.001 else f"{share * 100:.1f} %"


def level(value: float, points: bool) -> str:
    return percent(value) if points else _plain(value, 2)


def percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"


def _plain(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
