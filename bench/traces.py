"""Lists and searches of traces from the read model, against MLflow's own search: `python -m bench.traces [sizes]`.

Both hold the same traces; where both can answer, the ids must be the same before anything is measured. Trust the ratios.
MLflow's store is analysed first: without that, SQLite takes minutes for a rare word among 10,000 traces.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime

from bench import trace_maker
from bench.overview import END, filled, in_turn, parser, store
from bench.results import Measured, keep
from bench.trace_maker import DAY

PAGE = 50
COMMON = "配送"


def main() -> None:
    for size in parser(__doc__).parse_args().sizes:
        measure(size)


def measure(size: int) -> None:
    from services.readmodel import file, filling

    folder = tempfile.mkdtemp()
    place = filled(folder, size)
    with sqlite3.connect(store(place)) as connection:
        connection.execute("ANALYZE")
    with file.writing(place) as connection:
        filling.fill(place, connection, lambda done, waiting: False)
    print(f"{size:,} traces: {file.path(place).stat().st_size / 1e6:.0f} MB")
    for name, (ours, theirs) in cases(place, size).items():
        mine, other = ours(), theirs()
        assert mine and sorted(mine) == sorted(other), (name, len(mine), len(other))
        here, there = in_turn(ours, theirs)
        if ours is not theirs:
            keep(Measured(name, f"{size:,} traces", here, there, "MLflow's search_traces", "ms", 1.0))
        print(f"  {name:28} {here:>8.1f} ms {there:>9.1f} ms {there / here:>6.0f}x")
    shutil.rmtree(folder)


def cases(place, size: int) -> dict[str, tuple[Callable[[], list[str]], Callable[[], list[str]]]]:
    from services import readmodel
    from services.readmodel import TraceQuery

    since = {"since": datetime.fromtimestamp(END / 1000 - 31 * DAY / 1000, UTC), "limit": PAGE}
    rare = trace_maker.order_of(size // 3)

    def ours(**asked) -> Callable[[], list[str]]:
        return lambda: [row.trace_id for row in readmodel.find(place, TraceQuery(**since, **asked)).rows]

    def theirs(words: str) -> Callable[[], list[str]]:
        return lambda: [
            trace.info.trace_id
            for trace in place.client.search_traces(
                locations=[place.app.experiment_id],
                filter_string=words or None,
                max_results=PAGE,
                order_by=["timestamp_ms DESC"],
                include_spans=False,
            )
        ]

    common = ours(text=COMMON)
    return {
        "newest 50": (ours(), theirs("")),
        "newest 50 that failed": (ours(state="ERROR"), theirs("status = 'ERROR'")),
        "newest 50 of a verdict": (ours(scorer="relevance"), theirs("feedback.relevance = 'false'")),
        "one order number": (ours(text=rare), theirs(f"trace.text LIKE '%{rare}%'")),
        "a common word, two letters": (common, common),
    }


if __name__ == "__main__":
    main()
