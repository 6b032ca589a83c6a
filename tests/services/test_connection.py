"""What the console is connected to, and where it keeps things."""

import json
from dataclasses import replace

import pytest

from services import apps, audit, connection, database, people
from services import settings as settings_module
from services.apps import AppForm
from services.apps.experiments import own_experiment
from services.connection import Light, Place, privileges
from services.errors import ConflictError, ForbiddenError, InvalidInputError, NotReadyError
from services.platforms.databricks.reach import Identity
from services.platforms.databricks.rest import Rest
from services.workspace import Workspace, connect


def test_a_chosen_place_is_kept_and_audited(bare_workspace):
    with pytest.raises(NotReadyError, match="catalog"):
        connection.chosen_place(bare_workspace)
    connection.save_place(bare_workspace, Place(catalog="acme", schema="llmops"))
    assert connection.chosen_place(bare_workspace).full_schema == "acme.llmops"
    assert audit.events(bare_workspace)[0].after["catalog"] == "acme"


def test_what_the_environment_decides_stays(bare_workspace):
    decided = replace(bare_workspace.settings, place=Place(catalog="main"))
    workspace = replace(bare_workspace, platform=replace(bare_workspace.platform, settings=decided))
    connection.save_place(workspace, Place(catalog="other", schema="llmops"))
    assert connection.place(workspace) == Place(catalog="main", schema="llmops")
    assert connection.place(workspace).experiments == "/Shared/signalbox"


def test_the_schema_stays_while_an_app_keeps_its_agents_there(bare_workspace):
    connection.save_place(bare_workspace, Place(catalog="acme", schema="llmops"))
    form = AppForm(id="support", name="Support", company="Acme", model="m", endpoint="support")
    app = apps.create(bare_workspace, form)
    apps.archive(bare_workspace.for_app(app))
    with pytest.raises(ConflictError, match=r"Support are kept in acme\.llmops"):
        connection.save_place(bare_workspace, Place(catalog="acme", schema="another"))
    connection.save_place(bare_workspace, Place(catalog="acme", schema="llmops", folder="/Shared/elsewhere"))
    assert connection.place(bare_workspace).folder == "/Shared/elsewhere"


def line(report, name):
    return next(one for one in report.lines if one.name == name)


def test_on_this_machine_each_part_has_its_line(bare_workspace):
    found = connection.report(bare_workspace)
    assert line(found, "MLflow's store").light is Light.GREEN
    assert line(found, "Model").light is Light.AMBER
    assert "practice" in str(line(found, "Model").found)
    assert line(found, "Worker").light is Light.RED


def test_a_workspace_shows_what_it_has(databricks_workspace, databricks):
    found = connection.report(databricks_workspace)
    assert {one.name: one.light for one in found.lines} == {
        "Sign-in": Light.GREEN,
        "Catalog": Light.GREEN,
        "Schema": Light.GREEN,
        "Folder of the experiments": Light.AMBER,
        "SQL warehouse": Light.AMBER,
        "Secret scope": Light.AMBER,
        "Prompt registry": Light.GREEN,
        "Worker": Light.RED,
    }
    assert "operator@example.com" in str(line(found, "Sign-in").found)
    assert "?o=5099015744649857" in line(found, "Schema").link
    assert "dapi-test" not in repr(found)


def test_a_second_way_to_sign_in_is_named(databricks_environ, databricks, monkeypatch):
    more = databricks_environ | {"DATABRICKS_CLIENT_ID": "sp-client-id", "DATABRICKS_CLIENT_SECRET": "sp-client-secret"}
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    found = connection.report(signed_in(more)).lines[0]
    assert (found.light, "oauth-m2m" in str(found.remedy)) == (Light.AMBER, True)
    assert "DATABRICKS_TOKEN" in str(found.found)


def test_a_viewer_is_told_the_exact_grants(databricks_environ, databricks, monkeypatch):
    viewer = databricks_environ | {"DATABRICKS_TOKEN": "dapi-viewer"}
    for name, value in viewer.items():
        monkeypatch.setenv(name, value)
    found = line(connection.report(signed_in(viewer)), "Schema")
    assert found.light is Light.RED
    assert "GRANT USE SCHEMA ON SCHEMA acme.llmops TO `viewer@example.com`;" in found.statement
    with pytest.raises(ForbiddenError, match="refused") as error:
        connection.save_place(replace_place(signed_in(viewer), Place()), Place(catalog="acme", schema="another"))
    assert "GRANT CREATE SCHEMA ON CATALOG acme TO `viewer@example.com`;" in str(error.value)


def test_the_right_to_a_schema_is_none_to_its_catalog(databricks_workspace, databricks):
    rest = Rest(databricks_workspace.settings.databricks)
    given = {"privilege_assignments": [{"principal": "ada", "privileges": [{"privilege": "ALL_PRIVILEGES"}]}]}
    databricks.fault("/effective-permissions/", status=200, raw_body=json.dumps(given))
    ada = Identity("ada", None)
    assert privileges.lacking(rest, ada, "acme.llmops", "ada") == ["USE CATALOG"]
    assert privileges.lacking(rest, ada, "acme.llmops", "bob") == ["USE CATALOG", "MANAGE"]
    databricks.admin("POST", "/reset")
    given["privilege_assignments"][0]["privileges"][0]["inherited_from_type"] = "CATALOG"
    databricks.fault("/effective-permissions/", status=200, raw_body=json.dumps(given))
    assert privileges.lacking(rest, ada, "acme.llmops", "bob") == ["MANAGE"]


