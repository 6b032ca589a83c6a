"""The noise floor: what the same version asked twice differs by is known to every verdict, on the screen and in the gate."""

from dataclasses import replace

import pytest

from services import apps, datasets, evaluations, jobs, prompts, scorers
from services.apps import Gate
from services.datasets import Row
from services.errors import NotReadyError
from services.evaluations import noise
from services.interlocks import Light, facts, gate
from services.scorers import ScorerSpec
from services.verdicts import OVERALL, VerdictSettings
from tests.services.test_evaluations_reading import judged, kept, line
from tests.services.test_interlocks import AGENT

ROWS = 40


def made(workspace, passing, **asked):
    """An evaluation of which the first `passing` rows pass."""
    rows = [line(place, **judged("short", place < passing)) for place in range(ROWS)]
    return kept(workspace, rows, {"short": [passing / ROWS, ROWS, ROWS]}, asked)


def test_two_evaluations_of_the_same_give_the_floor_of_a_comparison(workspace):
    old, twin = made(workspace, 20), made(workspace, 26)
    new = made(workspace, 29, model_id="m-2")
    others = [made(workspace, 40, repeats=2), made(workspace, 40, scorers={"short": 2})]

    found = noise.floor(workspace, (new, old), ["short"], VerdictSettings(), [twin, *others, new, old])

    assert found.sizes == {"short": pytest.approx(0.15), OVERALL: pytest.approx(0.15)}
    assert found.pairs == ((old, twin),)
    alone = noise.floor(workspace, (old, twin), ["short"], VerdictSettings(), [old, twin])
    assert alone.sizes == {}, "a comparison of the same is not measured by itself"


def test_what_cannot_be_asked_again_has_no_twin(workspace):
    outside = replace(made(workspace, 20), outside=True)
    endpoint = made(workspace, 20, source={"kind": "endpoint"}, live="")

    assert not noise.can_measure(outside) and not noise.can_measure(endpoint)
    with pytest.raises(NotReadyError, match="cannot be asked a second time"):
        noise.measure(workspace, outside)


def test_the_same_is_asked_again_only_while_it_is_the_same(workspace):
    spec = scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    dataset = datasets.create(workspace, "Questions", [Row("", "Where?")])
    args = {"model_id": "m-1", "prompt_version": 1, "dataset_id": dataset.id}
    asked = {"dataset_id": dataset.id, "dataset_sha256": datasets.snapshot(workspace, dataset.id).sha256}
    asked |= {"job_id": jobs.submit(workspace, "evaluate", args).id, "practice": workspace.settings.practice}
    old = made(workspace, 20, **asked)

    assert noise.measure(workspace, old).args == args
    with pytest.raises(NotReadyError, match="practice model"):
        noise.measure(workspace, replace(old, practice=not old.practice))
    with pytest.raises(NotReadyError, match="Other versions answer"):
        noise.measure(workspace, replace(old, source="endpoint", live="1 (100 %)"))
    scorers.save(workspace, replace(spec, settings={"shortest": 1, "longest": 400}))
    with pytest.raises(NotReadyError, match="Scorers were changed since: short"):
        noise.measure(workspace, old)
    datasets.save_rows(workspace, dataset.id, [Row("", "When?")], seen=dataset.updated_at)
    with pytest.raises(NotReadyError, match="dataset Questions was changed"):
        noise.measure(workspace, old)


def test_the_gate_calls_no_change_that_the_same_version_makes_by_itself(workspace):
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    dataset = datasets.create(workspace, "Questions", [Row("", "Where?")])
    apps.save_gate(workspace, Gate({"short": 0.1}, rows=1))
    apps.choose_dataset(workspace, dataset.id)
    place = workspace.for_app(apps.get(workspace, "support"))
    prompt = prompts.save(workspace, "support", "Hello {{company_name}}", "")
    content = {"dataset_sha256": datasets.snapshot(workspace, dataset.id).sha256, "dataset_id": dataset.id}
    made(place, 30, model_id="m-live", **content)
    made(place, 20, **content)

    def verdict():
        return facts.candidate(place, AGENT, prompt, ("m-live", 1))

    worse = verdict()
    assert worse.verdict.word == "worse" and gate.gate(worse)[0].light is Light.RED
    made(place, 18, model_id="m-live", **content)
    made(place, 30, model_id="m-live", **content)
    quiet = verdict()
    assert quiet.verdict.quiet and quiet.verdict.noise == pytest.approx(0.3)
    assert "the same version asked twice" in str(gate.gate(quiet)[0].found)
    assert evaluations.all(place)
