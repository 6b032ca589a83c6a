"""A dataset of 10,000 questions: making and opening it, paging, searching, saving, dividing, against MLflow's own calls.

    python -m bench.dataset_rows [rows]

The floors are taken in the same process and round: reading is compared with MLflow's `records` of a fresh dataset,
saving one edited row with `merge_records` of all rows, which is what saving the whole grid would cost, and the job that
writes a new or divided dataset with the same rows merged at once. A second process edits outside before the last reading,
and its row must be there. What takes long is done once, the rest in rounds, of which the median counts.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import Measured, keep

if TYPE_CHECKING:
    from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
ROUNDS, PAGE = 3, 100
READ, MERGE, FILL = "mlflow: read all records", "mlflow: merge_records of all rows", "mlflow: merge new rows"
FLOOR = {
    "make it: click and job": FILL,
    "divide it: click and job": MERGE,
    "open, never read before": READ,
    "open again, or another page": READ,
    "search two words": READ,
    "open after an outside write": READ,
    "save one edited row": MERGE,
}


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-dataset-rows-") as folder:
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("SIGNALBOX_", "MLFLOW_"))}
        environ |= {"SIGNALBOX_HOME": folder, "SIGNALBOX_OPERATOR": "ada"}
        subprocess.run(
            [sys.executable, "-m", "bench.dataset_rows", "measure", str(rows)], env=environ, cwd=ROOT, check=True
        )


def measure(rows: int) -> None:
    place = workspace()
    took: dict[str, list[float]] = {}
    made = fill(place, rows, took)
    for number in range(ROUNDS):
        for name, milliseconds in one_round(place, made, rows, number).items():
            took.setdefault(name, []).append(milliseconds)
    at_length(place, made, took)
    middle = {name: statistics.median(all) for name, all in took.items()}
    print(f"{rows} questions")
    for name, milliseconds in middle.items():
        if name in FLOOR:
            beside = middle[FLOOR[name]], FLOOR[name].partition(": ")[2]
            keep(Measured(name, f"{rows:,} questions", milliseconds, beside[0], f"MLflow: {beside[1]}", "ms"))
        ratio = f"{milliseconds / middle[FLOOR[name]]:6.2f} x" if name in FLOOR else ""
        print(f"{name:36} {milliseconds:8.1f} ms {ratio}")


def one_round(place: "Workspace", id: str, rows: int, number: int) -> dict[str, float]:
    from services import datasets
    from services.datasets import editing, stored

    found = {READ: clocked(lambda: len(stored.load(place, id).records) == rows)}
    stored._remembered.clear()
    found["open, never read before"] = clocked(lambda: len(opened(place, id)) == PAGE)
    found["open again, or another page"] = clocked(lambda: len(opened(place, id, 3)) == PAGE)
    all = datasets.rows(place, id)
    found["search two words"] = clocked(lambda: len(editing.search(datasets.rows(place, id), "parcel 77")) > 0)
    edited = [*all[:5], replace(all[5], expected=f"Edited in round {number}"), *all[6:]]
    found["save one edited row"] = clocked(lambda: datasets.save_rows(place, id, edited).rows == rows)
    assert any(row.expected == f"Edited in round {number}" for row in datasets.rows(place, id))
    subprocess.run([sys.executable, "-m", "bench.dataset_rows", "write", id, str(number)], cwd=ROOT, check=True)
    found["open after an outside write"] = clocked(lambda: len(opened(place, id)) == PAGE)
    assert any(row.topic == f"outside {number}" for row in datasets.rows(place, id))
    return found


def opened(place: "Workspace", id: str, page: int = 1) -> list[Any]:
    """What the screen asks for before it draws a page of the grid."""
    from services import datasets
    from services.datasets import editing

    assert datasets.all(place)
    lines = editing.apply(datasets.rows(place, id), editing.Edits())
    return editing.search(lines, "", "")[(page - 1) * PAGE : page * PAGE]


def clocked(work: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    assert work()
    return (time.perf_counter() - begun) * 1000


def workspace() -> "Workspace":
    from services import apps, database, people, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    if any(one.id == "support" for one in apps.all(place)):
        return place.for_app(apps.get(place, "support"))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="practice", endpoint="support")
    return place.for_app(apps.create(place, form))


def fill(place: "Workspace", rows: int, took: dict[str, list[float]]) -> str:
    """The console's way first: a click that hands the rows over, then the job that writes them."""
    from services import datasets
    from services.datasets import Row, saving, stored

    asked = [
        Row("", f"Where is my parcel {number}? 荷物はどこですか。", f"Under way {number}", topic=f"t{number % 7}")
        for number in range(rows)
    ]
    made: list[str] = []
    took["make it: click"] = [clocked(lambda: made.append(saving.create(place, "Questions", asked)) is None)]
    took["make it: click and job"] = [took["make it: click"][0] + clocked(lambda: job_done(place))]
    assert [row.question for row in datasets.rows(place, made[0])] == [row.question for row in asked]
    theirs = place.client.create_dataset(name="Theirs", experiment_id=[place.app.experiment_id])
    records = stored.records(asked)
    took[FILL] = [clocked(lambda: theirs.merge_records(records) is not None)]
    return made[0]


def at_length(place: "Workspace", id: str, took: dict[str, list[float]]) -> None:
    """Every row gets a part, and two versions are compared."""
    from services import datasets
    from services.datasets import checkup, difference, saving, splitting, stored

    parts = splitting.split(datasets.rows(place, id), 0.2, "test", "train")
    took["divide it: click"] = [
        clocked(lambda: (saving.save(place, id, parts) is None) == (len(parts) <= saving.AT_ONCE))
    ]
    took["divide it: click and job"] = [took["divide it: click"][0] + clocked(lambda: job_done(place))]
    all = datasets.rows(place, id)
    assert sum(row.split == "test" for row in all) == round(len(all) * 0.2)
    newest, before = (datasets.rows_of(place, one.sha256) for one in datasets.history(place, id)[:2])
    took["compare two versions"] = [clocked(lambda: len(difference.between(before, newest).changed) == len(all))]
    took["look for doubles"] = [clocked(lambda: checkup.doubles(all) is not None)]
    whole = stored.records(all)
    took[MERGE] = [clocked(lambda: stored.load(place, id).merge_records(whole) is not None)]


def job_done(place: "Workspace") -> bool:
    """The waiting job's work, in this process."""
    from services import jobs
    from services.datasets import saving

    job = jobs.claim(place.engine)
    if job is None:  # so few rows that the click wrote them
        return True
    jobs.finish(place.engine, job, saving.run(place, jobs.Work(place.engine, job)))
    return True


def write(id: str, number: int) -> None:
    """One row changed by plain MLflow."""
    place = workspace()
    found = place.client.get_dataset(id)
    one = found.records[9]
    found.merge_records([{"inputs": one.inputs, "expectations": {}, "tags": {"signalbox.topic": f"outside {number}"}}])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure", rows]:
            measure(int(rows))
        case ["write", id, number]:
            write(id, int(number))
        case given:
            main(int(given[0]) if given else 10_000)
