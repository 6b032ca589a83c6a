"""The archive as tests read it, and the work of its jobs done in this process."""

import time
from datetime import UTC, datetime

from services import archive, jobs
from services.archive import copying, schema, table, verifying


def work(workspace, kind=archive.FOLLOW):
    """What the worker does with the newest job of that kind, to its end."""
    jobs.nudge(workspace.engine, kind, workspace.app.id)
    while (taken := jobs.claim(workspace.engine)).kind != kind:
        jobs.finish(workspace.engine, taken, {})
    run = archive.run if kind == archive.FOLLOW else archive.run_action
    result = run(workspace, jobs.Work(workspace.engine, taken))
    jobs.finish(workspace.engine, taken, result)
    return result


def content(workspace):
    """Every trace with the hash of what the table has of it now."""
    rows = table.read(workspace).to_pyarrow_table().select(schema.COLUMNS).to_pylist()
    return sorted((one["trace_id"], schema.digest(verifying.plain(one))) for one in rows)


def truth(workspace):
    """Every trace with the hash of what MLflow has of it now."""
    whole = table.Span(datetime.now(UTC).date(), 0, int(time.time() * 1000) + schema.DAY)
    return sorted((one["trace_id"], one["digest"]) for one in copying.read(workspace, whole)[1])
