"""What an evaluation is once it was made: who answered what, and each scorer's number with what it rests on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from mlflow.entities import Run

from services.evaluations.sources import AGENT, TRACES
from services.evaluations.table import SUMMARY_TAG

FINISHED = "FINISHED"
KIND_TAG, ASKED_TAG, ERROR_TAG = "signalbox.kind", "signalbox.asked", "signalbox.error"
# The run on the workspace that has the evaluation: its token, and its number and page once they are known.
HANDED_TAG = "signalbox.handed"
RUN_TYPE = "mlflow.runType"
MADE_BY_MLFLOW = "genai_evaluate"
MEAN = "/mean"
PASS, NUMBER, TEXT = "pass", "number", "text"


@dataclass(frozen=True)
class Score:
    """Our number: a row that failed or got no verdict counts as not passed, or as a numeric scale's worst value.

    `judged` of the `rows` got a value, `failed` had no answer to judge. `mean` is None when there is nothing to average.
    """

    mean: float | None
    judged: int
    rows: int
    kind: str = PASS
    failed: int = 0

    @property
    def silent(self) -> int:
        """Rows that were answered and still got no verdict."""
        return max(self.rows - self.judged - self.failed, 0)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation run; `prompt_version` is what its traces show, None when they disagree or show none.

    `mlflow` holds MLflow's own means by scorer, as its API gives them. `outside`: made by a plain notebook or another
    tool; then nothing of ours is known of it, and its scores are MLflow's until its rows are read. `live`: which
    versions the endpoint asked when it started. `unreadable`: what MLflow keeps of it was cut or is damaged. `loaded`: the
    full names of the prompts that its traces link. `page`: the run on the workspace that carried it out. `practice`: the
    practice model was connected; whether it gave any of the answers, or a verdict, is told by the two that name it.
    """

    run_id: str
    model_id: str
    prompt_name: str
    prompt_version: int | None
    requested_version: int | None
    dataset_id: str
    dataset_name: str
    dataset_sha256: str
    scorers: Mapping[str, int]
    scores: Mapping[str, Score]
    rows: int
    failed: int
    state: str
    prompt_seen: bool
    practice: bool
    actor: str
    job_id: int
    created_at: datetime
    note: str = field(default="")
    repeats: int = 1
    outside: bool = False
    name: str = ""
    mlflow: Mapping[str, float] = field(default_factory=dict)
    artifacts: str = ""
    source: str = AGENT
    live: str = ""
    unreadable: bool = False
    loaded: tuple[str, ...] = ()
    page: str = ""
    practice_answered: bool = False
    practice_judged: bool = False

    @property
    def finished(self) -> bool:
        """Whether every row was asked and the rows can be read."""
        return self.state == FINISHED and (self.rows > 0 or self.outside) and not self.unreadable


ASKED = {one.name for one in fields(Evaluation)} - {
    "run_id",
    "scores",
    "rows",
    "failed",
    "state",
    "created_at",
    "artifacts",
    "source",
    "unreadable",
    "loaded",
    "page",
    "practice_answered",
    "practice_judged",
}
# What an evaluation is called that does not tell what it asked.
NOTHING_ASKED: dict[str, Any] = {
    "model_id": "", "prompt_name": "", "requested_version": None, "dataset_id": "", "dataset_name": "",
    "dataset_sha256": "", "scorers": {}, "practice": False, "actor": "", "job_id": 0,
}  # fmt: skip


def is_ours(found: Run) -> bool:
    return found.data.tags.get(KIND_TAG) == "evaluation"


def is_outside(found: Run) -> bool:
    """An evaluation by MLflow's own function that this console did not start."""
    return not is_ours(found) and found.data.tags.get(RUN_TYPE) == MADE_BY_MLFLOW


def from_mlflow(found: Run) -> Evaluation:
    """A run as the console started it, or as a notebook made it."""
    return _ours(found) if is_ours(found) else _outside(found)


def _ours(found: Run) -> Evaluation:
    tags = found.data.tags
    told, summary = _told(tags, ASKED_TAG), _told(tags, SUMMARY_TAG)
    asked = NOTHING_ASKED | {name: value for name, value in (told or {}).items() if name in ASKED}
    unreadable, summary = told is None or summary is None, summary or {}
    source = ((told or {}).get("source") or {}).get("kind", AGENT)
    return Evaluation(
        run_id=found.info.run_id,
        **asked,
        source=source,
        unreadable=unreadable,
        prompt_version=summary.get("prompt_version"),
        scores={name: _score(score) for name, score in summary.get("scores", {}).items()},
        rows=int(summary.get("rows", 0)),
        failed=int(summary.get("failed", 0)),
        prompt_seen=bool(summary.get("prompt_seen")),
        loaded=tuple(summary.get("loaded", ())),
        # Summaries once did not tell it: then whoever was asked was asked for an answer of the connected model.
        practice_answered=bool(summary.get("practice_answered", asked["practice"] and source != TRACES)),
        practice_judged=bool(summary.get("practice_judged")),
        page=str((_told(tags, HANDED_TAG) or {}).get("page", "")),
        note=tags.get(ERROR_TAG, ""),
        state=found.info.status,
        created_at=_begun(found),
        name=found.info.run_name or "",
        mlflow=_means(found),
        artifacts=found.info.artifact_uri or "",
    )


def _told(tags: Mapping[str, str], name: str) -> dict[str, Any] | None:
    """None for what cannot be read: MLflow cuts a tag after 8,000 characters."""
    try:
        return dict(json.loads(tags.get(name) or "{}"))
    except (ValueError, TypeError):
        return None


def _outside(found: Run) -> Evaluation:
    means = _means(found)
    data = next(iter(found.inputs.dataset_inputs), None) if found.inputs else None
    return Evaluation(
        run_id=found.info.run_id,
        model_id=found.data.tags.get("mlflow.modelId", ""),
        prompt_name="",
        prompt_version=None,
        requested_version=None,
        dataset_id="",
        dataset_name=data.dataset.name if data else "",
        dataset_sha256="",
        scorers=dict.fromkeys(means, 0),
        scores={name: Score(mean, 0, 0, PASS if 0 <= mean <= 1 else NUMBER) for name, mean in means.items()},
        rows=0,
        failed=0,
        state=found.info.status,
        prompt_seen=False,
        practice=False,
        actor=found.data.tags.get("mlflow.user", ""),
        job_id=0,
        created_at=_begun(found),
        outside=True,
        name=found.info.run_name or "",
        mlflow=means,
    )


def _score(stored: Any) -> Score:
    """Summaries once were lists of mean, judged and rows."""
    if isinstance(stored, list):
        return Score(*stored)
    return Score(stored["mean"], stored["judged"], stored["rows"], stored.get("kind", PASS), stored.get("failed", 0))


def _means(found: Run) -> dict[str, float]:
    return {name.removesuffix(MEAN): value for name, value in sorted(found.data.metrics.items()) if name.endswith(MEAN)}


def _begun(found: Run) -> datetime:
    return datetime.fromtimestamp(found.info.start_time / 1000, UTC)
