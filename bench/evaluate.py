"""What an evaluation costs per row beside the agent and the scorers themselves, against MLflow's own function in its
fastest settings, on the same store.

    python -m bench.evaluate [rows] [rounds]

An instant agent and three rules as scorers, so that nearly everything is overhead. Each measure is a process of its own;
the two sides take turns, and the median of the rounds counts. “mlflow” loads the agent and is `mlflow.genai.evaluate` alone;
“console” is the whole job: it also reads every answer back, keeps the table of rows, and stores each score at once, so that a
cut-off run can go on. Both must give every score. Target: at most 1.1 times MLflow.
"""

import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import Measured, keep
from tests.stub_model import stub_model

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace

ROOT = Path(__file__).parent.parent
SCORERS = ("length", "polite", "word_list")
AGENT = """
from mlflow.models import set_model
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse


class Instant(ResponsesAgent):
    def predict(self, request):
        text = "Thank you for your question, which is a good one; we will answer it as soon as we can."
        return ResponsesAgentResponse(output=[self.create_text_output_item(text=text, id="msg_1")])


set_model(Instant())
"""


def main(rows: int, rounds: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="bench-evaluate-"))
    in_process(home, "fill", str(rows))
    taken: dict[str, list[float]] = {"bare": [], "mlflow": [], "console": []}
    for _ in range(rounds):
        for side, found in taken.items():
            found.append(json.loads(in_process(home, side))["seconds"] / rows * 1000)
    middle = {side: statistics.median(found) for side, found in taken.items()}
    print(f"{rows} rows, 3 rules, median of {rounds} rounds; ms per row")
    for side, found in taken.items():
        print(f"{side:8} {middle[side]:8.2f}   ({', '.join(f'{one:.2f}' for one in found)})")
    overhead = {side: middle[side] - middle["bare"] for side in ("mlflow", "console")}
    sides = overhead["console"], overhead["mlflow"]
    keep(Measured("overhead of a row", f"{rows} rows", *sides, "mlflow.genai.evaluate, fastest", "ms", 1.1))
    print(f"overhead of the console / of MLflow: {overhead['console'] / overhead['mlflow']:.2f} (target 1.10)")


def in_process(home: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    environ = clean | {"SIGNALBOX_HOME": str(home), "SIGNALBOX_OPERATOR": "ada"}
    command = [sys.executable, "-m", "bench.evaluate", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode().strip().splitlines()[-1]


def workspace() -> "Workspace":
    from services import apps, people, settings
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    place = Workspace(connect(found), people.identify(found, {}))
    made = place.for_app(apps.get(place, "support"))
    os.environ["MLFLOW_EXPERIMENT_ID"] = made.app.experiment_id
    return made


def fill(rows: int) -> None:
    """An app with a prompt, an instant agent, three rules and a dataset; logging asks for a model that answers."""
    with stub_model() as model:
        os.environ |= {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "key"}
        fill_with_model(rows)
    print("{}")


def fill_with_model(rows: int) -> None:
    from services import agents, apps, database, datasets, people, prompts, scorers, settings
    from services.agents import AgentForm
    from services.datasets import Row
    from services.scorers import ScorerSpec
    from services.workspace import Workspace, connect

    found = settings.load(os.environ)
    database.migrate(found)
    place = Workspace(connect(found), people.identify(found, {}))
    form = apps.AppForm(id="support", name="Support", company="Sorabana", model="practice", endpoint="support")
    place = place.for_app(apps.create(place, form))
    prompts.save(place, "support", "Be polite for {{company_name}}.", "first")
    for kind in SCORERS:
        typed = {"shortest": 10, "longest": 500} if kind == "length" else {}
        scorers.save(place, ScorerSpec(kind, kind, typed))
    datasets.create(place, "Questions", [Row("", f"Where is parcel number {one}?") for one in range(rows)])
    carry_out(place, agents.log(place, AgentForm("support", "support", 1, False, "practice", AGENT)))


def carry_out(place: "Workspace", queued: "Job") -> dict[str, Any]:
    """A job's work, in this process."""
    from services import jobs

    job = jobs.claim(place.engine)
    assert job is not None and job.id == queued.id
    module, _, name = jobs.HANDLERS[job.kind].partition(":")
    os.environ["MLFLOW_EXPERIMENT_ID"] = place.app.experiment_id
    result: dict[str, Any] = getattr(importlib.import_module(module), name)(place, jobs.Work(place.engine, job))
    jobs.finish(place.engine, job, result)
    return result


def prepared() -> tuple["Workspace", str, str]:
    """The same imports and the same warm connection for every side."""
    import mlflow

    from services import agents, datasets, evaluations, scorers

    place = workspace()
    assert evaluations.all(place) is not None and len(scorers.all(place)) == len(SCORERS)
    mlflow.openai.autolog(disable=True)
    return place, agents.versions(place)[0].model_id, datasets.all(place)[0].id


def console() -> float:
    from services import evaluations

    place, model_id, dataset_id = prepared()
    job = evaluations.start(place, model_id, 1, dataset_id)
    begun = time.perf_counter()
    run_id = carry_out(place, job)["run_id"]
    taken = time.perf_counter() - begun
    rows = evaluations.rows(place, run_id)
    assert all(rows[name].notna().all() for name in SCORERS)
    return taken


def theirs() -> float:
    """MLflow's function with the settings that are fastest on SQLite, and nothing after it."""
    import mlflow

    from services import agents, datasets, scorers
    from services.evaluations.execution import ENVIRONMENT

    place, model_id, dataset_id = prepared()
    os.environ.update(ENVIRONMENT)
    data = [{"inputs": datasets.inputs_of(row)} for row in datasets.rows(place, dataset_id)]
    built = [scorers.build(spec, place) for spec in scorers.all(place)]
    begun = time.perf_counter()
    agent = agents.load(place, model_id, 1)
    with mlflow.start_run():
        made = mlflow.genai.evaluate(
            data=data, predict_fn=lambda input: agent.predict({"input": input}), scorers=built, model_id=model_id
        )
    taken = time.perf_counter() - begun
    assert all(f"{name}/mean" in made.metrics for name in SCORERS)
    return taken


def bare() -> float:
    import mlflow

    from services import agents, datasets, scorers

    place, model_id, dataset_id = prepared()
    agent = agents.load(place, model_id, 1)
    rows = datasets.rows(place, dataset_id)
    built = [scorers.build(spec, place) for spec in scorers.all(place)]
    mlflow.tracing.disable()
    begun = time.perf_counter()
    for row in rows:
        asked = datasets.inputs_of(row)
        answer = agent.predict(asked)
        for one in built:
            one(inputs=asked, outputs=answer)
    return time.perf_counter() - begun


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", number]:
            fill(int(number))
        case ["bare"]:
            print(json.dumps({"seconds": bare()}))
        case ["mlflow"]:
            print(json.dumps({"seconds": theirs()}))
        case ["console"]:
            print(json.dumps({"seconds": console()}))
        case given:
            main(*map(int, given or ("200", "3")))
