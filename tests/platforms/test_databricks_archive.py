"""The archive of a workspace: on and off, its table on its way, and a job that somebody else started."""

import pytest
from mlflow.tracing.archival import disable_databricks_trace_archival, enable_databricks_trace_archival

from services import apps, audit
from services.apps import AppForm
from services.audit import Verb
from services.errors import ConflictError, ConsoleError, ForbiddenError, InvalidInputError, NotReadyError
from services.platforms.databricks import archiving, queries
from services.traces import erasing
from services.workspace import Workspace
from tests.workspace.fixture import Emulator

pytest.importorskip("databricks.agents")
TABLE = "acme.llmops.traces_support"


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    workspace = databricks_workspace
    experiment = workspace.client.create_experiment("/Shared/support")
    form = AppForm(id="support", name="Support", company="Acme", model=workspace.settings.model, endpoint="support")
    return workspace.for_app(apps.adopt(workspace, form, experiment))


def test_the_table_is_waited_for_then_there_and_stays_when_it_is_off(databricks: Emulator, app: Workspace) -> None:
    assert not archiving.state(app).on
    assert archiving.start(app, archiving.suggested(app)) == TABLE
    assert TABLE in str(erasing.left_over(app)), "it is told what deleting a person does not reach"
    waiting = archiving.state(app)
    assert (waiting.on, waiting.waiting, waiting.table) == (True, True, TABLE)
    assert "`acme`.`llmops`.`traces_support`" in queries.first_rows(waiting)
    assert queries.pass_rates(waiting) is None
    with pytest.raises(ConflictError):
        archiving.start(app, "another")

    databricks.admin("POST", "/jobs/tick")
    there = archiving.state(app)
    assert not there.waiting and there.columns and there.table_page and there.job_page
    assert "ORDER BY `request_time` DESC" in queries.first_rows(there)
    assert "from_json(assessments" in (queries.pass_rates(there) or "")

    archiving.stop(app)
    off = archiving.state(app)
    assert not off.on and off.columns == there.columns
    with pytest.raises(NotReadyError):
        archiving.stop(app)
    done = [(one.verb, one.subject) for one in audit.events(app) if one.outcome == "done"][:2]
    assert done == [(Verb.STOP_ARCHIVE, TABLE), (Verb.START_ARCHIVE, TABLE)]


def test_what_is_switched_elsewhere_is_seen(app: Workspace) -> None:
    enable_databricks_trace_archival(delta_table_fullname="acme.llmops.theirs", experiment_id=app.app.experiment_id)
    assert (archiving.state(app).on, archiving.state(app).table) == (True, "")
    archiving.name_table(app, "acme.llmops.theirs")
    assert archiving.state(app).waiting
    disable_databricks_trace_archival(experiment_id=app.app.experiment_id)
    assert not archiving.state(app).on


def test_a_refusal_says_what_is_missing(databricks: Emulator, app: Workspace) -> None:
    with pytest.raises(InvalidInputError):
        archiving.start(app, "my table")
    databricks.admin("POST", "/config", {"previews": {"trace_archival": False}})
    with pytest.raises(ConsoleError, match="not enabled"):
        archiving.start(app, "traces")
    assert not archiving.state(app).on
    databricks.deny("/jobs/list")
    with pytest.raises(ForbiddenError):
        archiving.state(app)
