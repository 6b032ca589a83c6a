"""Every kind of scorer: what it gives and needs, MLflow's own ones, own judges and own code, on real traces."""

import subprocess
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import mlflow
import mlflow.genai.scorers
import pytest
from mlflow.entities import Feedback, Trace
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import Scorer

from services import monitoring, scorers
from services.errors import ForbiddenError, InvalidInputError, NotReadyError
from services.platforms import MonitoredScorer
from services.scorers import NOTHING_TO_JUDGE, ScorerSpec, catalogue, kinds, rules, suites
from services.scorers.built import turns
from services.workspace import Workspace
from tests.stub_model import StubModel, stub_model

JUDGE = {"instructions": "Rate {{ outputs }}", "answer": "yes_no", "low": 1, "high": 5, "categories": [], "passing": []}
CODE = """from mlflow.genai.scorers import scorer

@scorer
def short(outputs):
    return len(outputs) < 40

@scorer
def size(outputs):
    return float(len(outputs))

@scorer
def broken(outputs):
    raise RuntimeError("the cable is unplugged")
"""
OWN = [entry for entry in catalogue.ALL if entry.kind != "suite"]
CODE_SETTINGS = {"source": CODE, "function": "short", "gives": "pass", "low": 0, "high": 1}


def spec_of(kind: str, **settings: Any) -> ScorerSpec:
    return ScorerSpec("mine", kind, settings)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubModel]:
    with stub_model() as stub:
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        monkeypatch.setenv("OPENAI_API_KEY", "stub")
        monkeypatch.setattr("services.scorers.built.SpecScorer._reach", lambda self: None)
        yield stub


def answered(workspace: Workspace, text: str, *earlier: tuple[str, str]) -> Trace:
    """A trace as an agent leaves it, after earlier turns of the same conversation."""
    mlflow.tracing.set_destination(mlflow.entities.trace_location.MlflowExperimentLocation(workspace.app.experiment_id))
    said = [{"role": role, "content": content} for role, content in (*earlier, ("user", "And the blue one?"))]
    with mlflow.start_span("predict", span_type="AGENT") as root:
        root.set_inputs({"request": {"input": said}})
        message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        root.set_outputs({"output": [message]})
    mlflow.flush_trace_async_logging()
    return mlflow.get_trace(root.trace_id)


def judged(workspace: Workspace, spec: ScorerSpec, trace: Trace, **expected: Any) -> Any:
    root = trace.data.spans[0]
    return scorers.build(spec, workspace).run(
        inputs=root.inputs["request"], outputs=root.outputs, expectations=expected, trace=trace
    )


def test_every_built_in_scorer_of_mlflow_can_be_chosen_and_built(workspace: Workspace) -> None:
    module = mlflow.genai.scorers
    offered = {getattr(module, name) for name in module.__all__}
    classes = {one.__name__ for one in offered if isinstance(one, type) and issubclass(one, Scorer)} - {"Scorer"}

    assert len(classes) >= 24
    assert classes <= {entry.mlflow for entry in catalogue.ALL}
    for entry in OWN:
        spec = ScorerSpec("mine", entry.kind, entry.settings | {"guidelines": ["Be right."]})
        assert isinstance(scorers.build(spec, workspace), Scorer)
        assert str(scorers.describe(spec)).strip()


def test_a_scorer_says_what_it_gives_and_on_which_scale() -> None:
    number = ScorerSpec("mine", "judge", JUDGE | {"answer": "number"})

    assert (scorers.kind_of_value(number), scorers.scale(number)) == ("number", (1.0, 5.0))
    assert scorers.scale(spec_of("similarity")) == (0.0, 1.0)
    assert scorers.kind_of_value(spec_of("builtin", scorer="RetrievalRelevance")) == "number"
    assert scorers.kind_of_value(spec_of("polite")) == "pass" and scorers.scale(spec_of("polite")) is None


