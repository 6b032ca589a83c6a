"""The archive on the Monitoring screen: started, followed, compared, stopped, with queries to copy."""

from deltalake import DeltaTable

from services import archive, jobs
from tests.left_traces import leave
from tests.pages.conftest import texts


def work(workspace, kind):
    while (taken := jobs.claim(workspace.engine)).kind != kind:
        jobs.finish(workspace.engine, taken, {})
    run = archive.run if kind == archive.FOLLOW else archive.run_action
    jobs.finish(workspace.engine, taken, run(workspace, jobs.Work(workspace.engine, taken)))


def test_the_archive_is_started_compared_and_stopped_by_clicks(screen, workspace):
    leave(workspace, "返品したい", hours_ago=1)
    page = screen("monitoring")
    assert "Archived traces" not in [one.label for one in page.metric]
    page.button(key="start-archive").click().run()
    assert "not yet" in [one.value for one in page.metric if one.label == "Up to date until"]

    work(workspace, archive.FOLLOW)
    page.run()
    shown = {one.label: one.value for one in page.metric}
    assert shown["Archived traces"] == "1" and shown["Up to date until"] != "not yet"
    folder = next(one.value for one in page.code if "archive" in one.value)
    assert len(DeltaTable(folder).to_pyarrow_table()) == 1
    assert any(f"delta_scan('{folder}')" in one.value for one in page.code)
    page.radio(key="archive-tool").set_value("Spark").run()
    assert any(f"delta.`{folder}`" in one.value for one in page.code)

    page.button(key="check-archive").click().run()
    work(workspace, archive.ACT)
    page.run()
    assert "1 trace is the same here and in MLflow" in texts(page)

    page.checkbox(key=f"archive-leaves/{workspace.app.id}").check().run()
    page.number_input(key=f"archive-mlflow/{workspace.app.id}").set_value(120)
    page.button(key="save-ages").click().run()
    assert archive.state(workspace).plan.mlflow_days == 120

    page.button(key="stop-archive").click().run()
    assert "It is stopped" in texts(page) and not archive.state(workspace).plan.on
    page.text_input(key=f"archive-why/{workspace.app.id}").set_value("Not needed.").run()
    page.button(key="delete-archive").click().run()
    assert not archive.state(workspace).exists and not page.exception


def test_a_cancelled_copying_can_go_on(screen, workspace):
    jobs.cancel(workspace, archive.start(workspace).id)
    page = screen("monitoring")
    assert "The copying was cancelled" in texts(page)
    page.button(key="resume-archive").click().run()
    assert [job.live for job in jobs.recent(workspace, archive.FOLLOW, limit=1)] == [True]
    assert not page.exception


def test_what_the_archive_would_drop_is_told_before_it_is_saved(screen, workspace):
    for days_ago in (1, 40, 50):
        leave(workspace, hours_ago=24 * days_ago)
    archive.start(workspace)
    work(workspace, archive.FOLLOW)
    page, days = screen("monitoring"), f"archive-keep/{workspace.app.id}"
    page.checkbox(key=f"archive-ends/{workspace.app.id}").check().run()
    assert "for good. What MLflow still has" not in texts(page), "a year"
    page.number_input(key=days).set_value(45).run()
    assert "1 trace is older" in texts(page)
    page.number_input(key=days).set_value(30).run()
    assert "2 traces are older" in texts(page)


def test_the_days_that_mlflow_lost_are_offered_to_be_brought_back(screen, workspace):
    asked = [leave(workspace, hours_ago=24 * days_ago) for days_ago in (102, 100, 0)]
    archive.start(workspace)
    work(workspace, archive.FOLLOW)
    assert "MLflow has lost nothing" in texts(screen("monitoring"))
    archive.change_ages(workspace, None, archive.LEAST_IN_MLFLOW)
    jobs.nudge(workspace.engine, archive.FOLLOW, workspace.app.id)
    work(workspace, archive.FOLLOW)
    page = screen("monitoring")
    first, last = page.date_input(key=f"archive-days/{workspace.app.id}").value
    assert (last - first).days == 2 and f"MLflow lost traces of {first} to {last} by age" in texts(page)
    page.button(key="put-back").click().run()
    work(workspace, archive.ACT)
    assert len(workspace.client.search_traces(locations=[workspace.app.experiment_id])) == len(asked)
