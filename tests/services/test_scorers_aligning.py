"""Aligning a judge with people: learned from one half, measured on the other, a proposal until somebody keeps it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import mlflow
import pytest
from mlflow.entities import AssessmentSource
from mlflow.entities.trace_location import MlflowExperimentLocation

from services import audit, jobs, scorers
from services.audit import Verb
from services.errors import ConflictError, NotReadyError
from services.jobs import Job
from services.jobs.work import Work
from services.scorers import ScorerSpec, aligning, health
from services.scorers.aligning import lessons
from services.workspace import Workspace
from tests.stub_model import StubModel, stub_model

ADVICE = "Say no when the answer names no day."
SETTINGS = {
    "instructions": "Is {{ outputs }} a good answer of {{company_name}} to {{ inputs }}?",
    "answer": "yes_no", "low": 1, "high": 5, "categories": [], "passing": [],
}  # fmt: skip
Finish = Callable[..., Job]


@pytest.fixture
def judge(environ: dict[str, str]) -> Iterator[StubModel]:
    """Passes every answer until it is told to look for the day."""

    def said(system: str, question: str) -> str:
        whole = system + question
        if "module_advice" in whole:
            return f'[[ ## discussion ## ]]\nIt was wrong.\n\n[[ ## module_advice ## ]]\n{{"self": "{ADVICE}"}}\n\n[[ ## completed ## ]]'
        right = "Monday" in question if ADVICE in whole else len(stub.requests) % 3 > 0
        return json.dumps({"rationale": "because", "result": "yes" if right else "no"})

    with stub_model() as stub:
        stub.answer = said
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "sk-test"}
        yield stub


def judged_by_people(workspace: Workspace, answers: int) -> None:
    """Half of the answers name a day and passed, half do not and failed."""
    mlflow.tracing.set_destination(MlflowExperimentLocation(workspace.app.experiment_id))
    told = {}
    for place in range(answers):
        text = f"It comes on Monday, {place}." if place % 2 else f"Nobody knows, {place}."
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        with mlflow.start_span("predict", span_type="AGENT") as root:
            root.set_inputs({"request": {"input": [{"role": "user", "content": f"When does parcel {place} come?"}]}})
            root.set_outputs({"output": [message]})
        told[root.trace_id] = bool(place % 2)
    mlflow.flush_trace_async_logging()
    for id, passed in told.items():
        mlflow.log_feedback(trace_id=id, name="dated", value=passed, source=AssessmentSource("HUMAN", "bob"))


def test_few_opinions_cannot_teach_a_judge(judge: StubModel, workspace: Workspace) -> None:
    scorers.save(workspace, ScorerSpec("dated", "judge", SETTINGS))
    judged_by_people(workspace, 4)

    with pytest.raises(NotReadyError) as refused:
        aligning.start(workspace, "dated", "simba")

    assert "People judged 4 answers; 20 are needed" in str(refused.value)


def test_an_attempt_after_an_interruption_measures_on_what_the_first_one_kept_back(
    judge: StubModel, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = scorers.save(workspace, ScorerSpec("dated", "judge", SETTINGS))
    judged_by_people(workspace, 6)
    jobs.submit(workspace, aligning.KIND, {"name": "dated", "version": 1, "optimizer": "simba"})
    job = jobs.claim(workspace.engine, [])
    assert job is not None
    monkeypatch.setattr(health.reading, "KEPT_SECONDS", 0.0)

    def halves(work: Work) -> list[set[str]]:
        found = lessons.halves(workspace, base, work)
        return [{one.trace_id for one in half} for half in found]

    first = Work(workspace.engine, job)
    before = halves(first)
    judged_by_people(workspace, 5)

    assert halves(Work(workspace.engine, replace(job, checkpoint=first.checkpoint))) == before
    assert halves(Work(workspace.engine, job)) != before, "more is judged by now"


def test_an_aligned_judge_is_proposed_with_its_agreement_on_answers_it_did_not_see(
    judge: StubModel, workspace: Workspace, finish: Finish
) -> None:
    base = scorers.save(workspace, ScorerSpec("dated", "judge", SETTINGS))
    judged_by_people(workspace, 24)

    found = aligning.outcome(finish(workspace, aligning.start(workspace, "dated", "simba"), 280))

    assert found is not None and found.changed and found.refused is None
    assert found.learned == 12 and (found.after.n, found.after.agreed, found.after.kappa) == (12, 12, 1.0)
    assert found.before.n == 12 and found.before.agreed < 12 and found.after.failed == 0
    written = found.spec.settings["instructions"]
    assert ADVICE in written and "{{company_name}}" in written, "the app's variables are kept"
    assert scorers.all(workspace) == [base], "nothing is live before somebody keeps it"

    kept = aligning.take(workspace, found.job_id)

    assert (kept.version, kept.settings["instructions"]) == (2, written)
    assert audit.about(workspace, "dated", Verb.SAVE_SCORER)[-1].why == f"job {found.job_id}"
    assert health.of(workspace, kept).agreement.n == 0, "a new version begins anew"
    with pytest.raises(ConflictError):
        aligning.take(workspace, found.job_id)
