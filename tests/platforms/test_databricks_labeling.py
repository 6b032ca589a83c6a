"""Labeling sessions in a workspace's Review App: made once, followed, taken in, brought into a dataset; and what goes wrong."""

from dataclasses import replace

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from services import audit, datasets, jobs, scorers
from services.audit import Verb
from services.datasets import Row
from services.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    NotReadyError,
    PlatformError,
)
from services.people import Role
from services.platforms.databricks.labeling import making, sessions, syncing, taking
from services.readmodel import source
from services.readmodel.facts import SLOT_MS
from services.reviews import Form, Kind, Label, Pick, Rule
from services.scorers import ScorerSpec, health
from services.scorers.health.measuring import measure
from services.workspace import Workspace
from tests.workspace.fixture import VIEWER_TOKEN, Emulator
from tests.workspace.support import adopt, at_work, sdk

pytest.importorskip("databricks.agents")
APPS = "/api/2.0/managed-evals/review-apps"
KIND = Label("kind", Kind.PASS, "Is it polite?")
LABELS = (
    KIND,
    Label("tone", Kind.CATEGORY, "Which tone?", ("warm", "cold")),
    Label("stars", Kind.NUMBER, "How many stars?", low=1, high=5),
    Label("expected_response", Kind.ANSWER, "What would be right?", needed=False),
)
JUDGES = ("viewer@example.com",)
FORM = Form("Doubtful answers", Rule(Pick.RANDOM, share=1.0, most=3), LABELS, JUDGES)


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    workspace = adopt(databricks_workspace)
    generated = {"experiment_id": workspace.app.experiment_id, "n": 4, "days": 5}
    databricks.admin("POST", "/traces/generate", generated)
    return workspace


def failing(app):
    """A claimed job that fails, and how."""
    job = jobs.claim(app.engine)
    with pytest.raises(PlatformError) as told:
        making.run(app, jobs.Work(app.engine, job))
    jobs.fail(app.engine, job, told.value)
    return told.value


def made(app, form=FORM, more=()):
    making.start(app, form, more)
    return sessions.get(app, at_work(app, making.run)["session"])


def judge(app, session, values, n=1):
    """What the Review App does when somebody judges an answer to the end."""
    items = f"{APPS}/{session.app}/labeling-sessions/{session.id}/items"
    api, by = sdk(app).api_client, AssessmentSource(AssessmentSourceType.HUMAN, JUDGES[0])
    waiting = [one for one in api.do("GET", items)["items"] if one["state"] == "PENDING"]
    for item in waiting[:n]:
        trace_id = item["source"]["trace_id"]
        for name, value in values.items():
            if name == "expected_response":
                mlflow.log_expectation(trace_id=trace_id, name=name, value=value, source=by)
            else:
                mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=by)
        api.do("PATCH", f"{items}/{item['item_id']}", body={"state": "COMPLETED"})


def test_a_session_is_made_as_asked_and_its_answers_count(databricks: Emulator, app: Workspace) -> None:
    scorers.records.keep(app, ScorerSpec("kind", "guidelines", {"guidelines": ["Be polite"]}), Verb.SAVE_SCORER)
    assert sessions.all(app) == [] and "expected_facts" in sessions.schemas(app)
    assert {one["method"] for one in databricks.requests(APPS)} == {"GET"}, "a look makes no Review App"
    session, progress = made(app, more=("guidelines",))
    assert (session.name, session.people) == (FORM.name, JUDGES)
    assert session.asks == ("kind", "tone", "stars", "expected_response", "guidelines")
    assert session.page.startswith(databricks.url) and "/tasks/labeling/" in session.page and "?o=" in session.page
    assert (progress.total, progress.done) == (3, 0)
    experiment = app.app.experiment_id
    held = sdk(app).experiments.get_permissions(experiment).access_control_list or []
    given = {one.user_name: one.all_permissions[0].permission_level.value for one in held if one.all_permissions}
    assert given[JUDGES[0]] == "CAN_EDIT"
    with pytest.raises(NotReadyError, match="Nobody has judged"):
        taking.take(app, session.id)

    judge(app, session, {"kind": "no", "tone": "cold", "stars": 2.0})
    judge(app, session, {"kind": "no", "tone": "warm", "stars": 5.0, "expected_response": "It comes on Monday."})
    session, progress = sessions.get(app, session.id)
    assert (progress.total, progress.done, len(progress.judged)) == (3, 2, 2)
    said = {one.name: one for one in taking.said(app, session, progress)}
    assert said["kind"].words == (("no", 2),) and said["stars"].mean == 3.5 and said["guidelines"].answers == 0
    assert taking.take(app, session.id) == 2 and taking.taken(app, session) == set(progress.judged)
    ai = AssessmentSource(AssessmentSourceType.LLM_JUDGE, "judge")
    for id in progress.judged:
        mlflow.log_feedback(trace_id=id, name="kind", value=True, source=ai, metadata={"signalbox.version": "1"})
    counted = measure(scorers.all(app)[0], health.reading.read(app), None)
    assert counted.agreement.n == 2 and counted.agreement.agreed == 0, "people said no where the judge said yes"


