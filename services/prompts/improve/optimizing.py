"""What the optimiser makes of a text, in a store of its own that is thrown away."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import Feedback
from mlflow.genai.optimize import BasePromptOptimizer, GepaPromptOptimizer, MetaPromptOptimizer
from mlflow.genai.scorers import Scorer, scorer

from services.datasets import Row
from services.errors import ConsoleError, translated
from services.messages import Message
from services.prompts import Content
from services.prompts.content import as_template
from services.prompts.difference import VARIABLE
from services.prompts.improve.asking import Asking, expected, judged, no_rewrite

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

NAME = "improving"
FENCE = re.compile(r"^```(json)?|```$")
# How often each question to learn from is asked, about.
ROUNDS = {"metaprompt": 2, "gepa": 10}


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
            optimizer=_optimizer(workspace, asking, optimizer, len(rows)),
            scorers=[_forgiving(one) for one in built],
            enable_tracking=False,
        )
        if found.final_eval_score is None:  # MLflow drops such a text and returns the old one
            raise no_rewrite(Message("it leaves out variables of the prompt."))
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
    def forgiving(inputs: dict[str, Any], outputs: Any, expectations: dict[str, Any]) -> Feedback:
        found = judged(one, inputs=inputs, outputs=outputs, expectations=expectations)
        # The reason is what the optimiser learns most from.
        return Feedback(value=bool(found and found.value), rationale=(found and found.rationale) or "")

    return forgiving


def _optimizer(workspace: "Workspace", asking: Asking, name: str, rows: int) -> BasePromptOptimizer:
    model = f"openai:/{workspace.settings.judge_model}"
    if name != "gepa":
        return _OneRewrite(model, asking)
    from gepa.proposer.reflective_mutation.reflection_lm import StatelessReflectionLM

    # GEPA tells its log what it was sent and answered, and takes a model that is down for one without ideas.
    own = {"logger": _Silent(), "reflection_strategy": StatelessReflectionLM(asking.rewrite, None, _Silent())}
    return GepaPromptOptimizer(reflection_model=model, max_metric_calls=ROUNDS[name] * rows, gepa_kwargs=own)


class _OneRewrite(MetaPromptOptimizer):
    """MLflow's, which would hide what the model failed with and return the old text as the best."""

    def __init__(self, model: str, asking: Asking) -> None:
        super().__init__(model)
        self._asking = asking

    def _call_reflection_model(self, meta_prompt: str, enable_tracking: bool = True) -> dict[str, str]:
        try:
            said = self._asking.rewrite(meta_prompt, response_format={"type": "json_object"})
            found = json.loads(FENCE.sub("", said.strip()))
        except ConsoleError as error:
            raise no_rewrite(error.message) from None
        except json.JSONDecodeError:
            raise no_rewrite(Message("its answer is not the JSON it was asked for.")) from None
        if not isinstance(found, dict) or not isinstance(found.get(NAME), str):
            raise no_rewrite(Message("its answer holds no text of the prompt."))
        return {NAME: found[NAME]}


class _Silent:
    def log(self, message: str) -> None:
        """Nothing: what GEPA would print holds what people and models wrote, and what the provider refused."""


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
