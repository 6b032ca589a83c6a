"""Reading and comparing two finished evaluations, against MLflow's own API on the same store.

    python -m bench.evaluation_read [rows] [rounds]

Every number is a process of its own with everything imported (cold), and the median of its warm rounds in which nothing
is cached. The same rows, verdicts and counts of better and worse must come out of both ways. Target: reading and comparing
two (“compare two” does both) ten times faster. Reading one, cold, is half MLflow's own first `get_run` of the process.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import Measured, keep

if TYPE_CHECKING:
    from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
ROUNDS, WARM = 3, 5
SCORERS = ("length", "polite", "safe")
GOAL_FROM = 1000
READ_MLFLOW, READ, COMPARE_MLFLOW, COMPARE = "mlflow: read one", "read one", "mlflow: compare two", "compare two"
CASES = (READ_MLFLOW, READ, COMPARE_MLFLOW, COMPARE)


def main(rows: int, rounds_each: int = ROUNDS) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bench-evaluation-read-"))
    in_process(folder, "fill", str(rows))
    rounds = [{case: json.loads(in_process(folder, "measure", case)) for case in CASES} for _ in range(rounds_each)]
    for ours, theirs in ((READ, READ_MLFLOW), (COMPARE, COMPARE_MLFLOW)):
        assert rounds[0][ours]["found"] == rounds[0][theirs]["found"], f"{ours}: other rows than {theirs}"
    for ours, theirs, what in ((READ, READ_MLFLOW, "read one"), (COMPARE, COMPARE_MLFLOW, "read and compare two")):
        for state in ("cold", "warm"):
            sides = (statistics.median(one[case][state] for one in rounds) for case in (ours, theirs))
            goal = 0.1 if ours == COMPARE and rows >= GOAL_FROM else None
            keep(Measured(f"{what}, {state}", f"{rows} rows", *sides, "MLflow's API", "ms", goal))
    print(f"{rows} rows, {len(SCORERS)} scorers{'':4} {'cold, ms':>18} {'warm, ms':>18}")
    for case, floor in ((READ_MLFLOW, None), (READ, READ_MLFLOW), (COMPARE_MLFLOW, None), (COMPARE, COMPARE_MLFLOW)):
        cells = []
        for state in ("cold", "warm"):
            middle = statistics.median(one[case][state] for one in rounds)
            other = statistics.median(one[floor][state] for one in rounds) if floor else None
            cells.append(f"{middle:9.1f} {f'{other / middle:6.1f} x' if other else '':>8}")
        print(f"{case:26} " + " ".join(cells))


def in_process(folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    command = [sys.executable, "-m", "bench.evaluation_read", *arguments]
    environ = clean | {"SIGNALBOX_HOME": str(folder), "SIGNALBOX_OPERATOR": "ada"}
    # A full queue drops traces, and then the two ways would read different rows.
    environ |= {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"}
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip().splitlines()[-1] if done.stdout.strip() else ""


def workspace() -> "Workspace":
    from services import apps, people, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    place = Workspace(connect(found), people.identify(found, {}))
    return place.for_app(apps.get(place, "support"))


def measure(case: str) -> dict[str, Any]:
    import pyarrow.parquet  # noqa: F401  # what reads the file is imported before, like MLflow

    from services import evaluations
    from services.evaluations import reading

    place = workspace()
    work = cases(place, [one.run_id for one in evaluations.all(place)])[case]
    times = []
    for _ in range(WARM + 1):
        reading._rows.cache_clear()
        begun = time.perf_counter()
        found = work()
        times.append((time.perf_counter() - begun) * 1000)
    return {"cold": times[0], "warm": statistics.median(times[1:]), "found": found}


def cases(place: "Workspace", runs: list[str]) -> dict[str, Callable[[], Any]]:
    from services import evaluations
    from services.evaluations import comparing, reading

    def ours(run_id: str) -> Any:
        made = evaluations.get(place, run_id)
        return made, reading.questions(place, made)

    def read() -> list[list[Any]]:
        table = ours(runs[0])[1]
        return sorted([id, *values] for id, *values in table[["row_id", *SCORERS]].itertuples(index=False))

    def compare() -> list[list[int]]:
        (made, now), (_, before) = map(ours, runs)
        found = comparing.compare(now, before, reading.kinds(made, now))
        counts = [found.counts(name) for name in SCORERS]
        return [[one.better, one.worse, one.same] for one in counts]

    def compare_by_mlflow() -> list[list[int]]:
        now, before = ({id: values for id, *values in by_mlflow(place, run)} for run in runs)
        moves = [[now[id][at] - before[id][at] for id in now.keys() & before.keys()] for at in range(len(SCORERS))]
        return [[move.count(1), move.count(-1), move.count(0)] for move in moves]

    return {
        READ_MLFLOW: lambda: by_mlflow(place, runs[0]),
        READ: read,
        COMPARE_MLFLOW: compare_by_mlflow,
        COMPARE: compare,
    }


def by_mlflow(place: "Workspace", run_id: str) -> list[list[Any]]:
    """The rows as MLflow's API gives them, without spans, which is its fastest way."""
    import mlflow

    found = mlflow.search_traces(
        locations=[place.app.experiment_id], run_id=run_id, include_spans=False, return_type="list"
    )
    lines = []
    for trace in found:
        given = {one.name: one.value for one in trace.info.assessments}
        lines.append([trace.info.tags["signalbox.row"], *(given[name] for name in SCORERS)])
    return sorted(lines)