def test_what_was_taken_in_is_read_again_for_charts_however_old_it_is(app: Workspace) -> None:
    session, _ = made(app)
    judge(app, session, {"kind": "no"}, n=3)
    history = source.of(app)
    assert history.touched(app, 0) == set()
    taking.take(app, session.id)
    infos = app.client.search_traces(locations=[app.app.experiment_id], include_spans=False)
    judged = sessions.get(app, session.id)[1].judged
    times = {one.info.request_time // SLOT_MS for one in infos if one.info.trace_id in judged}
    assert history.touched(app, 0) == times


@pytest.mark.parametrize("path", [f"{APPS}$", "/labeling-sessions$", "items:batchCreate", f"{APPS}/[0-9a-f]+$"])
def test_an_answer_that_gets_lost_makes_nothing_twice(databricks: Emulator, app: Workspace, path: str) -> None:
    making.start(app, FORM)
    method = "PATCH" if path.endswith("+$") else "POST"
    databricks.fault(path, method=method, after_execute=True, drop=True, times=1)
    at_work(app, making.run)
    (session, progress), *more = sessions.all(app)
    assert not more and progress and progress.total == 3 and set(session.asks) == {label.name for label in LABELS}
    assert any(one["fault"] for one in databricks.requests(APPS)), "it got lost"


def test_a_session_that_broke_off_goes_on_where_it_was(databricks: Emulator, app: Workspace) -> None:
    making.start(app, FORM)
    databricks.fault("items:batchCreate", status=503, times=1)
    assert "busy or away" in str(failing(app)) and failed(app)
    assert sessions.all(app)[0][1].total == 0
    with pytest.raises(ConflictError):
        making.start(app, FORM)
    making.again(app, making.latest(app))
    at_work(app, making.run)
    (_, progress), *more = sessions.all(app)
    assert not more and progress.total == 3
    done = [one for one in audit.events(app) if one.verb == Verb.MAKE_SESSION and one.outcome != "intent"]
    assert [one.outcome for one in done] == ["done", "failed"]


def failed(app):
    return making.latest(app).state is jobs.State.FAILED


def test_what_other_sessions_ask_is_not_changed_and_names_are_not_shared(app: Workspace) -> None:
    made(app)
    same = replace(FORM, name="More of them", rule=replace(FORM.rule, most=1))
    made(app, same)
    other = replace(same, name="Others", labels=(Label("tone", Kind.CATEGORY, "Which tone?", ("loud", "soft")),))
    making.start(app, other)
    job = jobs.claim(app.engine)
    with pytest.raises(ConflictError, match="in another way"):
        making.run(app, jobs.Work(app.engine, job))
    for wrong in (replace(FORM, name="New", reviewers=()), replace(FORM, name=" ")):
        with pytest.raises(InvalidInputError):
            making.start(app, wrong)
    with pytest.raises(NotFoundError):
        sessions.get(app, "gone")


@pytest.mark.parametrize(("status", "told"), [(403, "refused"), (429, "busy or away"), (503, "busy or away")])
def test_a_refusal_is_a_sentence_with_a_next_step(databricks: Emulator, app: Workspace, status: int, told: str) -> None:
    making.start(app, FORM)
    databricks.fault(APPS, status=status)
    job = jobs.claim(app.engine)
    kind = ForbiddenError if status == 403 else PlatformError
    for call in (lambda: making.run(app, jobs.Work(app.engine, job)), lambda: sessions.all(app)):
        with pytest.raises(kind, match=told) as error:
            call()
        assert error.value.remedy


def test_whoever_may_not_is_refused_by_the_console_and_by_the_workspace(
    databricks: Emulator, app: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = made(app)
    before = len(databricks.requests())
    viewer = replace(app, actor=replace(app.actor, roles=frozenset({Role.VIEWER})))
    for act in (
        lambda: making.start(viewer, replace(FORM, name="Mine")),
        lambda: syncing.start(viewer, session.id, "acme.llmops.questions"),
    ):
        with pytest.raises(ForbiddenError, match="needs the role"):
            act()
    assert len(databricks.requests()) == before
    judge(app, session, {"kind": "no"})
    with pytest.raises(ForbiddenError, match="needs the role"):
        taking.take(viewer, session.id)
    making.start(app, replace(FORM, name="Theirs"))
    job = jobs.claim(app.engine)
    monkeypatch.setenv("DATABRICKS_TOKEN", VIEWER_TOKEN)
    databricks.deny("/permissions/experiments")
    with pytest.raises(ForbiddenError) as told:
        making.run(app, jobs.Work(app.engine, job))
    assert told.value.remedy


def test_a_session_becomes_rows_of_a_dataset_with_the_right_answers(app: Workspace) -> None:
    dataset = datasets.create(app, "questions", [Row("q1", "Where is my parcel?")])
    session, _ = made(app)
    judge(app, session, {"kind": "no", "expected_response": "It comes on Monday."})
    syncing.start(app, session.id, dataset.id)
    assert at_work(app, syncing.run) == {"rows": 3}
    rows = datasets.rows(app, dataset.id)
    assert len(rows) == 4 and [row.expected for row in rows if row.expected] == ["It comes on Monday."]
    assert len(datasets.history(app, dataset.id)) == 2 and mlflow.get_tracking_uri() == app.settings.tracking_uri
    syncing.start(app, session.id, dataset.id)
    assert at_work(app, syncing.run) == {"rows": 0}
