"""The trace archive of an experiment."""

from __future__ import annotations

from .errors import ApiError
from .managed import P, no_such
from .routing import Req, route
from .state import World, uc_name
from .uc_catalog import require_privilege


@route("POST", P + "/experiments/{eid}/trace-archival")
def archival_start(w: World, r: Req):
    if not w.config["previews"]["trace_archival"]:
        raise ApiError("PERMISSION_DENIED", "Trace archival is not enabled for this workspace.")
    eid = r.params["eid"]
    b = r.fields(required=("experiment_id", "archive_table_fullname"), optional=())
    if eid not in w.experiments or b["experiment_id"] != eid:
        raise no_such(f"Experiment {eid} not found.")
    if eid in w.archival:
        raise ApiError("ALREADY_EXISTS", f"Trace archival is already configured for experiment {eid}.", 409)
    t = b["archive_table_fullname"]
    cat, sch, _ = uc_name(t, "table name")
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE TABLE")
    from .jobs import make_job

    job = make_job(w, r.user, f"{eid} Trace Archive Job", "archive", eid, paused=False, minutes=15)
    w.archival[eid] = {"table": t, "job_id": job["job_id"]}
    from .experiments import set_pair

    set_pair(w.experiments[eid].tags, "mlflow.experiment.traceArchivalTable", t)
    return {"job_id": str(job["job_id"])}


@route("DELETE", P + "/experiments/{eid}/trace-archival")
def archival_stop(w: World, r: Req):
    a = w.archival.pop(r.params["eid"], None)
    if a is None:
        raise no_such("Trace archival is not configured.")
    w.jobs.pop(a["job_id"], None)
    return {}


@route("POST", P + "/archive-job/{eid}/record-event")
def archival_event(w: World, r: Req):
    return {}


@route("POST", P + "/custom-judge-model/record-event")
def judge_event(w: World, r: Req):
    return {}
