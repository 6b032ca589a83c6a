"""Try a scorer on a few stored answers before it is kept, and judge the same answers twice to see its noise."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlflow.entities import Feedback
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import Scorer

from services import audit, jobs, scorers
from services.audit import Verb
from services.messages import Message, stored
from services.scorers import forms, kinds, samples
from services.scorers.kinds import NOTHING_TO_JUDGE
from services.scorers.records import ScorerSpec
from services.scorers.samples import Sample

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

FEW = 5
TWICE = 20
AT_ONCE = 4
LONGEST_ERROR = 500


@dataclass(frozen=True)
class Tried:
    """What a scorer said about one answer; `value` is None when it gave no verdict, `error` why it failed."""

    question: str
    answer: str
    value: bool | float | None
    reason: Message | str
    error: str

    def to_json(self) -> dict[str, Any]:
        reason = self.reason.to_json() if isinstance(self.reason, Message) else self.reason
        return asdict(self) | {"reason": reason}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Tried":
        reason = stored["reason"]
        return cls(**stored | {"reason": Message.from_json(reason) if isinstance(reason, dict) else reason})


def start(workspace: "Workspace", spec: ScorerSpec, run_id: str) -> "Job":
    """Queue a try of what stands in a form on FEW answers of an evaluation, or recent ones; nothing is kept by it."""
    audit.require(workspace, forms.verb_of(spec))
    forms.check_settings(workspace, spec)
    return jobs.submit(workspace, "try_scorer", {"spec": asdict(spec), "run_id": run_id})


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: what the scorer says about each answer; a scorer that fails says so beside that answer."""
    spec = ScorerSpec(**work.args["spec"])
    found = samples.take(workspace, work.args["run_id"], FEW)
    scorer = _ready(workspace, spec)
    tried: list[dict[str, Any]] = []
    with _asking() as threads:
        asked = [(one, threads.submit(one.judged_by, scorer)) for one in found]
        for done, (one, judged) in enumerate(asked):
            work.progress(done, len(found), Message("Judging answer {n} of {all}", n=done + 1, all=len(found)))
            tried.append(_tried(one, judged).to_json())
    return {"tried": tried}


def start_twice(workspace: "Workspace", name: str, run_id: str) -> "Job":
    """Queue judging TWICE stored answers two times with the same scorer; needs the right to evaluate."""
    audit.require(workspace, Verb.EVALUATE)
    spec = next(one for one in scorers.all(workspace) if one.name == name)
    args = {"name": name, "version": spec.version, "run_id": run_id}
    return jobs.submit(workspace, "scorer_noise", args, exclusive=f"noise:{workspace.app.id}:{name}")


def run_twice(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: how often the second verdict on the same answer differs from the first, and by how much."""
    spec = scorers.at(workspace, work.args["name"], work.args["version"])
    found = samples.take(workspace, work.args["run_id"], TWICE)
    scorer = _ready(workspace, spec)
    pairs: list[tuple[Tried, Tried]] = []
    with _asking() as threads:
        asked = [(one, threads.submit(one.judged_by, scorer), threads.submit(one.judged_by, scorer)) for one in found]
        for done, (one, first, second) in enumerate(asked):
            pairs.append((_tried(one, first), _tried(one, second)))
            work.progress(done, len(found), Message("Judging every answer twice"))
    return _difference(pairs) | {"name": spec.name, "version": spec.version}


def _difference(pairs: Sequence[tuple[Tried, Tried]]) -> dict[str, Any]:
    judged = [(float(a.value), float(b.value)) for a, b in pairs if a.value is not None and b.value is not None]
    apart = [abs(a - b) for a, b in judged]
    return {
        "answers": len(pairs),
        "pairs": len(judged),
        "differ": sum(one > 0 for one in apart),
        "mean_difference": round(sum(apart) / len(apart), 4) if apart else None,
        "failed": sum(bool(one.error) for pair in pairs for one in pair),
    }


def _ready(workspace: "Workspace", spec: ScorerSpec) -> Scorer:
    if kinds.needs_judge(spec):
        scorers.check_judge(workspace)
    return scorers.build(spec, workspace)


@contextmanager
def _asking() -> Iterator[ThreadPoolExecutor]:
    """Threads that ask the judge; a job that is cancelled asks nothing more."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        try:
            yield threads
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _tried(sample: Sample, judged: Future[Any]) -> Tried:
    """Whatever a judge or brought code raised is told beside its answer."""

    def said(value: Any, reason: Message | str, error: str = "") -> Tried:
        return Tried(sample.question, sample.answer, value, reason, error)

    raised = judged.exception()
    if raised is not None:
        told = str(raised) if isinstance(raised, MlflowException) else f"{type(raised).__name__}: {raised}"
        return said(None, "", told[:LONGEST_ERROR])
    given = judged.result()
    found = given if isinstance(given, Feedback) else Feedback(name="scorer", value=given)
    ours = stored(str((found.metadata or {}).get("signalbox.reason") or ""))
    reason: Message | str = ours or found.rationale or ""
    if found.error is None:
        return said(found.value, reason)
    if found.error.error_code in NOTHING_TO_JUDGE:
        return said(None, reason)
    return said(None, "", str(found.error.error_message or found.error.error_code)[:LONGEST_ERROR])
