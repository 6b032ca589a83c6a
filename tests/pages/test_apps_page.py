"""Apps: settings, gate, new, archive."""

import time

import mlflow

from services import apps, readmodel, releases
from services.apps import AppForm
from services.interlocks import Finding, Light
from services.messages import Message
from services.scorers import ScorerSpec
from services.scorers import save as save_scorer
from tests.pages.conftest import texts


def test_saving_settings_keeps_them(screen, workspace):
    shown = screen("apps")
    shown.text_input(key="edit-support-company").set_value("Beta")
    shown.button(key="save-app").click().run()
    assert not shown.exception
    assert apps.get(workspace, "support").company == "Beta"


def test_a_wrong_name_is_explained(screen, workspace):
    shown = screen("apps")
    shown.text_input(key="edit-support-endpoint").set_value("Not A Name")
    shown.button(key="save-app").click().run()
    assert "cannot be an endpoint's name" in texts(shown).replace("\\", "")
    assert apps.get(workspace, "support").endpoint == "support"


def test_a_new_app_is_chosen_at_once(screen, workspace):
    shown = screen("apps", view="new")
    for name, value in (("name", "請求"), ("id", "billing"), ("endpoint", "billing"), ("company", "Acme")):
        shown.text_input(key=f"new-0-{name}").set_value(value)
    shown.button(key="create-app").click().run()
    assert not shown.exception
    assert apps.get(workspace, "billing").name == "請求"
    assert shown.session_state["app"] == "billing"
    assert shown.text_input(key="new-1-name").value == ""


def test_an_endpoint_without_a_name_gets_the_short_name(screen, workspace):
    shown = screen("apps", view="new")
    shown.button(key="create-app").click().run()
    told = texts(shown)
    assert "The app has no short name" in told and "endpoint's name" not in told
    for name, value in (("name", "Billing"), ("id", "billing")):
        shown.text_input(key=f"new-0-{name}").set_value(value).run()
    assert shown.text_input(key="new-0-endpoint").placeholder == "billing"
    shown.button(key="create-app").click().run()
    assert apps.get(workspace, "billing").endpoint == "billing"


def test_a_tab_is_drawn_when_it_is_opened_and_keeps_what_was_typed(screen):
    shown = screen("apps")
    shown.text_input(key="edit-support-company").set_value("Typed, not saved").run()
    assert "save-gate" not in {one.key for one in shown.button} and "Fewest" not in texts(shown)
    shown.query_params["view"] = "environments"
    shown.run()
    assert shown.button(key="save-environment").label == "Save the environment"
    assert shown.text_input(key="edit-support-company").value == "Typed, not saved"


def test_the_address_names_the_environment(screen):
    shown = screen("apps", view="environments", environment="staging")
    assert shown.radio(key="environment-stage/support").value == "staging"
    assert (
        screen("apps", view="environments", environment="moon").radio(key="environment-stage/support").value
        == "production"
    )


def test_a_double_click_creates_one_app_and_chooses_it(screen, workspace):
    shown = screen("apps", view="new")
    for name, value in (("name", "Billing"), ("id", "billing"), ("endpoint", "billing")):
        shown.text_input(key=f"new-0-{name}").set_value(value)
    form = AppForm("billing", "Billing", "", workspace.settings.model, "billing")
    apps.create(workspace, form)  # what the first click did before the second one cut it off
    shown.button(key="create-app").click().run()
    assert shown.session_state["app"] == "billing"
    assert "already an app" not in texts(shown)
    assert sorted(app.id for app in apps.all(workspace)) == ["billing", "support"]


def test_every_wrong_field_says_so_and_nothing_is_created(screen, workspace):
    shown = screen("apps", view="new")
    for name, value in (("id", "support"), ("endpoint", "Not A Name")):
        shown.text_input(key=f"new-0-{name}").set_value(value)
    shown.button(key="create-app").click().run()
    told = texts(shown).replace("\\", "")
    assert "The app has no name" in told
    assert "already an app with the short name “support”" in told
    assert "“Not A Name” cannot be an endpoint's name" in told
    assert "Nothing was saved" in told
    assert [app.id for app in apps.all(workspace)] == ["support"]
    shown.text_input(key="new-0-name").set_value("Billing").run()
    assert "The app has no name" not in texts(shown)


def test_the_gate_is_set_by_sliders(screen, workspace):
    save_scorer(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 100}, 0))
    shown = screen("apps", view="gate")
    shown.slider(key="gate-support-short").set_value(85)
    shown.button(key="save-gate").click().run()
    assert apps.get(workspace, "support").gate.minimum == {"short": 0.85}


def test_every_rule_of_the_gate_is_set_by_form_and_kept(screen, workspace):
    save_scorer(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 100}, 0))
    shown = screen("apps", view="gate")
    shown.slider(key="gate-support-short").set_value(85)
    for name, value in (("judged-support-short", 7), ("cost-support-USD-1", 0.01), ("seconds-support", 4.5)):
        shown.number_input(key=f"gate-{name}").set_value(value)
    shown.radio(key="gate-critical-support").set_value("all")
    shown.radio(key="gate-verdict-support").set_value("within").run()
    shown.number_input(key="gate-margin-support").set_value(2.0)
    shown.button(key="save-gate").click().run()

    gate = apps.get(workspace, "support").gate
    assert gate == apps.Gate({"short": 0.85}, 1, {"short": 7}, {}, "all", "within", 0.02, 0.01, 4.5)
    told = texts(shown).replace("\\", "")
    assert "Version 2" in told and "ada" in told and "95 of 100 answers within 4.5 seconds" in told
    shown.number_input(key="gate-cost-support-USD-1").set_value(0.0)
    shown.button(key="save-gate").click().run()
    assert "must be above 0" in texts(shown) and apps.get(workspace, "support").gate == gate


