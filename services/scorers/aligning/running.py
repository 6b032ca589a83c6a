"""The job: an optimiser learns from half of what people judged, the other half measures what it wrote."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from mlflow.entities import AssessmentSource, AssessmentSourceType, Expectation, Feedback, Trace
from mlflow.genai.judges.base import AlignmentOptimizer

from services import scorers, verdicts
from services.errors import ConsoleError, InvalidInputError, PlatformError, translated
from services.evaluations.patience import Patience, patient_judges
from services.messages import Message
from services.scorers import aligning, forms, judged
from services.scorers.aligning import Agreed
from services.scorers.aligning.lessons import Lesson, halves
from services.scorers.health import measuring
from services.scorers.records import ScorerSpec
from services.verdicts import agreement

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

AGREES = "agrees"
THREADS, EXAMPLES = 4, 2
LOST_AFTER = 5


class Hopeless(BaseException):
    """The judge gave no verdict at all; not an Exception, so that the optimiser does not take it for one."""


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job “align_judge”; its result is the proposed scorer with both texts' agreement."""
    base = scorers.at(workspace, work.args["name"], work.args["version"])
    work.progress(0, 0, Message("Reading the answers that people judged"))
    learning, held_out = halves(workspace, base, work)
    if min(len(learning), len(held_out)) < aligning.LEAST // 2:
        raise PlatformError(
            Message("Too few of the answers that people judged can be given to this judge."),
            Message("Judge more answers that have what the judge's instructions ask for."),
        )
    scorers.check_judge(workspace)
    count = _Count(work, aligning.calls(work.args["optimizer"], len(learning) + len(held_out)))
    with patient_judges(Patience(look=work.check)):
        try:
            if "instructions" not in work.checkpoint:
                # What the optimiser wrote cost many calls: an attempt that is cut off from here on only measures.
                work.save(
                    work.checkpoint
                    | {"instructions": _optimized(workspace, base, learning, count, work.args["optimizer"])}
                )
            return _measured(workspace, base, work.checkpoint["instructions"], held_out, count) | {
                "learned": len(learning)
            }
        except Hopeless:
            raise PlatformError(
                Message("The judge gave no verdict that can be read."),
                Message("Try the judge on five answers, mend it, then align it again."),
            ) from None


class _Count:
    """Counts the judge's calls for the progress line; every one may stop the work."""

    def __init__(self, work: "Work", total: int) -> None:
        self._work, self._total, self._called, self._judged = work, total, 0, 0

    def add(self, judged: bool) -> None:
        self._called += 1
        self._judged += judged
        if not self._judged and self._called >= LOST_AFTER:
            raise Hopeless
        done = min(self._called, self._total - 1)
        self._work.progress(done, self._total, Message("Verdicts asked for: {n}", n=self._called))


def _optimized(
    workspace: "Workspace", base: ScorerSpec, lessons: Sequence[Lesson], count: _Count, optimizer: str
) -> str:
    """The instructions that the optimiser wrote; the app's variables stand in them as before where they still do."""
    filled = scorers.filled(base, workspace)
    judge = judged.mlflows(base.name, filled, f"openai:/{workspace.settings.judge_model}")

    def agrees(example: Any, told: Any, *_: Any, **__: Any) -> float:
        said = measuring.passed(base, judged.read(filled, told.result)) if told is not None else None
        count.add(said is not None)
        return float(said is not None and example.result == _word(base, said).lower())

    with translated(Message("Aligning the judge"), foreign=True):
        made = judge.align(
            [_as_example(base, one) for one in lessons], _optimizer(workspace, optimizer, agrees, len(lessons))
        )
    written, was = str(made.instructions), str(filled["instructions"])
    return written.replace(was, str(base.settings["instructions"]))