@pytest.mark.parametrize(
    ("kind", "typed", "answer", "passed", "why"),
    [
        ("mentions", {"must": ["Acme", "parcel"], "must_not": []}, "Acme's PARCEL", True, "all 2"),
        ("mentions", {"must": [], "must_not": ["rival"]}, "Acme", True, "nothing that it must not"),
        ("mentions", {"must": ["Acme"], "must_not": ["rival"]}, "Acme, no Rival", False, "“rival”, which it must not"),
        ("pattern", {"pattern": "ORDER-[0-9]{3}"}, "It is ORDER-123.", True, "fits"),
        ("pattern", {"pattern": "ORDER-[0-9]{3}", "whole": True}, "It is ORDER-123.", False, "does not fit"),
        ("pattern", {"pattern": "order", "ignore_case": True, "forbidden": True}, "ORDER", False, "fits"),
        ("language", {"language": "same"}, "Thank you", False, "English instead of Japanese"),
        ("language", {"language": "en"}, "Thank you", True, "English"),
        ("json_schema", {"fields": [{"name": "id", "type": "integer", "required": True}]}, '{"id": 3}', True, "wanted"),
        ("json_schema", {"fields": [{"name": "id", "type": "integer", "required": True}]}, "{}", False, "lacks “id”"),
        ("json_schema", {"schema": '{"type": "array"}'}, "```json\n[1]\n```", True, "wanted form"),
        ("json_schema", {"schema": '{"type": "array"}'}, "certainly!", False, "not JSON"),
        ("json_schema", {"schema": '{"type": "array"}'}, "[" * 100_000, False, "not JSON"),
        ("json_schema", {"schema": '{"items": {"$ref": "#"}}'}, "[" * 600 + "]" * 600, False, "too deeply"),
    ],
)
def test_code_checks_decide_and_say_why(
    workspace: Workspace, kind: str, typed: dict[str, Any], answer: str, passed: bool, why: str
) -> None:
    given = scorers.build(spec_of(kind, **typed), workspace).run(inputs={"input": "青いのは？"}, outputs=answer)

    assert given.value is passed and why in given.rationale


def test_a_pattern_takes_bounded_time_whatever_it_is(workspace: Workspace) -> None:
    begun = time.monotonic()
    given = scorers.build(spec_of("pattern", pattern="^(a+)+$"), workspace).run(outputs="a" * 5000 + "!")
    nested = '{"type": "string", "pattern": "^(a+)+$"}'
    scorers.build(spec_of("json_schema", schema=nested), workspace).run(outputs='"' + "a" * 5000 + '!"')

    assert given.value is False and time.monotonic() - begun < 3


def test_similarity_is_a_number_and_without_an_expected_answer_nothing() -> None:
    # By hand: 1-grams 4 of 5 and 4 of 4, 2-grams 3/4 and 3/3, 3: 2/3 and 2/2, 4: 1/2 and 1/1.
    assert rules.similarity("abcde", "abcd").value == pytest.approx(5 * 0.67917 / (4 * 0.67917 + 1), abs=1e-3)
    assert rules.similarity("An order", "AN ORDER").value == 1 and rules.similarity("abc", "xyz").value == 0


def test_what_cannot_be_judged_is_no_failure_of_the_scorer(workspace: Workspace, model: StubModel) -> None:
    trace = answered(workspace, "It comes on Monday.")
    for entry in OWN:
        if entry.needs.expected or entry.needs.session or entry.needs.documents or entry.needs.tools:
            spec = ScorerSpec("mine", entry.kind, entry.settings | {"guidelines": ["Be right."]})
            assert judged(workspace, spec, trace).error.error_code in NOTHING_TO_JUDGE, entry.id
    assert model.requests == []
    model.status = 400
    with pytest.raises(Exception, match="stubbed failure"):
        judged(workspace, spec_of("builtin", scorer="Safety"), trace)


def test_mlflows_verdict_is_read_and_the_expected_answer_sent(workspace: Workspace, model: StubModel) -> None:
    model.answer = lambda system, question: '{"result": "no", "rationale": "It says Tuesday."}'
    trace = answered(workspace, "It comes on Tuesday.")

    given = judged(workspace, spec_of("builtin", scorer="Correctness"), trace, expected_response="On Monday.")

    assert (given.value, given.rationale) == (False, "It says Tuesday.")
    assert "On Monday." in str(model.requests[0]["messages"]) and "And the blue one?" in str(model.requests)
    model.answer = lambda system, question: '{"result": "perhaps", "rationale": "Hm."}'
    for spec in (spec_of("builtin", scorer="Safety"), spec_of("guidelines", guidelines=["Be right."])):
        unclear = judged(workspace, spec, trace)
        assert unclear.value is None and unclear.error.error_code not in NOTHING_TO_JUDGE
        assert unclear.metadata["signalbox.version"] == str(spec.version)


