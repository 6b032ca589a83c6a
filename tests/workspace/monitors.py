"""Legacy external monitors, which exclude scheduled scorers."""

from __future__ import annotations

import uuid

from .errors import ApiError, bad
from .managed import P, monitoring_on, no_such
from .routing import Req, route
from .state import World, uc_name
from .uc_catalog import require_privilege


def monitor_of(w: World, eid: str) -> dict | None:
    return next((m for m in w.monitors.values() if m["monitor"].get("experiment_id") == eid), None)


@route("POST", P + "/monitors")
def monitors_list(w: World, r: Req):
    eid = r.fields(required=("experiment_id",))["experiment_id"]
    out = [m for m in w.monitors.values() if m["monitor"].get("experiment_id") == eid]
    if not out and eid in w.scorers:  # scheduled scorers are backed by an auto-managed monitor
        out = [
            {
                "endpoint_name": f"monitor_{eid}",
                "monitor": {
                    "experiment_id": eid,
                    "is_agent_external": True,
                    "evaluation_config": {"metrics": []},
                    "sampling": {"sampling_rate": 1.0},
                    "schedule": {"pause_status": "UNPAUSED"},
                },
            }
        ]
    return {"monitor_infos": out}


@route("GET", P + "/monitors/table_name/{table}")
def monitor_by_table(w: World, r: Req):
    for m in w.monitors.values():
        if m["monitor"].get("evaluated_traces_table") == r.params["table"]:
            return m
    raise no_such(f"No monitor found for table {r.params['table']}.")


@route("POST", P + "/monitors/{name}")
def monitor_create(w: World, r: Req):
    monitoring_on(w)
    m = r.fields(required=("monitor_config",), optional=())["monitor_config"]
    eid = m.get("experiment_id")
    if eid not in w.experiments:
        raise no_such(f"Experiment {eid} not found.")
    if w.scorers.get(eid):
        rid = str(uuid.uuid4())
        raise ApiError(
            "ALREADY_EXISTS",
            f"Error [{rid}]: Cannot create a monitor for experiment {eid} because scheduled "
            "scorers are already configured. Please delete the scheduled scorers first using the delete "
            "scheduled scorers API, then create your monitor.",
            409,
        )
    if r.params["name"] in w.monitors or monitor_of(w, eid):
        raise ApiError("ALREADY_EXISTS", f"A monitor already exists for experiment {eid}.", 409)
    if not m.get("is_agent_external") and r.params["name"] not in w.endpoints:
        raise no_such(f"Serving endpoint {r.params['name']} not found.")
    t = m.get("evaluated_traces_table")
    if t:
        cat, sch, _name = uc_name(t, "table name")
        w.require_schema(cat, sch)
        require_privilege(w, r.user, f"{cat}.{sch}", "CREATE TABLE")
        m["trace_archive_table"] = f"{cat}.{sch}.trace_logs_{eid}"
    w.monitors[r.params["name"]] = {"endpoint_name": r.params["name"], "monitor": m, "_user": r.user.user_name}
    from .jobs import make_job

    make_job(
        w,
        r.user,
        f"{eid} Trace Metrics Computation Job",
        "monitor",
        eid,
        paused=(m.get("schedule") or {}).get("pause_status") == "PAUSED",
        minutes=15,
    )
    return {k: v for k, v in w.monitors[r.params["name"]].items() if k[0] != "_"}


@route("GET", P + "/monitors/{name}/settings")
def monitor_settings(w: World, r: Req):
    return {
        "initial_lookback_period_hours": 24,
        "max_traces_to_process_in_job": 10000,
        "rag_eval_max_workers": 10,
        "rag_eval_rate_limit_quota": 8,
        "enable_metrics_job": True,
        "get_trace_max_workers": 10,
        "max_traces_per_batch": 200,
        "search_traces_page_size": 500,
    }


@route("GET", P + "/monitors/{name}")
def monitor_get(w: World, r: Req):
    if r.params["name"] not in w.monitors:
        raise no_such(f"No monitor found for endpoint {r.params['name']}.")
    return {k: v for k, v in w.monitors[r.params["name"]].items() if k[0] != "_"}


@route("PATCH", P + "/monitors/{name}")
def monitor_update(w: World, r: Req):
    if r.params["name"] not in w.monitors:
        raise no_such(f"No monitor found for endpoint {r.params['name']}.")
    b = r.fields(required=("monitor", "update_mask"))
    m = w.monitors[r.params["name"]]
    for f in b["update_mask"].split(","):
        if f not in ("evaluation_config", "sampling", "schedule"):
            raise bad(f"Field '{f}' cannot be updated.")
        m["monitor"][f] = b["monitor"].get(f)
    return {k: v for k, v in m.items() if k[0] != "_"}


@route("DELETE", P + "/monitors/{name}")
def monitor_delete(w: World, r: Req):
    if w.monitors.pop(r.params["name"], None) is None:
        raise no_such(f"No monitor found for endpoint {r.params['name']}.")
    return {}
