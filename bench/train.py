"""A release of an agent by the real worker and gateway, without the time of the model and of the version that starts.

    python -m bench.train

The model answers at once. Every step's seconds are read from the release itself; what is not ours is the step “ready”, in
which the new process imports MLflow. Beside it stand MLflow's bare calls: register the version, set its alias, read it back.
"""

import os
import tempfile
import time
from pathlib import Path

from bench.results import Measured, keep
from bench.servers import console
from tests.stub_model import stub_model
from tests.train.conftest import Train

WAITING = ("ready",)
GOAL = 5.0
QUESTIONS = 8


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-train-") as kept, stub_model() as model:
        model.answer = lambda system, question: "Thank you for your question; Sorabana answers it as soon as it can."
        environ = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "key"}
        with console(Path(kept) / "home", **environ) as server:
            os.environ |= server.environ
            train = prepared(server.environ)
            first = train.prompts()[0]
            agent = train.agent(first)
            train.evaluate(agent, first)
            ended = train.release(agent, first)
            bare = by_hand(train, agent)
            steps = {one.name: one.seconds or 0.0 for one in ended.steps}
            print(", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items()))
            ours = sum(seconds for name, seconds in steps.items() if name not in WAITING)
            print(f"without {', '.join(WAITING)}: {ours:.2f} s; MLflow's bare calls {bare:.2f} s")
            keep(Measured("all steps but the start of the version", "", ours, GOAL, "the goal", "s", 1.0))
            keep(
                Measured(
                    "all steps but the start of the version",
                    "",
                    ours,
                    bare,
                    "register, alias, read: MLflow's calls",
                    "s",
                )
            )


def prepared(environ: dict[str, str]) -> Train:
    """The sample app with few questions and scorers that need no judge."""
    from services import apps, datasets, people, sample, settings
    from services.workspace import Workspace, connect

    config = settings.load(environ)
    place = Workspace(connect(config), people.identify(config, {}))
    place = place.for_app(apps.get(place, sample.app().id))
    rows = datasets.rows(place, str(place.app.dataset_id))[:QUESTIONS]
    apps.choose_dataset(place, datasets.create(place, "Few", rows).id)
    apps.save_gate(place, apps.Gate({"mentions company": 0.5}, rows=QUESTIONS))
    return Train(place.for_app(apps.get(place, place.app.id)))


def by_hand(train: Train, model_id: str) -> float:
    import mlflow

    begun = time.perf_counter()
    made = mlflow.register_model(f"models:/{model_id}", "bare")
    train.workspace.client.set_registered_model_alias("bare", "champion", made.version)
    train.workspace.client.get_model_version_by_alias("bare", "champion")
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
