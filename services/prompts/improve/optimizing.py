"""What the optimiser makes of a text, in a store of its own that is thrown away."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.genai.optimize import BasePromptOptimizer, GepaPromptOptimizer, MetaPromptOptimizer
from mlflow.genai.scorers import Scorer, scorer

from services.datasets import Row
from services.errors import translated
from services.messages import Message
from services.prompts import Content
from services.prompts.content import as_template
from services.prompts.difference import VARIABLE
from services.prompts.improve.asking import Asking, expected, passes

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

NAME = "improving"


def optimized(
    workspace: "Workspace",
    work: "Work",
    asking: Asking,
    content: Content,
    rows: Sequence[Row],
    built: list[Scorer],
    optimizer: str,
) -> Any:
    """What the optimiser makes of the text; it is tried in threads, so a candidate is read where it is asked."""

    def answer(question: str) -> str:
        candidate = replace(content, template=as_template(mlflow.genai.load_prompt(address).template))
        return asking.answer(candidate, question) or ""

    os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = "4"
    mlflow.openai.autolog(disable=True)
    with translated(Message("Improving the prompt"), foreign=True), _scratch(workspace, work.job.id):
        template: Any = tight(content).registered
        address = mlflow.genai.register_prompt(NAME, template).uri
        found = mlflow.genai.optimize_prompts(
            predict_fn=answer,
            train_data=[{"inputs": {"question": row.question}, "expectations": expected(row)} for row in rows],
            prompt_uris=[address],
            optimizer=_optimizer(workspace, optimizer, len(rows)),
            scorers=[_forgiving(one) for one in built],
            enable_tracking=False,
        )
        return as_template(found.optimized_prompts[0].template)


def tight(content: Content) -> Content:
    """Variables without blanks inside their braces, as MLflow's optimisers look for them."""

    def closed(text: str) -> str:
        return VARIABLE.sub(lambda found: "{{" + found[1] + "}}", text)

    if isinstance(content.template, str):
        return replace(content, template=closed(content.template))
    return replace(
        content, template=tuple(replace(message, content=closed(message.content)) for message in content.template)
    )


def _forgiving(one: Scorer) -> Scorer:
    """For the optimiser, which gives up at the first error of a scorer: such an answer did not pass."""

    @scorer(name=one.name)
    def judged(inputs: dict[str, Any], outputs: Any, expectations: dict[str, Any]) -> bool:
        return bool(passes(one, inputs=inputs, outputs=outputs, expectations=expectations))

    return judged


def _optimizer(workspace: "Workspace", name: str, rows: int) -> BasePromptOptimizer:
    model = f"openai:/{workspace.settings.judge_model}"
    if name == "gepa":
        return GepaPromptOptimizer(reflection_model=model, max_metric_calls=10 * rows)
    return MetaPromptOptimizer(reflection_model=model)


@contextmanager
def _scratch(workspace: "Workspace", job_id: int) -> Iterator[None]:
    """MLflow on an empty store that is thrown away; an attempt that was killed leaves its store to the next one."""
    folder = workspace.settings.home / "scratch" / f"job-{job_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    real = mlflow.get_tracking_uri(), mlflow.get_registry_uri(), os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    try:
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        mlflow.set_registry_uri(f"sqlite:///{folder / 'mlflow.db'}")
        mlflow.set_experiment(experiment_id=mlflow.create_experiment(NAME, artifact_location=folder.as_uri()))
        yield
    finally:
        mlflow.flush_trace_async_logging()
        mlflow.set_tracking_uri(real[0])
        mlflow.set_registry_uri(real[1])
        if real[2]:
            os.environ["MLFLOW_EXPERIMENT_ID"] = real[2]
            mlflow.set_experiment(experiment_id=real[2])
        _remove(folder)


def _remove(folder: Path) -> None:
    """Threads of an optimiser that was stopped may still write for a moment."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
