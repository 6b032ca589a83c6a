"""Into which stretches of time a window is cut: all begin on quarter hours, days at midnight of the app's zone."""

from datetime import timedelta

import pandas as pd

DAY = "1D"
QUARTER = "15min"
WIDTHS = ((6, QUARTER), (48, "1h"), (24 * 14, "6h"))


def edges(now: pd.Timestamp, hours: float, zone: str) -> tuple[int, ...]:
    """The beginnings of the buckets that hold the last `hours`, and the end of the last, in milliseconds."""
    first = floor(pd.DatetimeIndex([now - timedelta(hours=hours)]), hours, zone)[0]
    if width(hours) == DAY:
        days = pd.date_range(first.tz_convert(zone).date(), now.tz_convert(zone).date() + timedelta(days=1), freq=DAY)
        times = _midnights(days, zone)
    else:
        last = now.floor(width(hours)) + pd.Timedelta(width(hours))
        times = pd.date_range(first, last, freq=width(hours))
    return tuple(int(one.timestamp() * 1000) for one in times)


def before(now: pd.Timestamp, cut: tuple[int, ...]) -> tuple[int, int]:
    """The stretch of the same length that ended where the window begins."""
    end = int(now.ceil(QUARTER).timestamp() * 1000)
    return 2 * cut[0] - end, cut[0]


def floor(times: pd.DatetimeIndex, hours: float, zone: str) -> pd.DatetimeIndex:
    """The beginnings of the buckets, in UTC."""
    if width(hours) != DAY:
        return times.floor(width(hours))
    return _midnights(times.tz_convert(zone).tz_localize(None).floor(DAY), zone)


def width(hours: float) -> str:
    return next((one for most, one in WIDTHS if hours <= most), DAY)


def _midnights(days: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    # Where clocks change at midnight, the day begins with its first moment that exists.
    return days.tz_localize(zone, nonexistent="shift_forward", ambiguous=[True] * len(days)).tz_convert("UTC")