def _optimizer(workspace: "Workspace", name: str, agrees: Any, lessons: int) -> AlignmentOptimizer:
    """MLflow's, measured by agreement with people whatever the judge answers with; nothing is kept on the disk."""
    import dspy  # type: ignore[import-untyped]  # it has no stubs
    from mlflow.genai.judges.optimizers import GEPAAlignmentOptimizer, SIMBAAlignmentOptimizer

    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    model = f"openai:/{workspace.settings.judge_model}"
    if name == "gepa":

        class Rewriting(GEPAAlignmentOptimizer):
            def _dspy_optimize(self, program: Any, examples: Any, metric_fn: Any) -> Any:
                return super()._dspy_optimize(program, examples, agrees)

        return Rewriting(
            model=model, max_metric_calls=aligning.REWRITES * lessons, gepa_kwargs={"num_threads": THREADS}
        )
    settings = {"metric": agrees, "max_steps": aligning.STEPS, "num_candidates": aligning.CANDIDATES}
    return SIMBAAlignmentOptimizer(
        model=model,
        batch_size=aligning.BATCH,
        simba_kwargs=settings | {"num_threads": THREADS, "max_demos": EXAMPLES},
    )


def _as_example(spec: ScorerSpec, lesson: Lesson) -> Trace:
    """The trace with people's one verdict in the judge's own words, and with what was expected."""
    source = AssessmentSource(AssessmentSourceType.HUMAN, "people")
    told: list[Any] = [
        Feedback(name=spec.name, value=_word(spec, lesson.passed), rationale=lesson.why or None, source=source)
    ]
    told += [Expectation(name=name, value=value, source=source) for name, value in lesson.sample.expectations.items()]
    trace = lesson.sample.trace
    return Trace(info=replace(trace.info, assessments=told), data=trace.data)


def _word(spec: ScorerSpec, passed: bool) -> str:
    """How the judge would say it; of several words that would do, all."""
    settings = spec.settings
    if settings["answer"] == "yes_no":
        return "yes" if passed else "no"
    if settings["answer"] == "categories":
        return " or ".join(one for one in settings["categories"] if (one in settings["passing"]) is passed)
    middle = (float(settings["low"]) + float(settings["high"])) / 2
    return f"at least {middle:g}" if passed else f"below {middle:g}"


def _measured(
    workspace: "Workspace", base: ScorerSpec, instructions: str, held_out: Sequence[Lesson], count: _Count
) -> dict[str, Any]:
    """Both texts on the answers that the optimiser never saw; a text that could not be saved is not asked."""
    proposed = replace(base, settings={**base.settings, "instructions": instructions})
    refused = _refusal(workspace, proposed)
    changed = instructions.strip() != str(base.settings["instructions"]).strip()
    before = _said(workspace, base, held_out, count)
    after = before if refused or not changed else _said(workspace, proposed, held_out, count)
    found = verdicts.compare(_table(held_out, after), _table(held_out, before), [AGREES])
    return {
        "spec": asdict(proposed),
        "before": asdict(_agreed(held_out, before)),
        "after": asdict(_agreed(held_out, after)),
        "verdict": found.to_json(),
        "changed": changed,
        "refused": refused.to_json() if refused else None,
    }


def _refusal(workspace: "Workspace", spec: ScorerSpec) -> Message | None:
    try:
        forms.check_settings(workspace, spec)
    except InvalidInputError as error:
        return error.message
    return None


def _said(workspace: "Workspace", spec: ScorerSpec, lessons: Sequence[Lesson], count: _Count) -> list[bool | None]:
    """What the judge says of each answer, as it would in an evaluation; None where it fails."""
    scorer = scorers.build(spec, workspace)
    said = []
    for one in lessons:
        try:
            with translated(Message("Judging the answers"), foreign=True):
                given = one.sample.judged_by(scorer)
                said.append(None if given.error else measuring.passed(spec, given.value))
        except ConsoleError:
            said.append(None)
        count.add(said[-1] is not None)
    return said


def _agreed(lessons: Sequence[Lesson], said: Sequence[bool | None]) -> Agreed:
    found = agreement.measure(said, [one.passed for one in lessons])
    failed = sum(one is None for one in said)
    return Agreed(found.n, found.agreed, found.kappa, found.low, found.high, failed)


def _table(lessons: Sequence[Lesson], said: Sequence[bool | None]) -> pd.DataFrame:
    """A row per question: a judge that fails on an answer does not agree on it; the same question is one row."""
    lines = [
        {"row_id": one.sample.question.strip().casefold(), "repeat": place, "state": "OK", "critical": False, AGREES: ours is one.passed}
        for place, (one, ours) in enumerate(zip(lessons, said, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(lines)
