"""Apps: created, adopted, kept apart."""

from dataclasses import replace

import pytest

from services import apps, audit
from services.apps import AppForm, Gate
from services.audit import Verb
from services.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from services.people import Actor, Role
from tests.standing import stand

FORM = AppForm(id="billing", name="請求", company="Acme", model="practice", endpoint="billing")


def test_a_created_app_has_an_experiment_with_absolute_folder(bare_workspace):
    app = apps.create(bare_workspace, FORM)
    experiment = bare_workspace.client.get_experiment(app.experiment_id)
    assert experiment.artifact_location == (bare_workspace.settings.home / "artifacts" / "billing").as_uri()
    assert app.name == "請求" and app.variables == {"company_name": "Acme"}


def test_an_adopted_experiment_is_no_longer_offered(bare_workspace):
    id = bare_workspace.client.create_experiment("notebook")
    assert id in {one.id for one in apps.unused_experiments(bare_workspace)}
    assert apps.adopt(bare_workspace, FORM, id).experiment_id == id
    assert id not in {one.id for one in apps.unused_experiments(bare_workspace)}
    with pytest.raises(ConflictError):
        apps.adopt(bare_workspace, replace(FORM, id="other"), id)


def test_the_same_short_name_is_refused(bare_workspace):
    apps.create(bare_workspace, FORM)
    with pytest.raises(ConflictError):
        apps.create(bare_workspace, FORM)


@pytest.mark.parametrize(
    "wrong",
    [{"id": "Ä"}, {"id": ""}, {"name": " "}, {"endpoint": "a/b"}, {"time_zone": "Mars"}, {"constants": {"a-b": "x"}}],
)
def test_a_wrong_form_creates_nothing(bare_workspace, wrong):
    with pytest.raises(InvalidInputError):
        apps.create(bare_workspace, replace(FORM, **wrong))
    assert apps.all(bare_workspace) == []


def test_settings_are_kept_version_by_version(workspace):
    form = replace(apps.form_of(workspace.app), company="Beta", smoke_questions=("One?", "Two?"))
    app = apps.save(workspace, form)
    assert (app.company, app.smoke_questions, app.id) == ("Beta", ("One?", "Two?"), "support")
    assert apps.save_setting(workspace, "app", {}) == 3


def test_a_list_that_somebody_else_changed_meanwhile_is_not_written_over(workspace):
    assert apps.load_version(workspace, "marks") == (0, None)
    assert apps.save_setting(workspace, "marks", ["a"], 0) == 1
    with pytest.raises(ConflictError) as refused:
        apps.save_setting(workspace, "marks", ["b"], 0)
    assert refused.value.remedy
    assert apps.load_version(workspace, "marks") == (1, ["a"])


def test_the_gate_is_stored_and_checked(workspace):
    apps.save_gate(workspace, Gate({"polite": 0.9}, rows=40))
    assert apps.get(workspace, "support").gate == Gate({"polite": 0.9}, rows=40)
    with pytest.raises(InvalidInputError):
        apps.save_gate(workspace, Gate({"polite": 90}, rows=40))


def test_every_version_of_the_gate_is_kept_with_its_author(workspace):
    full = Gate(
        {"polite": 0.9, "helpful": 3.5}, 40, {"polite": 30}, {"helpful": (1, 5)}, "all", "within", 0.02, 0.01, 5
    )
    apps.save_gate(workspace, full)

    newest, first = apps.gate_history(workspace)
    assert (newest.version, newest.gate, newest.actor) == (2, full, "ada")
    assert (first.version, first.gate) == (1, Gate({}, rows=1)) and first.at <= newest.at
    changes = [one for one in audit.about(workspace, "support", Verb.SAVE_GATE) if one.before]
    assert (changes[0].before["rows"], changes[0].after["cost"]) == (1, 0.01)


def test_a_gate_stored_by_an_earlier_version_still_loads(workspace):
    apps.save_setting(workspace, "gate", {"minimum": {"polite": 0.8}, "rows": 30})
    assert apps.get(workspace, "support").gate == Gate({"polite": 0.8}, rows=30)


@pytest.mark.parametrize(
    "wrong",
    [{"margin": 0.0}, {"verdict": "maybe"}, {"cost": -1.0}, {"seconds": float("nan")}, {"judged": {"polite": -1}}],
)
def test_a_gate_that_cannot_work_is_refused(workspace, wrong):
    with pytest.raises(InvalidInputError):
        apps.save_gate(workspace, Gate({"polite": 0.9}, **wrong))
    assert apps.get(workspace, "support").gate == Gate({}, rows=1)


def test_an_archived_app_leaves_the_list_and_returns(workspace):
    apps.archive(workspace)
    assert apps.all(workspace) == [] and [app.id for app in apps.all(workspace, archived=True)] == ["support"]
    apps.archive(workspace, False)
    assert [app.id for app in apps.all(workspace)] == ["support"]


def test_a_viewer_creates_nothing(bare_workspace):
    viewer = replace(bare_workspace, actor=Actor("bob", frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        apps.create(viewer, FORM)
    with pytest.raises(NotFoundError):
        apps.get(bare_workspace, "billing")


def test_an_endpoint_that_answers_people_keeps_its_name(workspace):
    form = replace(apps.form_of(workspace.app), endpoint="helpdesk", company="Beta")
    stand(workspace, 1, "m-1", weight=100)
    with pytest.raises(ConflictError, match="support answers people now"):
        apps.save(workspace, form)
    assert apps.get(workspace, "support") == workspace.app
    assert apps.save(workspace, replace(form, endpoint="support")).company == "Beta"


def test_an_endpoint_without_traffic_can_be_renamed(workspace):
    stand(workspace, 1, "m-1", weight=0)
    form = replace(apps.form_of(workspace.app), endpoint="helpdesk")
    assert apps.save(workspace, form).endpoint == "helpdesk"
