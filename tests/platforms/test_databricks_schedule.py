"""Production scorers as the workspace keeps them: rhythm, filters, limits, other consoles, monitors of earlier days."""

import pytest
import requests
from mlflow.genai.scorers import Guidelines, ScorerSamplingConfig

from services import audit, monitoring, scorers
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotFoundError, PlatformError
from services.platforms import MonitoredScorer
from services.platforms.databricks import schedule
from services.platforms.databricks.scoring import MOST, DatabricksScoring
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.workspace.fixture import TOKEN, Emulator
from tests.workspace.support import adopt, sdk

pytest.importorskip("databricks.agents")
MANAGED = "/api/2.0/managed-evals"


@pytest.fixture
def app(databricks_workspace: Workspace) -> Workspace:
    workspace = adopt(databricks_workspace)
    scorers.save(workspace, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}))
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 20}))
    return workspace


def running(name, rate=1.0, only=""):
    return MonitoredScorer(name, 1, rate, True, only)


def elsewhere(app, name, rate=None):
    """A scorer that another program makes for the same experiment."""
    made = Guidelines(name=name, guidelines=["Be brief"]).register(experiment_id=app.app.experiment_id)
    if rate:
        made.start(experiment_id=app.app.experiment_id, sampling_config=ScorerSamplingConfig(sample_rate=rate))
    return made


def test_the_job_is_seen_changes_its_rhythm_and_tells_its_last_run(databricks: Emulator, app: Workspace) -> None:
    none = schedule.state(app)
    assert (none.job, none.registered, none.legacy, none.room) == (None, (), False, MOST)
    monitoring.save_scorers(app, [running("kind")])
    before = len(databricks.requests())
    now = schedule.state(app)
    assert len(databricks.requests()) - before <= 4
    assert (now.job.paused, now.job.last, now.minutes) == (False, None, 15)

    schedule.save_minutes(app, 5)
    assert schedule.state(app).minutes == 5
    assert audit.events(app)[0].verb == Verb.START_SCORERS
    for wrong in (0, 61):
        with pytest.raises(InvalidInputError):
            schedule.save_minutes(app, wrong)

    databricks.admin("POST", "/jobs/tick")
    ran = schedule.state(app).job
    assert ran.last is not None and ran.failed is None and "/jobs/" in ran.page


def test_scorers_started_after_a_deployment_leave_the_job_paused_and_it_is_resumed(
    databricks: Emulator, app: Workspace
) -> None:
    monitoring.save_scorers(app, [running("kind")])
    job = app.platform.scoring.job(app)
    paused = {"schedule": {**job.settings.schedule.as_dict(), "pause_status": "PAUSED"}}
    sdk(app).api_client.do("POST", "/api/2.2/jobs/update", body={"job_id": job.job_id, "new_settings": paused})
    assert schedule.state(app).job.paused and not monitoring.scoring_runs(app)
    monitoring.resume(app)
    assert not schedule.state(app).job.paused


def test_a_filter_is_kept_changed_and_taken_away(databricks: Emulator, app: Workspace) -> None:
    web = "tags.channel = 'web'"
    monitoring.save_scorers(app, [running("kind", 0.5, web), running("short")])
    assert monitoring.production_scorers(app) == [running("kind", 0.5, web), running("short")]
    assert {one.name: one.only for one in schedule.state(app).registered} == {"kind": web, "short": ""}
    monitoring.save_scorers(app, [running("kind", 0.5), running("short")])
    assert [one.only for one in monitoring.production_scorers(app)] == ["", ""]

    before = len(databricks.requests(MANAGED))
    with pytest.raises(InvalidInputError, match="kind"):
        monitoring.save_scorers(app, [running("kind", 0.5, "channel is web")])
    asked = databricks.requests(MANAGED)[before:]
    assert [one["method"] for one in asked if one["method"] != "GET"] == []


def test_a_list_that_is_full_says_so_and_room_is_made(databricks: Emulator, app: Workspace) -> None:
    for number in range(MOST - 1):
        elsewhere(app, f"theirs-{number}")
    monitoring.save_scorers(app, [running("kind")])
    assert schedule.state(app).room == 0
    with pytest.raises(ConflictError, match="20 scorers"):
        monitoring.save_scorers(app, [running("kind"), running("short")])
    assert [one.name for one in monitoring.production_scorers(app) if one.running] == ["kind"]

    with pytest.raises(ConflictError, match="judges answers now"):
        schedule.delete(app, "kind")
    schedule.delete(app, "theirs-3")
    with pytest.raises(NotFoundError):
        schedule.delete(app, "theirs-3")
    monitoring.save_scorers(app, [running("kind"), running("short")])
    there = {one.name: one for one in schedule.state(app).registered}
    assert (len(there), there["short"].ours, there["theirs-4"].ours) == (MOST, True, False)


def test_what_another_console_overwrites_is_made_again(app: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one read the list before ours was in it, and wrote it back after: whatever the SDKs do, ours was lost."""
    change, lost = DatabricksScoring._change, []

    def overwritten(self, workspace, wanted, known):
        change(self, workspace, wanted, known)
        if len(lost) < 1:
            lost.append(True)
            schedule.delete_scorer(name="short", experiment_id=workspace.app.experiment_id, version="all")

    monkeypatch.setattr(DatabricksScoring, "_change", overwritten)
    elsewhere(app, "theirs", 0.5)
    monitoring.save_scorers(app, [running("kind"), running("short", 0.25)])
    assert {one.name: one.rate for one in monitoring.production_scorers(app)} == {
        "theirs": 0.5,
        "kind": 1.0,
        "short": 0.25,
    }

    def always(self, workspace, wanted, known):
        change(self, workspace, wanted, known)
        schedule.delete_scorer(name="short", experiment_id=workspace.app.experiment_id, version="all")

    monkeypatch.setattr(DatabricksScoring, "_change", always)
    with pytest.raises(ConflictError, match="at the same time"):
        monitoring.save_scorers(app, [running("kind"), running("short", 0.5)])


def test_a_monitor_of_earlier_days_is_recognised_and_explained(databricks: Emulator, app: Workspace) -> None:
    config = {"experiment_id": app.app.experiment_id, "is_agent_external": True, "evaluation_config": {"metrics": []}}
    answer = requests.post(
        f"{databricks.url}{MANAGED}/monitors/old",
        json={"monitor_config": {**config, "sampling": {"sampling_rate": 1.0}}},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=30,
    )
    assert answer.ok, answer.text
    assert schedule.state(app).legacy
    with pytest.raises(ConflictError, match="external monitor of an older version"):
        monitoring.save_scorers(app, [running("kind")])


def test_a_proxys_page_or_a_busy_workspace_is_told_in_a_sentence(databricks: Emulator, app: Workspace) -> None:
    databricks.fault("/scheduled-scorers", status=503, raw_body="<html>maintenance</html>", times=1)
    with pytest.raises(PlatformError) as away:
        schedule.state(app)
    assert away.value.retryable and "<html>" not in str(away.value)
