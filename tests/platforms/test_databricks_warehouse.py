"""Charts by SQL over the archive: what the warehouse answers, and what it says when it cannot."""

from dataclasses import replace

import pytest

from services import audit
from services.audit import Verb
from services.errors import ForbiddenError, NotFoundError, NotReadyError, PlatformError
from services.platforms.databricks import archiving, queries, warehouse
from services.workspace import Workspace
from tests.workspace.fixture import Emulator
from tests.workspace.support import adopt, sdk

pytest.importorskip("databricks.agents")
ID = "475b94ddc7cd5211"
END = 1_790_000_000_000  # 2026-09-21 14:13 UTC
HOURS = 3_600_000


@pytest.fixture
def databricks_environ(databricks_environ: dict[str, str]) -> dict[str, str]:
    return databricks_environ | {"SIGNALBOX_WAREHOUSE": ID}


@pytest.fixture
def app(databricks: Emulator, databricks_workspace: Workspace) -> Workspace:
    return adopt(databricks_workspace)


@pytest.fixture
def archive(databricks: Emulator, app: Workspace) -> archiving.Archive:
    """Three days of traces in the table, and a warehouse that runs."""
    for n, days_ago, errors, kind in ((10, 2, 0.0, 1.0), (20, 1, 1.0, 1.0), (30, 0, 0.0, 0.0)):
        databricks.admin(
            "POST",
            "/traces/generate",
            {
                "experiment_id": app.app.experiment_id,
                "n": n,
                "days": 0.01,
                "end_ms": END - days_ago * 24 * HOURS,
                "error_rate": errors,
                "verdicts": {"kind": kind, "short": 1.0},
            },
        )
    archiving.start(app, "traces_support")
    databricks.admin("POST", "/jobs/tick")
    sdk(app).api_client.do("POST", f"/api/2.0/sql/warehouses/{ID}/start")
    settle(app)
    return archiving.state(app)


def settle(app):
    """A statement with a wait makes the emulated warehouse come up before it answers."""
    body = {"statement": "SELECT 1", "warehouse_id": ID, "wait_timeout": "30s"}
    sdk(app).api_client.do("POST", "/api/2.0/sql/statements", body=body)


def test_days_and_pass_rates_are_what_the_table_says(app: Workspace, archive: archiving.Archive) -> None:
    found = queries.days(app, archive)
    assert [(one.day, one.n, one.failed) for one in found] == [
        ("2026-09-19", 10, 0),
        ("2026-09-20", 20, 20),
        ("2026-09-21", 30, 0),
    ]
    assert all(one.median and 0.1 < one.median < 20 for one in found), "in seconds"
    rates = {(one.day, one.scorer): (one.n, one.passed) for one in queries.rates(app, archive)}
    assert rates == {
        ("2026-09-19", "kind"): (10, 1.0),
        ("2026-09-19", "short"): (10, 1.0),
        ("2026-09-21", "kind"): (30, 0.0),
        ("2026-09-21", "short"): (30, 1.0),
    }
    newest = warehouse.ask(app, queries.first_rows(archive))
    times = newest.column("request_time")
    assert len(times) == 20 and times == sorted(times, reverse=True) and str(times[0]).startswith("2026-09-21")


def test_a_time_in_milliseconds_and_a_table_with_fewer_columns_are_asked_otherwise(archive: archiving.Archive) -> None:
    other = replace(archive, columns={"timestamp_ms": "bigint", "assessments": "array<struct<name:string>>"})
    assert "to_date(timestamp_millis(`timestamp_ms`))" in str(queries.by_day(other))
    assert "NULL AS failed" in str(queries.by_day(other)) and "explode(assessments)" in str(queries.pass_rates(other))
    unknown = replace(archive, columns={"a": "string"})
    assert queries.by_day(unknown) is None and queries.pass_rates(unknown) is None


def test_a_stopped_warehouse_is_told_and_started_by_a_click_only(
    databricks: Emulator, app: Workspace, archive: archiving.Archive
) -> None:
    sdk(app).api_client.do("POST", f"/api/2.0/sql/warehouses/{ID}/stop")
    before = len(databricks.requests("/sql/statements"))
    with pytest.raises(NotReadyError, match="Serverless Starter Warehouse is not running"):
        queries.days(app, archive)
    assert len(databricks.requests("/sql/statements")) == before, "a look never starts it"
    now = warehouse.state(app)
    assert now is not None and not now.running and f"/sql/warehouses/{ID}?o=" in now.page
    warehouse.start(app, now)
    assert (audit.events(app)[0].verb, audit.events(app)[0].subject) == (Verb.START_WAREHOUSE, now.name)
    settle(app)
    assert len(queries.days(app, archive)) == 3


def test_a_missing_table_a_missing_right_and_a_slow_answer_each_have_a_sentence(
    databricks: Emulator, app: Workspace, archive: archiving.Archive
) -> None:
    gone = replace(archive, table="acme.llmops.dropped")
    with pytest.raises(NotFoundError, match="not there") as missing:
        queries.days(app, gone)
    assert "first run" in str(missing.value)
    refused = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have SELECT on Table 'acme.llmops.traces_support'."
    for told, error, sentence in (
        ({"state": "FAILED", "error": {"message": refused}}, ForbiddenError, "GRANT SELECT ON TABLE acme.llmops.traces_support"),
        ({"state": "CANCELED"}, PlatformError, "did not answer within"),
    ):  # fmt: skip
        with pytest.raises(error, match=sentence):
            warehouse._refuse(told, warehouse.Message("Asking the SQL warehouse"))
    databricks.fault("/sql/statements", status=502, raw_body="<html>proxy</html>", times=1)
    with pytest.raises(PlatformError) as proxy:
        queries.days(app, archive)
    assert "<html>" not in str(proxy.value)


def test_without_a_warehouse_the_screen_says_where_to_choose_one(app: Workspace) -> None:
    settings = replace(app.settings, place=replace(app.settings.place, warehouse_id=""))
    none = replace(app, platform=replace(app.platform, settings=settings))
    assert warehouse.state(none) is None
    with pytest.raises(NotReadyError, match="No SQL warehouse is chosen"):
        warehouse.ask(none, "SELECT 1")
