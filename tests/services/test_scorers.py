"""Scorers: settings in versions, built as MLflow scorers that say why, never registered in the store."""

from dataclasses import replace
from typing import Any

import pytest
from mlflow.genai.scorers import Scorer

from services import audit, monitoring, scorers
from services.errors import ConflictError, InvalidInputError, NotFoundError, PlatformError
from services.platforms import MonitoredScorer
from services.scorers import ScorerSpec, catalogue, forms
from services.workspace import Workspace
from tests.stub_model import stub_model

ANSWER = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Thank you for asking Acme."}]}]}
SPECS = [
    ScorerSpec("length", "length", {"shortest": 5, "longest": 30}),
    ScorerSpec("mentions company", "mentions", {"phrase": "{{company_name}}"}),
    ScorerSpec("polite", "polite"),
    ScorerSpec("safe", "word_list"),
]


def test_every_change_makes_a_new_version(workspace: Workspace) -> None:
    first = scorers.save(workspace, SPECS[0])
    second = scorers.save(workspace, ScorerSpec("length", "length", {"shortest": 1, "longest": 9}))

    assert (first.version, second.version) == (1, 2)
    assert scorers.all(workspace) == [second]
    assert scorers.at(workspace, "length", 1) == first


def test_two_scorers_saved_at_the_same_moment_both_stay(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    change, others = audit.change, [SPECS[0], SPECS[2]]

    def after_another(*args: Any, **kwargs: Any) -> Any:
        """Somebody else saves after the list was read and before it is written."""
        if others:
            scorers.save(workspace, others.pop())
        return change(*args, **kwargs)

    monkeypatch.setattr(audit, "change", after_another)
    scorers.save(workspace, SPECS[3])
    assert {one.name for one in scorers.all(workspace)} == {"length", "polite", "safe"}

    others = [ScorerSpec("length", "length", {"shortest": 2, "longest": 9})]
    assert scorers.save(workspace, SPECS[0]).version == 3
    others = [SPECS[1]]
    scorers.remove(workspace, "length")
    assert {one.name for one in scorers.all(workspace)} == {"mentions company", "polite", "safe"}


def test_a_removed_scorer_stays_readable(workspace: Workspace) -> None:
    for spec in SPECS:
        scorers.save(workspace, spec)

    scorers.remove(workspace, "polite")

    assert [one.name for one in scorers.all(workspace)] == ["length", "mentions company", "safe"]
    assert scorers.at(workspace, "polite", 1).kind == "polite"
    assert scorers.save(workspace, SPECS[2]).version == 2
    with pytest.raises(NotFoundError):
        scorers.remove(workspace, "unknown")


def test_a_scorer_that_judges_production_is_stopped_before_it_is_removed(workspace: Workspace) -> None:
    made = scorers.save(workspace, ScorerSpec("polite", "polite"))
    watching = MonitoredScorer(made.name, made.version, 1.0, True)
    monitoring.save_scorers(workspace, [watching])
    with pytest.raises(ConflictError, match="judges answers now"):
        scorers.remove(workspace, "polite")
    monitoring.save_scorers(workspace, [replace(watching, running=False)])
    scorers.remove(workspace, "polite")
    assert scorers.all(workspace) == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_a_built_scorer_is_mlflows_and_says_why(workspace: Workspace, spec: ScorerSpec) -> None:
    built = scorers.build(spec, workspace)

    assert isinstance(built, Scorer)
    for outputs in (ANSWER, "Thank you for asking Acme."):
        feedback = built.run(inputs={}, outputs=outputs)
        assert feedback.value is True
        assert feedback.name == spec.name and feedback.rationale


@pytest.mark.parametrize("outputs", [None, "", {}, {"output": []}, {"output": [{"type": "reasoning"}]}])
def test_no_answer_is_never_good(workspace: Workspace, outputs: object) -> None:
    for spec in SPECS[:3]:
        assert scorers.build(spec, workspace).run(outputs=outputs).value is False


def test_the_word_list_is_called_a_word_list(workspace: Workspace) -> None:
    feedback = scorers.build(SPECS[3], workspace).run(outputs="You idiot.")

    assert feedback.value is False and "word list" in feedback.rationale
    assert "Word list" in str(scorers.describe(SPECS[3]))


def test_every_kind_is_described_in_words() -> None:
    for spec in [*SPECS, ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]})]:
        assert str(scorers.describe(spec)).strip()


def test_only_guidelines_and_documents_need_a_judge() -> None:
    assert not any(scorers.needs_judge(spec) for spec in SPECS)
    assert scorers.needs_judge(ScorerSpec("right", "guidelines", {"guidelines": ["Be right."]}))


@pytest.mark.parametrize(
    "spec",
    [
        ScorerSpec("", "polite"),
        ScorerSpec("a/b", "polite"),
        ScorerSpec("x" * 41, "polite"),
        ScorerSpec("state", "polite"),
        ScorerSpec("polite.reason", "polite"),
        ScorerSpec("polite.rationale", "polite"),
        ScorerSpec("x", "unknown"),
        ScorerSpec("x", "length", {"shortest": 9, "longest": 1}),
        ScorerSpec("x", "mentions", {"phrase": " "}),
        ScorerSpec("x", "guidelines", {"guidelines": ["", " "]}),
    ],
)
def test_what_makes_no_sense_is_refused(workspace: Workspace, spec: ScorerSpec) -> None:
    with pytest.raises(InvalidInputError):
        scorers.save(workspace, spec)


def test_a_dead_judge_is_found_in_seconds(environ: dict[str, str], request: pytest.FixtureRequest) -> None:
    with stub_model() as model:
        environ |= {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "key"}
        workspace = request.getfixturevalue("workspace")
        scorers.check_judge(workspace)
        model.status = 500
        with pytest.raises(PlatformError, match="judge"):
            scorers.check_judge(workspace)


def test_nothing_is_registered_in_the_store(workspace: Workspace) -> None:
    from mlflow.genai.scorers import list_scorers

    for spec in SPECS:
        scorers.build(scorers.save(workspace, spec), workspace).run(outputs=ANSWER)

    assert list_scorers(experiment_id=workspace.app.experiment_id) == []


def test_the_names_that_are_proposed_can_be_kept(workspace: Workspace) -> None:
    proposed = {entry.id: forms.free_name(workspace, entry) for entry in catalogue.ALL}
    for name in filter(None, proposed.values()):
        forms.check_name(workspace, name)
    assert (proposed["RelevanceToQuery"], proposed["guidelines"]) == ("answers the question", "")
