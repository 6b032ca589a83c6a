"""Copying traces to the archive, against reading the same traces from MLflow: `python -m bench.archive [sizes]`.

Each copy is compared with MLflow by its hashes before anything is printed. Trust the ratios.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable

from bench.overview import filled, parser, store
from bench.results import Measured, keep

MEGA = 1e6
# Below it the files' own heads and the state of the archive weigh more than the traces.
GOAL_FROM = 10_000


def main() -> None:
    for size in parser(__doc__).parse_args().sizes:
        measure(size)


def measure(size: int) -> None:
    from services import archive
    from services.archive import copying, keeping, plan, verifying

    folder = tempfile.mkdtemp()
    place = filled(folder, size)
    archive.start(place)
    chosen = plan.load(place)
    reading = seconds(lambda: whole(place))
    copied = seconds(lambda: copying.copy(place, chosen, quiet))
    again = seconds(lambda: copying.copy(place, chosen, quiet))
    keeping.tidy(place, every=True)
    now, found = archive.state(place), verifying.verify(place, chosen, quiet)
    assert (now.rows, found.compared, found.differing) == (size, size, 0), (now, found)
    with sqlite3.connect(store(place)) as connection:
        pages = connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[
            0
        ]
    read_mb = pages / MEGA
    print(f"{size:,} traces, {read_mb:.0f} MB in MLflow, {now.size / MEGA:.1f} MB archived ({now.size / pages:.0%})")
    print(f"  {'reading by MLflow, with spans':32} {size / reading:>8.0f} traces/s {read_mb / reading:>7.1f} MB/s")
    print(f"  {'reading and archiving':32} {size / copied:>8.0f} traces/s {read_mb / copied:>7.1f} MB/s", end="")
    print(f" {reading / copied:>6.2f}x the reading")
    rates = size / copied, size / reading
    keep(Measured("read and archived", f"{size:,} traces", *rates, "MLflow, read alone", "traces/s", 2.0, more=True))
    keep(
        Measured(
            "bytes",
            f"{size:,} traces",
            now.size / MEGA,
            read_mb,
            "MLflow's store",
            "MB",
            0.15 if size >= GOAL_FROM else None,
        )
    )
    print(f"  {'looking when nothing is new':32} {again * 1000:>8.0f} ms")
    shutil.rmtree(folder)


def whole(place) -> None:
    """What plain reading is: every page of MLflow's own search, with spans."""
    token, read = None, 0
    while True:
        page = place.client.search_traces(
            locations=[place.app.experiment_id], max_results=200, page_token=token, include_spans=True
        )
        read, token = read + len(page), page.token
        if not token:
            break
    assert read


def seconds(doing: Callable[[], object]) -> float:
    began = time.monotonic()
    doing()
    return time.monotonic() - began


def quiet(done: int, waiting: int) -> None:
    return None


if __name__ == "__main__":
    main()
