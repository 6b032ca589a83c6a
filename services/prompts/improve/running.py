"""The optimiser's job: it works in a store of its own, so that whatever it registers never reaches the real one."""

import os
import random
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import openai
import pandas as pd
from mlflow.genai.optimize import BasePromptOptimizer, GepaPromptOptimizer, MetaPromptOptimizer
from mlflow.genai.scorers import Scorer, scorer

from services import audit, datasets, playground, prompts, scorers, verdicts
from services.audit import Verb
from services.datasets import Row
from services.errors import ConsoleError, InvalidInputError, PlatformError, translated
from services.messages import Message
from services.prompts import Content
from services.prompts.content import as_template
from services.prompts.difference import VARIABLE

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

LOST_AFTER = 3
NAME = "improving"


class Hopeless(BaseException):
    """No question was answered; not an Exception, so that the optimiser does not take it for an answer."""


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “improve_prompt”; its result is the new content and both texts' scores."""
    asked = work.args["request"]
    base = prompts.version(workspace, asked["name"], asked["version"])
    specs = [spec for spec in scorers.all(workspace) if spec.name in asked["scorers"]]
    rows = datasets.rows(workspace, asked["dataset_id"])
    learning, held_out = split(rows, asked["rows"])
    if any(scorers.needs_judge(spec) for spec in specs):
        scorers.check_judge(workspace)
    asking = Asking(workspace, work, total=2 * len(learning) + 2 * len(held_out))
    built = [scorers.build(spec, workspace) for spec in specs]
    subject = f"{base.name} {base.version}"
    with audit.change(workspace, Verb.IMPROVE_PROMPT, subject, after={"optimizer": asked["optimizer"]}):
        try:
            if "content" not in work.checkpoint:
                template = _optimized(workspace, work, asking, base.content, learning, built, asked["optimizer"])
                # What the optimiser wrote cost many questions: an attempt that is cut off from here on only measures.
                work.save({"content": replace(base.content, template=template).to_json()})
            content = Content.from_json(work.checkpoint["content"])
            return _measured(asking, base.content, content, held_out, built)
        except Hopeless:
            raise PlatformError(
                Message("No question could be answered: {reason}", reason=asking.first_error or "–"),
                Message("Check that the model is running, then start again."),
                retryable=True,
            ) from None


def split(rows: Sequence[Row], most: int) -> tuple[list[Row], list[Row]]:
    """Half of at most `most` rows to learn from and half to measure on; the same rows give the same halves."""
    chosen = sorted(rows, key=lambda row: row.question)
    random.Random(len(chosen)).shuffle(chosen)
    chosen = chosen[:most]
    return chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]


class Asking:
    """Asks the model under a text and counts; every question may stop the work."""

    def __init__(self, workspace: "Workspace", work: "Work", total: int) -> None:
        self.first_error: Message | None = None
        self._workspace, self._work, self._total = workspace, work, total
        self._asked = self._answered = 0
        self._lock = threading.Lock()
        self._client = openai.OpenAI(**_address(workspace))

    def answer(self, content: Content, question: str) -> str | None:
        """The model's answer, assembled as the agent would; None when the model failed."""
        messages: list[Any] = playground.assembled(content, self._workspace.app.variables, question)
        try:
            with translated(Message("Asking the model")):
                completion = self._client.chat.completions.create(
                    messages=messages, **playground.arguments(self._workspace, content)
                )
        except ConsoleError as error:
            return self._count(None, error.message)
        return self._count(completion.choices[0].message.content or "", None)

    def _count(self, answer: str | None, error: Message | None) -> str | None:
        with self._lock:
            self._asked += 1
            self._answered += answer is not None
            self.first_error = self.first_error or error
            if not self._answered and self._asked >= LOST_AFTER:
                raise Hopeless
            done = min(self._asked, self._total - 1)
            self._work.progress(done, self._total, Message("Questions asked: {n}", n=self._asked))
        return answer