def fill(rows: int) -> None:
    """Two evaluations as the job leaves them: traces with assessments, linked to a run that keeps its rows."""
    from services import apps, database, people, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="practice", endpoint="support")
    place = place.for_app(apps.create(place, form))
    for version in (1, 2):
        fill_one(place, rows, version)


def fill_one(place: "Workspace", rows: int, version: int) -> None:
    import mlflow
    import pandas as pd

    from services import datasets
    from services.evaluations import table

    asked = {
        "model_id": "m-1", "prompt_name": "support", "requested_version": version, "dataset_id": "d-1", "dataset_name": "Questions",
        "dataset_sha256": "ab" * 32, "scorers": dict.fromkeys(SCORERS, 1), "practice": False, "actor": "ada", "job_id": 0,
    }  # fmt: skip
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked)}
    run_id = place.client.create_run(place.app.experiment_id, tags=tags).info.run_id
    lines = []
    with mlflow.start_run(run_id=run_id):
        for number in range(rows):
            question, answer = (
                f"Question {number}: where is my parcel?",
                f"Thank you for asking. It is under way. {number}",
            )
            row_id = datasets.row_id(question)
            with mlflow.tracing.context(tags={"signalbox.row": row_id}), mlflow.start_span("answer") as span:
                span.set_inputs(datasets.inputs(question))
                span.set_outputs({"output": answer * 5})
            values = {name: (number * (at + 2) + version) % 7 != 0 for at, name in enumerate(SCORERS)}
            line = {
                "row_id": row_id, "repeat": 1, "question": question, "messages": "", "expected": "", "critical": False, "topic": "",
                "language": "en", "split": "", "answer": answer * 5, "state": "OK", "error": "", "trace_id": span.trace_id,
                "prompt_version": version, "prompt_seen": True, "seconds": 0.5, "input_tokens": 40, "output_tokens": 60, "cost": 0.001,
            }  # fmt: skip
            for name, value in values.items():
                line |= {name: value, f"{name}.rationale": "Because of its words.", f"{name}.reason": None}
                line[f"{name}.error"] = ""
            lines.append(line)
    mlflow.flush_trace_async_logging()
    judge(place, run_id, lines)
    scores = {name: {"mean": 0.8, "judged": rows, "rows": rows, "kind": "pass", "failed": 0} for name in SCORERS}
    whole = {"rows": rows, "failed": 0, "prompt_version": version, "prompt_seen": True, "scores": scores}
    table.keep(run_id, pd.DataFrame(lines).astype(table.TYPES), whole)
    place.client.set_terminated(run_id, "FINISHED")


def judge(place: "Workspace", run_id: str, lines: list[dict[str, Any]]) -> None:
    """The first answer's assessments by MLflow's API; the others' are the same rows in bulk, with their own values."""
    import mlflow
    from mlflow.entities import Feedback

    from services.evaluations import table

    for name in SCORERS:
        given = Feedback(name=name, value=lines[0][name], rationale="Because of its words.")
        given.metadata = {table.RUN_OF_ASSESSMENT: run_id}
        mlflow.log_assessment(trace_id=str(lines[0]["trace_id"]), assessment=given)
    with sqlite3.connect(place.settings.tracking_uri.removeprefix("sqlite:///")) as store:
        columns = [column[1] for column in store.execute("PRAGMA table_info(assessments)")]
        first = store.execute("SELECT * FROM assessments WHERE trace_id = ?", (lines[0]["trace_id"],)).fetchall()
        patterns = [dict(zip(columns, row, strict=True)) for row in first]
        rows = [
            pattern
            | {"assessment_id": f"a-{uuid.uuid4().hex}", "trace_id": line["trace_id"]}
            | {"value": json.dumps(line[pattern["name"]])}
            for line in lines[1:]
            for pattern in patterns
        ]
        places = ", ".join(f":{name}" for name in columns)
        store.executemany(f"INSERT INTO assessments ({', '.join(columns)}) VALUES ({places})", rows)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:2] == ["fill"]:
        fill(int(sys.argv[2]))
    elif sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:] or ("1000",)))