def test_a_minimum_of_another_scale_must_be_set_anew(screen, workspace):
    rating = {
        "instructions": "Rate {{ outputs }}",
        "answer": "number",
        "low": 1,
        "high": 5,
        "categories": [],
        "passing": [],
    }
    apps.save_gate(workspace, apps.Gate({"short": 0.9}, rows=1))
    save_scorer(workspace, ScorerSpec("short", "judge", rating, 0))

    shown = screen("apps", view="gate")

    assert not shown.exception and shown.number_input(key="gate-support-short").value is None
    apps.save_gate(workspace, apps.Gate({"short": 4}, rows=1, scales={"short": (1, 5)}))
    assert screen("apps", view="gate").number_input(key="gate-support-short").value == 4


def test_an_archived_app_can_be_brought_back(screen, workspace):
    shown = screen("apps")
    shown.button(key="archive").click().run()
    assert apps.all(workspace) == []
    shown.query_params["view"] = "archived"
    shown.run().button(key="restore-support").click().run()
    assert [app.id for app in apps.all(workspace)] == ["support"]


def test_where_question_and_answer_are_is_chosen_among_what_traces_hold(screen, workspace):
    for ago, query in enumerate(("荷物は？", "Where is it?")):
        given, began = {"payload": {"query": query}}, time.time_ns() - ago * 10**9
        span = mlflow.start_span_no_context(
            "handle", inputs=given, start_time_ns=began, experiment_id=workspace.app.experiment_id
        )
        span.end(outputs={"result": {"parts": [{"text": f"About {query}"}]}})
    mlflow.flush_trace_async_logging()
    readmodel.catch_up(workspace, 60)

    shown = screen("apps")
    question, answer = (shown.selectbox(key=f"edit-support-{name}") for name in ("question", "answer"))
    assert question.options == ["Found by itself", "payload › query: “荷物は？” (2 of 2)"]
    assert "read again" not in texts(shown)
    question.set_value("$.payload.query")
    answer.set_value("$.result.parts[*].text").run()
    assert "the 2 traces read again" in texts(shown)
    [read] = [one.value for one in shown.dataframe if list(one.value) == ["Question", "Answer"]]
    assert [list(row) for row in read.to_numpy()] == [
        ["荷物は？", "About 荷物は？"],
        ["Where is it?", "About Where is it?"],
    ]
    shown.button(key="save-app").click().run()
    assert not shown.exception and "read again" not in texts(shown)
    assert apps.get(workspace, "support").places == apps.Places("$.payload.query", "$.result.parts[*].text")


def test_a_new_app_reads_an_adopted_experiment_where_its_form_says(screen, workspace):
    experiment_id = workspace.client.create_experiment("desk", (workspace.settings.home / "desk").as_uri())
    span = mlflow.start_span_no_context(
        "handle", inputs={"payload": {"query": "荷物は？"}}, experiment_id=experiment_id
    )
    span.end(outputs={"result": {"text": "About it"}})
    mlflow.flush_trace_async_logging()

    shown = screen("apps", view="new")
    shown.selectbox(key="new-0-adopt").set_value(experiment_id).run()
    for name, value in (("name", "Desk"), ("id", "desk"), ("endpoint", "desk")):
        shown.text_input(key=f"new-0-{name}").set_value(value)
    shown.selectbox(key="new-0-question").set_value("$.payload.query")
    shown.selectbox(key="new-0-answer").set_value("$.result.text").run()
    assert ["荷物は？", "About it"] in [list(row) for one in shown.dataframe for row in one.value.to_numpy()]
    shown.button(key="create-app").click().run()
    assert not shown.exception
    made = apps.get(workspace, "desk")
    assert (made.experiment_id, made.places) == (experiment_id, apps.Places("$.payload.query", "$.result.text"))


def test_a_place_is_typed_where_no_trace_shows_one(screen, workspace):
    shown = screen("apps")
    shown.text_input(key="edit-support-question").set_value("payload.query")
    shown.button(key="save-app").click().run()
    assert "is not the way to a place in a trace" in texts(shown)
    shown.text_input(key="edit-support-question").set_value("$.payload.query")
    shown.button(key="save-app").click().run()
    assert apps.get(workspace, "support").places == apps.Places("$.payload.query", "")


def test_the_gate_tells_what_critical_questions_caught(screen, workspace):
    save_scorer(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 100}, 0))
    assert "No release was held" in texts(screen("apps", view="gate"))
    why, failing = Message("Why"), {"r-1": "Where is *it*?"}
    held = Finding(2, Message("Gate"), Light.RED, Message("Found"), why, why, critical=failing)
    releases.catches.note(workspace, {"release": 7}, [held], "run-1")

    told = texts(screen("apps", view="gate")).replace("\\", "")
    assert "They held 1 release" in told and "Where is *it*?" in told