def _optimized(
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
        template: Any = _tight(content).registered
        address = mlflow.genai.register_prompt(NAME, template).uri
        found = mlflow.genai.optimize_prompts(
            predict_fn=answer,
            train_data=[{"inputs": {"question": row.question}, "expectations": _expected(row)} for row in rows],
            prompt_uris=[address],
            optimizer=_optimizer(workspace, optimizer, len(rows)),
            scorers=[_forgiving(one) for one in built],
            enable_tracking=False,
        )
        return as_template(found.optimized_prompts[0].template)


def _measured(
    asking: Asking, base: Content, content: Content, rows: Sequence[Row], built: list[Scorer]
) -> dict[str, Any]:
    """Both texts on the questions that the optimiser never saw; a text that could not be saved is not asked."""
    refused = _refusal(content)
    changed = _tight(content).template != _tight(base).template
    before = _table(asking, base, rows, built)
    after = before if refused or not changed else _table(asking, content, rows, built)
    names = [one.name for one in built]
    verdict = verdicts.compare(after, before, names).to_json()
    tables = [before] if after is before else [before, after]
    unjudged = sum(int(table["unjudged"].sum()) for table in tables)
    scores = [{"scorer": one, "before": int(before[one].sum()), "after": int(after[one].sum())} for one in names]
    return {
        "content": content.to_json(),
        "rows": len(rows),
        "scores": scores,
        "verdict": verdict,
        "changed": changed,
        "unjudged": unjudged,
        "refused": refused.to_json() if refused else None,
    }


def _table(asking: Asking, content: Content, rows: Sequence[Row], built: list[Scorer]) -> pd.DataFrame:
    """A line a row: row_id, state, critical, unjudged, and whether each scorer passed the answer.

    No answer passes nothing, nor does one that a scorer failed at; `unjudged` counts those scorers.
    """
    lines = []
    for row in rows:
        answer = asking.answer(content, row.question)
        given = {"inputs": datasets.inputs(row.question), "outputs": answer, "expectations": _expected(row)}
        passed = {one.name: False if answer is None else _passes(one, **given) for one in built}
        lines.append(
            {
                "row_id": datasets.row_id(row.question),
                "state": "ERROR" if answer is None else "OK",
                "critical": row.critical,
                "unjudged": sum(one is None for one in passed.values()),
                **{name: bool(one) for name, one in passed.items()},
            }
        )
    return pd.DataFrame(lines)


def _passes(one: Scorer, **given: Any) -> bool | None:
    """None when the scorer itself failed, as a judge may for a moment."""
    try:
        with translated(Message("Scoring the answers"), foreign=True):
            feedback = one.run(**given)
    except ConsoleError:
        return None
    return bool(feedback.value)


def _forgiving(one: Scorer) -> Scorer:
    """For the optimiser, which gives up at the first error of a scorer: such an answer did not pass."""

    @scorer(name=one.name)
    def judged(inputs: dict[str, Any], outputs: Any, expectations: dict[str, Any]) -> bool:
        return bool(_passes(one, inputs=inputs, outputs=outputs, expectations=expectations))

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


def _tight(content: Content) -> Content:
    """Variables without blanks inside their braces, as MLflow's optimisers look for them."""

    def tight(text: str) -> str:
        return VARIABLE.sub(lambda found: "{{" + found[1] + "}}", text)

    if isinstance(content.template, str):
        return replace(content, template=tight(content.template))
    return replace(
        content, template=tuple(replace(message, content=tight(message.content)) for message in content.template)
    )


def _refusal(content: Content) -> Message | None:
    try:
        prompts.check(content)
    except InvalidInputError as error:
        return error.message
    return None


def _expected(row: Row) -> dict[str, str]:
    return {"expected_response": row.expected}


def _address(workspace: "Workspace") -> dict[str, Any]:
    settings = workspace.settings
    return {
        "base_url": settings.llm_base_url,
        "api_key": settings.llm_api_key,
        "timeout": playground.SECONDS,
        "max_retries": 2,
    }
