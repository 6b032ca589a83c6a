"""What the monitoring screen adds up, against MLflow's own metrics on the same traces: `python -m bench.overview`.

The same traces stand in MLflow's store and in the read model; sums are compared before anything is measured (percentiles
within the sketch's error), then both answer in turn. Sizes that MLflow's store would take too long to fill for go straight
into the read model (`--only-ours`), without words. Trust the ratios.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench import trace_maker
from bench.results import Measured, keep
from bench.trace_maker import DAY, Made

if TYPE_CHECKING:
    from services.workspace import Workspace

QUARTER = 15 * 60_000
ROUNDS, EACH = 3, 5
GOAL_FROM = 100_000
END = 1_795_186_800_000


def main() -> None:
    given = parser(__doc__)
    given.add_argument("--only-ours", nargs="*", type=int, default=[], help="sizes for the read model alone")
    chosen = given.parse_args()
    print(f"{'traces':>12} {'ours ms':>9} {'MLflow ms':>10} {'ratio':>7}  filled at, and MLflow read at, traces/s")
    for size in chosen.sizes:
        both(size)
    for size in chosen.only_ours:
        alone(size)


def parser(told: str | None) -> argparse.ArgumentParser:
    """Of a command line that names the numbers of traces to measure with."""
    given = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000])
    return given


def both(size: int) -> None:
    import services.processes.preload  # noqa: F401  (what the worker has ready for the job that fills)
    from services import readmodel
    from services.readmodel import file, filling

    with_folder = tempfile.mkdtemp()
    place = filled(with_folder, size)
    reading = clocked(lambda: source_of(place))
    with file.writing(place) as connection:
        filling_ms = clocked(lambda: filling.fill(place, connection, lambda done, waiting: False))
    check = readmodel.verify(place, END - 30 * DAY, END)
    assert check.fine, check.differences
    ours, theirs = in_turn(lambda: drawn(place), lambda: mlflows(place))
    of = f"{size:,} traces"
    keep(
        Measured(
            "a month's numbers",
            of,
            ours,
            theirs,
            "MLflow's metrics on its store",
            "ms",
            0.02 if size >= GOAL_FROM else None,
        )
    )
    speeds = size / filling_ms * 1000, size / reading * 1000
    keep(Measured("filling the read model", of, *speeds, "reading alone", "traces/s", 2.0, more=True))
    rates = f"{size / filling_ms * 1000:,.0f} and {size / reading * 1000:,.0f}"
    print(
        f"{size:>12,} {ours:>9.1f} {theirs:>10.1f} {theirs / ours:>6.0f}x  {rates}; worst percentile {check.worst:.4f}"
    )
    shutil.rmtree(with_folder)


def alone(size: int) -> None:
    from services.readmodel import file

    folder = tempfile.mkdtemp()
    place = workspace(folder)
    with file.writing(place) as connection:
        straight_in(connection, trace_maker.traces(Made(size, END, words=False)))
    ours, _ = in_turn(lambda: drawn(place), lambda: None)
    print(f"{size:>12,} {ours:>9.1f}")
    shutil.rmtree(folder)


def filled(folder: str, size: int):
    """A workspace in this folder, with so many traces of its app in MLflow."""
    place = workspace(folder)
    trace_maker.write(store(place), place.app.experiment_id, trace_maker.traces(Made(size, END)))
    return place


def straight_in(connection, facts: Iterable) -> None:
    """The sums of traces that come in the order of their times, without the index of each."""
    from services.readmodel import filling, sums
    from services.readmodel.file import transaction

    for hour, within in groupby(sorted_enough(facts), key=lambda fact: fact.slot // sums.QUARTERS):
        by_slot = defaultdict(list)
        for fact in within:
            by_slot[fact.slot].append(fact)
        with transaction(connection):
            for slot, held in by_slot.items():
                sums.keep_quarter(connection, slot, held, filling.dims(connection, held))
            sums.keep_hour(connection, hour)


def sorted_enough(facts: Iterable) -> Iterable:
    """The maker's times waver by far less than an hour's traces, but may cross its border."""
    held = []
    for fact in facts:
        held.append(fact)
        if len(held) > 2 * trace_maker.BATCH:
            held.sort(key=lambda one: one.at)
            yield from held[: trace_maker.BATCH]
            del held[: trace_maker.BATCH]
    yield from sorted(held, key=lambda one: one.at)


def drawn(place: "Workspace") -> None:
    """What the screen asks for a month: buckets, versions, scorers and the month before."""
    from services import readmodel
    from services.readmodel import Window

    days = tuple(range(END - 30 * DAY, END + 1, DAY))
    found = readmodel.read(place, Window(days))
    assert found.total.count and len(found.buckets) == 30
    readmodel.read(place, Window((END - 60 * DAY, END - 30 * DAY)))


def mlflows(place: "Workspace") -> None:
    """The calls of MLflow's own overview: counts, percentiles, tokens and means, by day."""
    from mlflow.entities.trace_metrics import AggregationType as Kind
    from mlflow.entities.trace_metrics import MetricAggregation as Ask
    from mlflow.entities.trace_metrics import MetricViewType as View
    from mlflow.tracing.client import TracingClient

    store = TracingClient(place.settings.tracking_uri).store
    window = {"start_time_ms": END - 30 * DAY, "end_time_ms": END - 1, "time_interval_seconds": DAY // 1000}
    shares = [Ask(Kind.PERCENTILE, share) for share in (50.0, 90.0, 95.0, 99.0)]
    for view, metric, wanted, by in (
        (View.TRACES, "trace_count", [Ask(Kind.COUNT)], ["trace_status"]),
        (View.TRACES, "latency", shares, None),
        (View.TRACES, "total_tokens", [Ask(Kind.SUM)], None),
        (View.ASSESSMENTS, "assessment_value", [Ask(Kind.AVG)], ["assessment_name"]),
    ):
        assert store.query_trace_metrics([place.app.experiment_id], view, metric, wanted, by, **window)


def source_of(place: "Workspace") -> None:
    """Just reading every trace from the store, without keeping anything."""
    from services.readmodel import source

    for since in range(END - 30 * DAY, END, DAY):
        source.of(place).facts(place, since, since + DAY)


def in_turn(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float]:
    """Medians of interleaved rounds, in milliseconds, after one call of each."""
    ours(), theirs()
    times = [(clocked(ours), clocked(theirs)) for _ in range(ROUNDS * EACH)]
    return statistics.median(one for one, _ in times), statistics.median(one for _, one in times)


def clocked(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def store(place: "Workspace") -> str:
    return place.settings.tracking_uri.removeprefix("sqlite:///")


def workspace(folder: str) -> "Workspace":
    """An app in a data folder of its own."""
    from services import apps, database, people, settings
    from services.apps import AppForm, Gate
    from services.workspace import Workspace, connect

    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    found = settings.load(clean | {"SIGNALBOX_HOME": str(Path(folder) / "home")})
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = AppForm(id="bench", name="Bench", company="", model="practice", endpoint="bench", gate=Gate({}, rows=1))
    return place.for_app(apps.create(place, form))


if __name__ == "__main__":
    main()
