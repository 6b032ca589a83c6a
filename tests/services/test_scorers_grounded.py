"""Answers compared with the documents they were given, by MLflow's judge and the practice model."""

from collections.abc import Iterator
from typing import Any

import mlflow
import pytest
from mlflow.entities import Document, Trace

from services import scorers
from services.scorers import ScorerSpec
from services.scorers.grounded import without_documents
from services.traces.story import told
from services.workspace import Workspace
from tests.practice_server import practice_server
from tests.stub_model import stub_model

SPEC = ScorerSpec("grounded", "grounded", {}, 1)
GIVEN = "Orders arrive within 2 to 4 working days. Delivery is free from 50 dollars."


@pytest.fixture
def practice(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_BASE_URL", str(workspace.settings.llm_base_url))
    monkeypatch.setenv("OPENAI_API_KEY", "practice")
    with practice_server(workspace.settings.gateway_port):
        yield


def answered(workspace: Workspace, text: str, documents: list[str] | None) -> Trace:
    """A trace as the agent leaves it; None leaves out that something was looked up."""
    mlflow.tracing.set_destination(mlflow.entities.trace_location.MlflowExperimentLocation(workspace.app.experiment_id))
    with mlflow.start_span("predict", span_type="AGENT") as root:
        root.set_inputs({"request": {"input": [{"role": "user", "content": "When does my order arrive?"}]}})
        if documents is not None:
            with mlflow.start_span("faq", span_type="RETRIEVER") as span:
                span.set_outputs([Document(one, {"title": "x"}, "1").to_dict() for one in documents])
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        root.set_outputs({"output": [said]})
    mlflow.flush_trace_async_logging()
    return mlflow.get_trace(root.trace_id)


def judged(workspace: Workspace, trace: Trace) -> Any:
    return scorers.build(SPEC, workspace).run(outputs=trace.data.spans[0].outputs, trace=trace)


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("Thank you for asking. Orders arrive within 2 to 4 working days.", True, "1 of 2 sentences"),
        ("Orders arrive within 9 working days.", False, "The number 9 stands in none"),
        ("Penguins live in Antarctica.", False, "0 of 1 sentences"),
    ],
)
def test_the_practice_judge_compares_by_rules(
    workspace: Workspace, practice: None, text: str, value: bool, reason: str
) -> None:
    verdict = judged(workspace, answered(workspace, text, [GIVEN]))
    assert verdict.value is value
    assert "Practice model, by rules" in verdict.rationale
    assert reason in verdict.rationale


def test_japanese_answers_are_compared_in_japanese(workspace: Workspace, practice: None) -> None:
    trace = answered(workspace, "商品は2〜4営業日でお届けします。", ["ご注文の商品は2〜4営業日でお届けします。"])
    verdict = judged(workspace, trace)
    assert verdict.value is True, verdict.rationale
    assert "1 文のうち 1 文" in verdict.rationale


def test_a_real_judge_is_sent_answer_and_documents(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with stub_model() as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", "stub")
        stub.answer = lambda system, question: '{"result": "no", "rationale": "Nothing of it."}'
        scorer = scorers.build(SPEC, workspace)
        monkeypatch.setattr(type(scorer), "_reach", lambda self: None)
        trace = answered(workspace, "Tomorrow.", [GIVEN])
        verdict: Any = scorer.run(outputs=trace.data.spans[0].outputs, trace=trace)
        stub.answer = lambda system, question: '{"result": "perhaps", "rationale": "Hm."}'
        unclear: Any = scorer.run(outputs=trace.data.spans[0].outputs, trace=trace)

    sent = str(stub.requests[0]["messages"])
    assert GIVEN in sent and "Tomorrow." in sent
    assert (verdict.value, verdict.rationale) == (False, "Nothing of it.")
    assert verdict.metadata["signalbox.version"] == unclear.metadata["signalbox.version"] == "1"
    assert unclear.value is None and unclear.error is not None


@pytest.mark.parametrize(("documents", "words"), [(None, "looked nothing up"), ([], "No document was found")])
def test_without_documents_it_says_so_and_asks_no_judge(
    workspace: Workspace, documents: list[str] | None, words: str
) -> None:
    trace = answered(workspace, "Tomorrow.", documents)
    verdict = judged(workspace, trace)

    assert verdict.value is None
    assert words in verdict.error.error_message
    assert words in str(without_documents(trace))
    mlflow.log_assessment(trace.info.trace_id, verdict)
    shown = told(mlflow.get_trace(trace.info.trace_id), workspace.app.places).verdicts[0]
    assert words in str(shown.reason)


def test_an_empty_answer_is_never_grounded(workspace: Workspace) -> None:
    assert judged(workspace, answered(workspace, "", [GIVEN])).value is False


def test_it_needs_a_judge_and_no_settings(workspace: Workspace) -> None:
    assert scorers.needs_judge(SPEC)
    assert "documents" in str(scorers.describe(SPEC))
    assert scorers.save(workspace, ScorerSpec("grounded", "grounded")).version == 1
