"""The numbers behind the charts as a table that other programs read."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from services.monitoring.overview import Overview
from services.readmodel.series import SHARES

HEAD = ("begins_utc", "ends_utc", "questions", "failed", "tokens", "cost_{currency}", "streamed")


def as_csv(found: Overview) -> str:
    """One line per bucket: counts, percentiles in seconds, and each scorer's passed and judged answers by origin."""
    names = [(one.now.kind, one.now.name) for one in found.scores]
    text = io.StringIO()
    writer = csv.writer(text)
    times = [f"{what}p{share * 100:g}_seconds" for what in ("", "first_words_") for share in SHARES]
    writer.writerow([*(one.format(currency=found.money.code.lower()) for one in HEAD), *times, *_titles(names)])
    writer.writerows(_lines(found, names))
    return text.getvalue()


def _titles(names: list[tuple[str, str]]) -> Iterator[str]:
    for kind, name in names:
        yield from (f"{kind}: {name}, {what}" for what in ("passed", "judged", "mean", "numbers"))


def _lines(found: Overview, names: list[tuple[str, str]]) -> Iterator[list[Any]]:
    for position, part in enumerate(found.series.buckets):
        begins, ends = found.times[position], found.times[position + 1]
        given = {(one.kind, one.name): one for one in found.series.bucket_scores[position]}
        scores: list[Any] = []
        for name in names:
            one = given.get(name)
            scores += [one.passed, one.judged, one.mean if one.n else "", one.n] if one else [0, 0, "", 0]
        seconds = ["" if value != value else round(value / 1000, 3) for value in (*part.millis, *part.first)]
        cost = "" if part.cost is None else found.money.of(part.cost)
        yield [
            begins.isoformat(),
            ends.isoformat(),
            part.count,
            part.errors,
            part.tokens,
            cost,
            part.streamed,
            *seconds,
            *scores,
        ]