@pytest.mark.parametrize("name", ["ConversationCompleteness", "UserFrustration", "KnowledgeRetention"])
def test_a_conversation_is_judged_whole(workspace: Workspace, model: StubModel, name: str) -> None:
    result = "none" if name == "UserFrustration" else "yes"
    model.answer = lambda system, question: f'{{"result": "{result}", "rationale": "Fine."}}'
    trace = answered(workspace, "The blue one too.", ("user", "Is the red one there?"), ("assistant", "Yes, it is."))

    given = judged(workspace, spec_of("builtin", scorer=name), trace)

    assert given.value is True
    sent = str(model.requests[-1]["messages"])
    assert all(words in sent for words in ("Is the red one there?", "Yes, it is.", "The blue one too."))


@pytest.mark.parametrize(
    ("typed", "result", "value"),
    [
        ({}, '"yes"', True),
        ({"answer": "number"}, "4", 4.0),
        ({"answer": "number"}, "9", None),
        ({"answer": "categories", "categories": ["good", "poor"], "passing": ["good"]}, '"poor"', False),
    ],
)
def test_an_own_judge_answers_as_it_was_asked_to(
    workspace: Workspace, model: StubModel, typed: dict[str, Any], result: str, value: object
) -> None:
    model.answer = lambda system, question: f'{{"result": {result}, "rationale": "So."}}'
    given = judged(workspace, ScorerSpec("mine", "judge", JUDGE | typed), answered(workspace, "On Monday."))

    assert given.value == value and (given.error is None) is (value is not None)
    assert "On Monday." in str(model.requests[0]["messages"])


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("judge", JUDGE | {"instructions": "Is it good?"}, "do not say what is judged"),
        ("judge", JUDGE | {"instructions": "{{ reply }}"}, "cannot be given"),
        ("judge", JUDGE | {"instructions": "{{ conversation }} {{ outputs }}"}, "whole conversation only"),
        ("judge", JUDGE | {"answer": "categories", "categories": ["a", "b"], "passing": ["c"]}, "must pass"),
        ("judge", JUDGE | {"answer": "number", "low": 5, "high": 5}, "lowest number"),
        ("pattern", {"pattern": "(?=a)b"}, "cannot be used"),
        ("json_schema", {"fields": [], "schema": '{"type": 3}'}, "cannot be used"),
        ("json_schema", {"schema": '{"properties": {"a": {"$ref": "#/$defs/gone"}}}'}, "cannot be used"),
        ("json_schema", {"schema": '{"items": {"$ref": "http://127.0.0.1:9/other.json"}}'}, "cannot be used"),
        ("json_schema", {"schema": '{"$defs": {"a": {"$ref": "#/$defs/a"}}}'}, "cannot be used"),
        ("code", CODE_SETTINGS | {"function": "gone"}, "no function “gone”"),
        ("code", CODE_SETTINGS | {"source": "def ("}, "cannot be read as Python"),
        ("builtin", {"scorer": "Nothing"}, "no kind of scorer"),
    ],
)
def test_what_could_not_judge_is_refused_before_it_is_kept(
    workspace: Workspace, kind: str, typed: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        scorers.save(workspace, ScorerSpec("mine", kind, typed))


@pytest.mark.parametrize("typed", ["def (", "x = '\0'", "-" * 5_000 + "1"])
def test_code_that_is_still_being_typed_needs_nothing_yet(typed: str) -> None:
    assert not kinds.needs(ScorerSpec("mine", "code", CODE_SETTINGS | {"source": typed})).expected


def test_own_code_is_kept_by_engineers_and_runs_at_its_first_verdict(workspace: Workspace, tmp_path: Any) -> None:
    marker = tmp_path / "ran"
    source = f"open({str(marker)!r}, 'w').close()\n{CODE}"
    spec = scorers.save(workspace, ScorerSpec("mine", "code", CODE_SETTINGS | {"source": source}))
    built = scorers.build(spec, workspace)
    assert not marker.exists()

    assert built.run(outputs="short").value is True and marker.exists()
    size = ScorerSpec("mine", "code", CODE_SETTINGS | {"function": "size", "gives": "number", "high": 10})
    assert scorers.build(size, workspace).run(outputs="four").value == 4.0
    assert scorers.build(size, workspace).run(outputs="x" * 11).error.error_code == "UNCLEAR_VERDICT"
    with pytest.raises(RuntimeError, match="unplugged"):
        scorers.build(ScorerSpec("mine", "code", CODE_SETTINGS | {"function": "broken"}), workspace).run(outputs="x")


def test_live_answers_are_judged_by_the_same_scorer(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs more than a live answer is left out with its reason."""
    same = scorers.save(workspace, spec_of("mentions", must=["Monday"], must_not=[]))
    near = scorers.save(workspace, ScorerSpec("near", "similarity"))
    assert "no expected answer" in str(scorers.not_in_production(near)) and scorers.not_in_production(same) is None
    trace = answered(workspace, "It comes on Monday.")
    running = [MonitoredScorer(one.name, one.version, 1.0, True) for one in (same, near)]
    workspace.platform.scoring.apply(workspace, running)

    class Quiet:
        args: dict[str, Any] = {}
        checkpoint: dict[str, Any] = {}

        def progress(self, *told: object) -> None: ...
        def save(self, checkpoint: dict[str, Any]) -> None: ...

    monkeypatch.setattr("services.monitoring.scoring.SECONDS_TO_TAGS", 0)
    assert monitoring.score_live(workspace, Quiet()) == {"scored": 1, "traces": 1}  # type: ignore[arg-type]  # no worker

    live = list(mlflow.get_trace(trace.info.trace_id).info.assessments)
    offline = judged(workspace, scorers.at(workspace, "mine", same.version), trace)
    assert [(one.name, one.value, one.rationale) for one in live] == [("mine", offline.value, offline.rationale)]
    assert live[0].metadata["signalbox.version"] == offline.metadata["signalbox.version"] == "1"


def test_a_plain_script_can_still_list_the_stores_scorers(workspace: Workspace) -> None:
    for spec in (spec_of("polite"), ScorerSpec("code", "code", CODE_SETTINGS), ScorerSpec("own", "judge", JUDGE)):
        scorers.build(scorers.save(workspace, spec), workspace)
    script = f"from mlflow.genai.scorers import list_scorers; print(list_scorers(experiment_id={workspace.app.experiment_id!r}))"
    environ = {"MLFLOW_TRACKING_URI": workspace.settings.tracking_uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    listed = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=120)

    assert listed.stdout.strip() == "[]", listed.stderr


def test_the_messages_of_a_request_are_read_in_every_shape() -> None:
    parts = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}
    assert turns(parts) == turns("Hi") == [{"role": "user", "content": "Hi"}]


def test_code_needs_an_admin(workspace: Workspace) -> None:
    from dataclasses import replace

    author = replace(workspace, actor=replace(workspace.actor, roles=frozenset({"author"})))
    with pytest.raises(ForbiddenError):
        scorers.save(author, ScorerSpec("mine", "code", CODE_SETTINGS))


def test_a_suite_is_asked_for_before_its_metric_is_kept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = ScorerSpec("faithful", "suite", {"scorer": "deepeval.Faithfulness", "threshold": 0.7})
    monkeypatch.setattr(suites.Suite, "installed", False)

    with pytest.raises(NotReadyError, match="pip install -U deepeval"):
        scorers.save(workspace, metric)
    assert "not installed" in str(scorers.not_in_production(metric))
    with pytest.raises(NotReadyError):
        scorers.build(metric, workspace)


def test_a_suites_metric_is_given_what_its_bridge_looks_for(
    workspace: Workspace, model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bridge alone is a stand-in here; the real suites are large."""
    asked: dict[str, Any] = {}

    class Bridge(ModuleType):
        @staticmethod
        def get_scorer(metric: str, **settings: Any) -> Any:
            if metric == "Toxicity":
                raise MlflowException("Unknown metric")
            asked.update(settings, metric=metric)
            return lambda **given: asked.update(given) or Feedback(name=metric, value="yes", rationale="It is.")

    monkeypatch.setitem(sys.modules, "mlflow.genai.scorers.deepeval", Bridge("deepeval"))
    monkeypatch.setattr(suites.Suite, "installed", True)
    monkeypatch.setattr(suites.Suite, "version", "4.0")
    trace = answered(workspace, "It comes on Monday.")

    verdict = judged(workspace, spec_of("suite", scorer="deepeval.AnswerRelevancy", threshold=0.7), trace)

    assert (verdict.name, verdict.value, verdict.rationale) == ("mine", True, "It is.")
    assert (asked["metric"], asked["threshold"], asked["inputs"]) == ("AnswerRelevancy", 0.7, "And the blue one?")
    assert asked["outputs"] == "It comes on Monday." and asked["expectations"] is None and asked["trace"] is None
    with pytest.raises(NotReadyError, match="does not fit"):
        scorers.build(spec_of("suite", scorer="deepeval.Toxicity", threshold=0.7), workspace)