def test_a_scope_without_the_agents_key_is_not_green(databricks_workspace, databricks):
    connection.save_place(databricks_workspace, Place(secret_scope="support"))
    with Rest(databricks_workspace.settings.databricks) as rest:
        rest.post("2.0/secrets/scopes/create", {"scope": "support"})
        rest.post("2.0/secrets/put", {"scope": "support", "key": "token", "string_value": "x"})
        found = line(connection.report(databricks_workspace), "Secret scope")
        assert (found.light, found.statement) == (Light.AMBER, "databricks secrets put-secret support databricks_token")
        rest.post("2.0/secrets/put", {"scope": "support", "key": "databricks_client_id", "string_value": "x"})
        assert line(connection.report(databricks_workspace), "Secret scope").light is Light.AMBER
        rest.post("2.0/secrets/put", {"scope": "support", "key": "databricks_client_secret", "string_value": "x"})
    assert line(connection.report(databricks_workspace), "Secret scope").light is Light.GREEN


@pytest.mark.parametrize(
    ("path", "reds", "how", "told"),
    [
        # The right to use the catalog is asked for the schema as well.
        ("/catalogs/acme", ("Catalog", "Schema"), {"status": 503}, "(503)"),
        ("/sql/warehouses/", ("SQL warehouse",), {"raw_body": "<html>", "status": 200}, "(200)"),
        ("/unity-catalog/prompts/search", ("Prompt registry",), {"drop": True}, "could not be asked"),
        ("/secrets/list", ("Secret scope",), {"delay_s": 6}, "No answer within 5 seconds"),
    ],
    ids=["503", "web page", "dropped", "silent"],
)
def test_an_outage_reddens_only_what_it_hides(databricks_workspace, databricks, path, reds, how, told):
    connection.save_place(databricks_workspace, Place(warehouse_id="475b94ddc7cd5211", secret_scope="support"))
    databricks.fault(path, **how)
    found = connection.report(databricks_workspace)
    assert {line(found, name).light for name in reds} == {Light.RED}
    assert told in str(line(found, reds[0]).found)
    assert line(found, "Prompt registry" if "Schema" in reds else "Schema").light is Light.GREEN


def test_a_workspace_that_is_away_is_one_sentence(databricks_workspace, databricks):
    databricks.fault("/scim/v2/Me", status=503)
    found = connection.report(databricks_workspace)
    assert [one.name for one in found.lines] == ["Sign-in"]
    assert "not available just now" in str(found.lines[0].found)


def test_choosing_makes_what_is_missing(databricks_workspace, databricks):
    workspace = replace_place(databricks_workspace, Place())
    connection.save_place(workspace, Place(catalog="acme", schema="fresh", folder="/Shared/apps/here"))
    assert "fresh" in connection.choices(workspace, "acme").schemas
    assert line(connection.report(workspace), "Folder of the experiments").light is Light.GREEN
    with pytest.raises(InvalidInputError, match="a b"):
        connection.save_place(workspace, Place(catalog="a b", schema="fresh"))


def test_a_git_folder_is_refused_with_the_reason(databricks_workspace, databricks):
    workspace = replace_place(databricks_workspace, Place(folder="/Repos/ada/agent"))
    found = line(connection.report(workspace), "Folder of the experiments")
    assert (found.light, "Git folder" in str(found.found)) == (Light.RED, True)
    with pytest.raises(InvalidInputError, match="Git folder"):
        connection.save_place(databricks_workspace, Place(folder="/Repos/ada/agent"))


def test_an_app_gets_its_experiment_by_an_absolute_path(databricks_workspace, databricks):
    form = AppForm(id="support", name="Support", company="Acme", model="m", endpoint="support")
    app = apps.create(databricks_workspace, form)
    assert databricks.state["experiments"] == {app.experiment_id: "/Shared/signalbox/support"}
    workspace = databricks_workspace.for_app(app)
    assert own_experiment(databricks_workspace, "support") == app.experiment_id
    found = connection.report(workspace)
    assert line(found, "The app's experiment").light is Light.GREEN
    databricks.deny(f"/permissions/experiments/{app.experiment_id}")
    assert "CAN_EDIT" in str(line(connection.report(workspace), "The app's experiment").remedy)


def test_an_experiment_of_a_git_folder_cannot_be_adopted(databricks_workspace):
    with Rest(databricks_workspace.settings.databricks) as rest:
        rest.post("2.0/workspace/mkdirs", {"path": "/Repos/ada/agent"})
    tied = databricks_workspace.client.create_experiment("/Repos/ada/agent/try")
    form = AppForm(id="support", name="Support", company="Acme", model="m", endpoint="support")
    with pytest.raises(InvalidInputError, match="Git folder"):
        apps.adopt(databricks_workspace, form, tied)
    assert apps.all(databricks_workspace) == []


def signed_in(environ):
    """Ada under another sign-in."""
    settings = settings_module.load(environ)
    database.migrate(settings)
    return Workspace(connect(settings), people.identify(settings, {}))


def replace_place(workspace, place):
    """The workspace whose environment decides `place`."""
    settings = replace(workspace.settings, place=place)
    return replace(workspace, platform=replace(workspace.platform, settings=settings))
