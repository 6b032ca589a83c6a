"""The form of evaluations: what stands in the way is told before the start; what ended early can go on."""

import json

from services import evaluations, jobs, scorers
from services.evaluations import plan
from services.evaluations.table import STOPPED_TAG
from services.scorers import ScorerSpec
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.services.test_evaluations_reading import judged, kept, line


def written(shown):
    return texts(shown).replace("\\", "")


def test_answers_that_exist_are_chosen_checked_and_evaluated(screen, workspace, finish):
    for name in ("polite", "length"):
        settings = {"shortest": 1, "longest": 500} if name == "length" else {}
        scorers.save(workspace, ScorerSpec(name, name, settings))
    shown = screen("evaluations")
    shown.segmented_control(key="evaluate-source-support").set_value("traces").run()
    assert "No answer fits this choice." in written(shown) and "Choose a longer time" in written(shown)
    assert shown.button(key="start").disabled

    leave(workspace, "Where is my parcel?")
    shown.button(key="check-again").click().run()
    assert not shown.button(key="start").disabled
    assert "evaluate-large-support" not in [one.key for one in shown.number_input], (
        "only a workspace runs some elsewhere"
    )
    assert "Answers that fit: 1" in written(shown) and "free of charge" in written(shown)
    shown.multiselect(key="evaluate-scorers-support").set_value(["length"]).run()
    shown.button(key="start").click().run()
    assert not shown.exception

    job = jobs.recent(workspace, "evaluate")[0]
    assert job.args["scorers"] == ["length"] and job.args["source"]["kind"] == "traces"
    made = evaluations.get(workspace, finish(workspace, job).result["run_id"])
    assert (made.rows, list(made.scores), made.scores["length"].mean) == (1, ["length"], 1.0)


def test_of_an_endpoint_nobody_says_that_chance_alone_differs(screen, workspace):
    told = {"source": {"kind": "endpoint"}, "model_id": "", "prompt_name": "", "live": "1 (100 %)"}
    columns = [line(0, **judged("length", True))]
    old, new = (kept(workspace, columns, {"length": [1.0, 1, 1]}, told) for _ in range(2))

    shown = screen("evaluations", run=new.run_id, against=old.run_id)

    assert not shown.exception
    assert "not known which agent and prompt version" in written(shown) and "chance" not in written(shown)
    assert "do not agree" not in written(shown) and "live at its start: 1 (100 %)" in written(shown)


def test_a_cancelled_evaluation_says_how_far_it_came_and_goes_on_by_a_click(screen, workspace):
    args = {"model_id": "m-1", "prompt_version": 1, "dataset_id": "d-1", "repeats": 1, "scorers": None}
    began = jobs.submit(workspace, "evaluate", args)
    jobs.cancel(workspace, began.id)
    asked = {
        "model_id": "m-1", "prompt_name": "support", "requested_version": 1, "dataset_id": "d-1",
        "dataset_name": "Questions", "dataset_sha256": "ab", "scorers": {"length": 1}, "practice": True,
        "actor": "ada", "job_id": began.id,
    }  # fmt: skip
    told = json.dumps({"done": 12, "rows": 45})
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked), STOPPED_TAG: told}
    run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
    workspace.client.set_terminated(run_id, "KILLED")
    assert plan.read(workspace, run_id, plan.Asked("agent")) is None

    shown = screen("evaluations", run=run_id)
    assert "Cancelled after 12 of 45" in written(shown)
    shown.button(key="go-on").click().run()

    assert not shown.exception
    assert jobs.recent(workspace, "evaluate")[0].args == args | {"run_id": run_id}
