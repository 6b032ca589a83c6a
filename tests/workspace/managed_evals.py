"""managed-evals: scheduled scorers, monitors, trace archival, review apps, labeling sessions, datasets."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid

from .core import ApiError, Req, bad, now_ms, route
from .state import World, page, uc_name
from .tracking import get_exp
from .uc_catalog import make_table, require_privilege

P = "/api/2.0/managed-evals"
MAX_SCORERS = 20


def iso(ms: int | None = None) -> str:
    at = ms or now_ms()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + f".{at % 1000:03d}Z"


def _nf(msg: str) -> ApiError:
    return ApiError("NOT_FOUND", msg, 404)


def _monitoring_on(w: World) -> None:
    if not w.config["previews"]["production_monitoring"]:
        raise ApiError(
            "PERMISSION_DENIED",
            "Production monitoring is not enabled for this workspace. A workspace admin can "
            "enable it from the Previews page.",
        )


# ------------------------------------------------------------------ scheduled scorers
def _check_scorers(scorers: list) -> list[dict]:
    if not isinstance(scorers, list):
        raise bad("scheduled_scorers.scorers must be a list.")
    if len(scorers) > MAX_SCORERS:
        raise bad(f"At most {MAX_SCORERS} scorers can be associated with an experiment, got {len(scorers)}.")
    out, names = [], set()
    for s in scorers:
        extra = set(s) - {
            "name",
            "serialized_scorer",
            "builtin",
            "custom",
            "sample_rate",
            "filter_string",
            "scorer_version",
        }
        if extra:
            raise bad(f"Unknown scorer field(s): {sorted(extra)}")
        if not s.get("name"):
            raise bad("Scorer name is required.")
        if s["name"] in names:
            raise bad(f"Duplicate scorer name '{s['name']}'.")
        names.add(s["name"])
        rate = s.get("sample_rate")
        if rate is not None and not 0 <= float(rate) <= 1:
            raise bad(f"sample_rate must be between 0 and 1, got {rate}.")
        try:
            json.loads(s.get("serialized_scorer") or "")
        except ValueError:
            raise bad(f"serialized_scorer of '{s['name']}' is not valid JSON.") from None
        if ("builtin" in s) == ("custom" in s):
            raise bad(f"Exactly one of builtin or custom must be set for scorer '{s['name']}'.")
        if s.get("filter_string"):
            from .traces import parse_filter

            parse_filter(s["filter_string"])
        out.append(dict(s))
    return out


def _store(w: World, eid: str, new: list[dict]) -> None:
    """Keep the definitions versioned: a changed definition gets the next version number."""
    old = {s["name"]: s for s in w.scorers.get(eid, [])}
    for s in new:
        vs = w.scorer_versions.setdefault((eid, s["name"]), [])
        prev = vs[-1] if vs else None
        if prev is None or prev["serialized_scorer"] != s["serialized_scorer"]:
            vs.append(
                {
                    "scorer_version": len(vs) + 1,
                    "serialized_scorer": s["serialized_scorer"],
                    "builtin": s.get("builtin"),
                    "custom": s.get("custom"),
                    "create_time": iso(),
                }
            )
        s["scorer_version"] = vs[-1]["scorer_version"]
        s.setdefault("_since", old.get(s["name"], {}).get("_since", now_ms()))
    for gone in set(old) - {s["name"] for s in new}:
        w.scorer_versions.pop((eid, gone), None)
    w.scorers[eid] = new


def _public(s: dict) -> dict:
    return {k: v for k, v in s.items() if not k.startswith("_")}


def _info(w: World, eid: str, r: Req | None = None) -> dict:
    items = [_public(s) for s in w.scorers.get(eid, [])]
    tok = None
    if r is not None:
        items, tok = page(items, r.q("page_token"), None, w.config["max_page"])
    out = {"experiment_id": eid, "scheduled_scorers": {"scorers": items}}
    if tok:
        out["next_page_token"] = tok
    return out


def _ensure_job(w: World, r: Req, eid: str) -> None:
    """The job is created with the first scorer that actually runs; a deployment made earlier leaves it PAUSED."""
    from .jobs import make_job

    if not any((s.get("sample_rate") or 0) > 0 for s in w.scorers.get(eid, [])):
        return
    if any(j["_kind"] == "metrics" and j["_experiment_id"] == eid for j in w.jobs.values()):
        return
    mins = w.monitoring_config.get(eid, {}).get("frequency_minutes") or 15
    make_job(
        w,
        r.user,
        f"{eid} Trace Metrics Computation Job",
        "metrics",
        eid,
        paused=experiment_is_served(w, eid),
        minutes=mins,
    )


def experiment_is_served(w: World, eid: str) -> bool:
    from .tracking import exp_by_name

    for ep in w.endpoints.values():
        if not ep.get("id"):
            continue
        if any(t["key"] == "MONITOR_EXPERIMENT_ID" and t.get("value") == eid for t in ep.get("tags", [])):
            return True
        for cfg in (ep.get("config"), ep.get("pending_config")):
            for se in (cfg or {}).get("served_entities", []):
                env = se.get("environment_vars") or {}
                if env.get("MLFLOW_EXPERIMENT_ID") == eid:
                    return True
                e = exp_by_name(w, env.get("MLFLOW_EXPERIMENT_NAME", "")) if env.get("MLFLOW_EXPERIMENT_NAME") else None
                if e is not None and e.experiment_id == eid:
                    return True
    return False


def _monitor_of(w: World, eid: str) -> dict | None:
    return next((m for m in w.monitors.values() if m["monitor"].get("experiment_id") == eid), None)


@route("GET", P + "/scheduled-scorers/{eid}")
def scorers_get(w: World, r: Req):
    _monitoring_on(w)
    if r.params["eid"] not in w.experiments:
        raise _nf(f"Experiment {r.params['eid']} not found.")
    return _info(w, r.params["eid"], r)


@route("POST", P + "/scheduled-scorers/{eid}")
def scorers_create(w: World, r: Req):
    _monitoring_on(w)
    eid = r.params["eid"]
    if eid not in w.experiments:
        raise _nf(f"Experiment {eid} not found.")
    get_exp(w, eid, active=True)
    if eid in w.scorers:
        raise ApiError("ALREADY_EXISTS", f"Scheduled scorers already exist for experiment {eid}.", 409)
    m = _monitor_of(w, eid)
    if m is not None:
        raise ApiError(
            "ALREADY_EXISTS",
            f"Cannot create scheduled scorers for experiment {eid} because a monitor is already configured.",
            409,
        )
    b = r.fields(required=("scheduled_scorers",), optional=("experiment_id",))
    _store(w, eid, _check_scorers((b["scheduled_scorers"] or {}).get("scorers") or []))
    _ensure_job(w, r, eid)
    return _info(w, eid)


@route("PATCH", P + "/scheduled-scorers/{eid}")
def scorers_update(w: World, r: Req):
    _monitoring_on(w)
    eid = r.params["eid"]
    if eid not in w.experiments:
        raise _nf(f"Experiment {eid} not found.")
    b = r.fields(required=("scheduled_scorers", "update_mask"), optional=("experiment_id",))
    if b["update_mask"] != "scheduled_scorers.scorers":
        raise bad(f"Unsupported update_mask '{b['update_mask']}'.")
    if eid not in w.scorers:
        raise _nf(f"No scheduled scorers exist for experiment {eid}.")
    _store(w, eid, _check_scorers((b["scheduled_scorers"] or {}).get("scorers") or []))
    _ensure_job(w, r, eid)
    return _info(w, eid)


@route("DELETE", P + "/scheduled-scorers/{eid}")
def scorers_delete(w: World, r: Req):
    if r.params["eid"] not in w.scorers:
        raise _nf(f"No scheduled scorers exist for experiment {r.params['eid']}.")
    w.scorers.pop(r.params["eid"])
    for k in [k for k, j in w.jobs.items() if j["_kind"] == "metrics" and j["_experiment_id"] == r.params["eid"]]:
        w.jobs.pop(k)
    return {}


@route("POST", P + "/scheduled-scorers/{eid}/backfill")
def scorers_backfill(w: World, r: Req):
    from .jobs import make_job, run_job

    eid = r.params["eid"]
    b = r.fields(
        required=("experiment_id", "scorer_sample_rates"),
        optional=("endpoint_name", "start_timestamp_ms", "end_timestamp_ms", "trace_ids"),
    )
    known = {s["name"] for s in w.scorers.get(eid, [])}
    for s in b["scorer_sample_rates"]:
        if s["name"] not in known:
            raise _nf(f"Scorer '{s['name']}' is not registered for experiment {eid}.")
    job = make_job(w, r.user, f"{eid} Metric Backfill Job", "backfill", eid, paused=True, minutes=None)
    job["_backfill"] = b
    run_job(w, job)
    return {"job_id": str(job["job_id"])}


@route("DELETE", P + "/experiments/{eid}/backfill/{job}")
def backfill_cleanup(w: World, r: Req):
    w.jobs.pop(int(r.params["job"]), None)
    return {}


@route("GET", P + "/experiments/{eid}/monitoring-configuration")
def monitoring_get(w: World, r: Req):
    if r.params["eid"] not in w.experiments:
        raise _nf(f"Experiment {r.params['eid']} not found.")
    return w.monitoring_config.get(r.params["eid"], {})


@route("PATCH", P + "/experiments/{eid}/monitoring-configuration")
def monitoring_set(w: World, r: Req):
    eid = r.params["eid"]
    n = (r.fields(required=("monitoring_configuration",))["monitoring_configuration"] or {}).get("frequency_minutes")
    if not isinstance(n, int) or not 1 <= n <= 60:
        raise bad(f"frequency_minutes must be in [1, 60] but was {n}")
    if eid not in w.scorers:
        raise _nf(f"No scheduled scorers exist for experiment {eid}.")
    w.monitoring_config[eid] = {"frequency_minutes": n}
    for j in w.jobs.values():
        if j["_kind"] == "metrics" and j["_experiment_id"] == eid:
            j["settings"]["schedule"]["quartz_cron_expression"] = f"0 0/{n} * * * ?"
    return w.monitoring_config[eid]


# ---- versions of one scorer
def _scorer_name(key: str) -> str:
    try:
        return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode()
    except ValueError:
        raise bad(f"Invalid scorer key '{key}'.") from None


def _version_view(eid: str, name: str, key: str, v: dict) -> dict:
    return {
        "name": f"experiments/{eid}/scorers/{key}/versions/{v['scorer_version']}",
        "display_name": name,
        "scorer_version": v["scorer_version"],
        "serialized_scorer": v["serialized_scorer"],
        "create_time": v["create_time"],
        **({"builtin": v["builtin"]} if v.get("builtin") else {"custom": v.get("custom") or {}}),
    }


@route("GET", P + "/experiments/{eid}/scorers/{key}/versions")
def scorer_versions(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    vs = w.scorer_versions.get((r.params["eid"], name))
    if vs is None:
        raise _nf(f"Scorer '{name}' not found in experiment {r.params['eid']}.")
    return {"scorer_versions": [_version_view(r.params["eid"], name, r.params["key"], v) for v in vs]}


@route("GET", P + "/experiments/{eid}/scorers/{key}/versions/{version}")
def scorer_version(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    for v in w.scorer_versions.get((r.params["eid"], name), []):
        if str(v["scorer_version"]) == r.params["version"]:
            return _version_view(r.params["eid"], name, r.params["key"], v)
    raise _nf(f"Scorer version {r.params['version']} of '{name}' not found in experiment {r.params['eid']}.")


@route("DELETE", P + "/experiments/{eid}/scorers/{key}/versions/{version}")
def scorer_version_delete(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    vs = w.scorer_versions.get((r.params["eid"], name), [])
    keep = [v for v in vs if str(v["scorer_version"]) != r.params["version"]]
    if len(keep) == len(vs):
        raise _nf(f"Scorer version {r.params['version']} of '{name}' not found in experiment {r.params['eid']}.")
    vs[:] = keep
    return {}


# ------------------------------------------------------------------ legacy monitors
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
    raise _nf(f"No monitor found for table {r.params['table']}.")


@route("POST", P + "/monitors/{name}")
def monitor_create(w: World, r: Req):
    _monitoring_on(w)
    m = r.fields(required=("monitor_config",), optional=())["monitor_config"]
    eid = m.get("experiment_id")
    if eid not in w.experiments:
        raise _nf(f"Experiment {eid} not found.")
    if w.scorers.get(eid):
        rid = str(uuid.uuid4())
        raise ApiError(
            "ALREADY_EXISTS",
            f"Error [{rid}]: Cannot create a monitor for experiment {eid} because scheduled "
            "scorers are already configured. Please delete the scheduled scorers first using the delete "
            "scheduled scorers API, then create your monitor.",
            409,
        )
    if r.params["name"] in w.monitors or _monitor_of(w, eid):
        raise ApiError("ALREADY_EXISTS", f"A monitor already exists for experiment {eid}.", 409)
    if not m.get("is_agent_external") and r.params["name"] not in w.endpoints:
        raise _nf(f"Serving endpoint {r.params['name']} not found.")
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
        raise _nf(f"No monitor found for endpoint {r.params['name']}.")
    return {k: v for k, v in w.monitors[r.params["name"]].items() if k[0] != "_"}


@route("PATCH", P + "/monitors/{name}")
def monitor_update(w: World, r: Req):
    if r.params["name"] not in w.monitors:
        raise _nf(f"No monitor found for endpoint {r.params['name']}.")
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
        raise _nf(f"No monitor found for endpoint {r.params['name']}.")
    return {}


# ------------------------------------------------------------------ trace archival
@route("POST", P + "/experiments/{eid}/trace-archival")
def archival_start(w: World, r: Req):
    if not w.config["previews"]["trace_archival"]:
        raise ApiError("PERMISSION_DENIED", "Trace archival is not enabled for this workspace.")
    eid = r.params["eid"]
    b = r.fields(required=("experiment_id", "archive_table_fullname"), optional=())
    if eid not in w.experiments or b["experiment_id"] != eid:
        raise _nf(f"Experiment {eid} not found.")
    if eid in w.archival:
        raise ApiError("ALREADY_EXISTS", f"Trace archival is already configured for experiment {eid}.", 409)
    t = b["archive_table_fullname"]
    cat, sch, _ = uc_name(t, "table name")
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE TABLE")
    from .jobs import make_job

    job = make_job(w, r.user, f"{eid} Trace Archive Job", "archive", eid, paused=False, minutes=15)
    w.archival[eid] = {"table": t, "job_id": job["job_id"]}
    from .tracking import _set_kv

    _set_kv(w.experiments[eid].tags, "mlflow.experiment.traceArchivalTable", t)
    return {"job_id": str(job["job_id"])}


@route("DELETE", P + "/experiments/{eid}/trace-archival")
def archival_stop(w: World, r: Req):
    a = w.archival.pop(r.params["eid"], None)
    if a is None:
        raise _nf("Trace archival is not configured.")
    w.jobs.pop(a["job_id"], None)
    return {}


@route("POST", P + "/archive-job/{eid}/record-event")
def archival_event(w: World, r: Req):
    return {}


@route("POST", P + "/custom-judge-model/record-event")
def judge_event(w: World, r: Req):
    return {}


# ------------------------------------------------------------------ review apps and labeling sessions
def _app(w: World, rid: str) -> dict:
    a = w.review_apps.get(rid)
    if a is None:
        raise _nf(f"Review app {rid} not found.")
    return a


@route("GET", P + "/review-apps")
def review_list(w: World, r: Req):
    m = re.match(r"^\s*experiment_id\s*=\s*['\"]?(\w+)['\"]?\s*$", r.q("filter") or "")
    if not m:
        raise bad(f"Unsupported filter '{r.q('filter')}'. Expected experiment_id=<id>.")
    return {"review_apps": [a for a in w.review_apps.values() if a["experiment_id"] == m[1]]}


@route("POST", P + "/review-apps")
def review_create(w: World, r: Req):
    b = r.json
    eid = b.get("experiment_id")
    if eid not in w.experiments:
        raise _nf(f"Experiment {eid} not found.")
    if any(a["experiment_id"] == eid for a in w.review_apps.values()):
        raise ApiError("ALREADY_EXISTS", f"A review app already exists for experiment {eid}.", 409)
    rid = uuid.uuid4().hex
    w.review_apps[rid] = {
        "review_app_id": rid,
        "experiment_id": eid,
        "agents": b.get("agents") or [],
        "labeling_schemas": b.get("labeling_schemas") or [],
    }
    return w.review_apps[rid]


@route("PATCH", P + "/review-apps/{rid}")
def review_update(w: World, r: Req):
    a = _app(w, r.params["rid"])
    for f in (r.q("update_mask") or "").split(","):
        if f not in ("agents", "labeling_schemas"):
            raise bad(f"Field '{f}' cannot be updated.")
        names = [x.get("agent_name") or x.get("name") for x in r.json.get(f) or []]
        if len(names) != len(set(names)):
            raise bad(f"Duplicate names in {f}.")
        a[f] = r.json.get(f) or []
    return a


@route("GET", P + "/review-apps/{rid}/labeling-sessions")
def session_list(w: World, r: Req):
    _app(w, r.params["rid"])
    items = [{k: v for k, v in s.items() if k[0] != "_"} for s in w.sessions.values() if s["_app"] == r.params["rid"]]
    out, tok = page(items, r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"])
    return {"labeling_sessions": out, **({"next_page_token": tok} if tok else {})}


@route("POST", P + "/review-apps/{rid}/labeling-sessions")
def session_create(w: World, r: Req):
    a = _app(w, r.params["rid"])
    b = r.json
    if not b.get("name"):
        raise bad("Missing required field: name")
    known = {s["name"] for s in a["labeling_schemas"]}
    for s in b.get("labeling_schemas") or []:
        if s["name"] not in known:
            raise bad(f"Label schema '{s['name']}' does not exist in this review app.")
    if (b.get("agent") or {}).get("agent_name") and b["agent"]["agent_name"] not in {
        x["agent_name"] for x in a["agents"]
    }:
        raise bad(f"Agent '{b['agent']['agent_name']}' does not exist in this review app.")
    from mlflow.protos import service_pb2 as s

    from .tracking import create_run

    run = create_run(
        w,
        Req(
            "POST",
            "",
            [],
            {},
            b"",
            user=r.user,
            msg=s.CreateRun(
                experiment_id=a["experiment_id"],
                run_name=b["name"],
                tags=[s.RunTag(key="mlflow.runType", value="LABELING_SESSION")],
            ),
        ),
    ).run
    sid = str(uuid.uuid4())
    w.sessions[sid] = {
        "labeling_session_id": sid,
        "mlflow_run_id": run.info.run_id,
        "name": b["name"],
        "assigned_users": b.get("assigned_users") or [],
        "agent": b.get("agent"),
        "labeling_schemas": b.get("labeling_schemas") or [],
        "additional_configs": b.get("additional_configs"),
        "_app": r.params["rid"],
        "_items": [],
    }
    return {k: v for k, v in w.sessions[sid].items() if k[0] != "_"}


def _session(w: World, r: Req) -> dict:
    s = w.sessions.get(r.params["sid"])
    if s is None or s["_app"] != r.params["rid"]:
        raise _nf(f"Labeling session {r.params['sid']} not found.")
    return s


@route("PATCH", P + "/review-apps/{rid}/labeling-sessions/{sid}")
def session_update(w: World, r: Req):
    s = _session(w, r)
    for f in (r.q("update_mask") or "").split(","):
        s[f] = r.json.get(f)
    return {k: v for k, v in s.items() if k[0] != "_"}


@route("DELETE", P + "/review-apps/{rid}/labeling-sessions/{sid}")
def session_delete(w: World, r: Req):
    _session(w, r)
    w.sessions.pop(r.params["sid"])
    return {}


@route("GET", P + "/review-apps/{rid}/labeling-sessions/{sid}/items")
def items_list(w: World, r: Req):
    out, tok = page(
        _session(w, r)["_items"], r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"]
    )
    return {"items": out, **({"next_page_token": tok} if tok else {})}


@route("POST", P + "/review-apps/{rid}/labeling-sessions/{sid}/items:batchCreate")
def items_create(w: World, r: Req):
    s = _session(w, r)
    made = []
    for it in r.fields(required=("items",))["items"]:
        src = it.get("source") or {}
        rounds = []
        if src.get("trace_id"):
            from .traces import rec

            rec(w, src["trace_id"])
            rounds = [{"trace_id": src["trace_id"]}]
        item = {
            "item_id": str(uuid.uuid4()),
            "create_time": iso(),
            "created_by": r.user.user_name,
            "source": src,
            "state": "PENDING",
            "chat_rounds": rounds,
        }
        s["_items"].append(item)
        made.append(item)
    return {"items": made}


@route("PATCH", P + "/review-apps/{rid}/labeling-sessions/{sid}/items/{item}")
def item_update(w: World, r: Req):
    for it in _session(w, r)["_items"]:
        if it["item_id"] == r.params["item"]:
            it.update({k: v for k, v in r.json.items() if k in ("state", "chat_rounds")})
            return it
    raise _nf(f"Item {r.params['item']} not found.")


# ------------------------------------------------------------------ evaluation datasets (UC tables)
def _ds_view(d: dict) -> dict:
    return {k: v for k, v in d.items() if k[0] != "_" and v is not None}


def _ds(w: World, did: str) -> dict:
    d = w.datasets.get(did)
    if d is None:
        raise _nf(f"Dataset {did} not found.")
    return d


def _ds_touch(w: World, d: dict, user: str, op: str) -> None:
    d["last_update_time"], d["last_updated_by"] = iso(), user
    d["digest"] = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(d["_records"], sort_keys=True, default=str)).hex[:8]
    d["_versions"].append(
        {
            "dataset_id": d["dataset_id"],
            "dataset": d["name"],
            "version": len(d["_versions"]),
            "create_time": iso(),
            "created_by": user,
            "operation": op,
            "_records": [dict(x) for x in d["_records"]],
        }
    )
    t = w.tables.get(d["name"])
    if t is not None:
        t["_rows"][:] = [
            {
                "dataset_record_id": x["dataset_record_id"],
                "create_time": x["create_time"],
                "inputs": json.dumps({i["key"]: i["value"] for i in x["inputs"]}, ensure_ascii=False),
                "expectations": json.dumps(
                    {k: v["value"] for k, v in (x.get("expectations") or {}).items()}, ensure_ascii=False
                ),
            }
            for x in d["_records"]
        ]


@route("POST", P + "/datasets")
def ds_create(w: World, r: Req):
    b = r.json
    name = b.get("name") or ""
    try:
        cat, sch, _ = uc_name(name, "table name")
    except ApiError:
        raise bad(f"Invalid table name: {name}") from None
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE TABLE")
    if name in w.tables:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Table '{name}' already exists")
    eids = [x for x in (r.q("experiment_ids") or "").split(",") if x]
    for e in eids:
        if e not in w.experiments:
            raise _nf(f"Experiment {e} not found.")
    t = make_table(
        w,
        name,
        r.user.user_name,
        [
            ("dataset_record_id", "string"),
            ("create_time", "timestamp"),
            ("inputs", "string"),
            ("expectations", "string"),
        ],
    )
    native = bool(w.config["uc_native_datasets"])
    d = {
        "dataset_id": t["table_id"],
        "name": name,
        "digest": uuid.uuid4().hex[:8],
        "source_type": "databricks-uc-table",
        "source": json.dumps({"table_name": name}),
        "create_time": iso(),
        "created_by": r.user.user_name,
        "last_update_time": iso(),
        "last_updated_by": r.user.user_name,
        "experiment_ids": eids,
        "is_uc_native": native,
        "_records": [],
        "_versions": [],
    }
    w.datasets[d["dataset_id"]] = d
    _ds_touch(w, d, r.user.user_name, "CREATE TABLE")
    return _ds_view(d)


@route("GET", P + "/datasets")
def ds_list(w: World, r: Req):
    items = list(w.datasets.values())
    f = r.q("filter")
    if f:
        m = re.match(r"^\s*experiment_id\s*=\s*['\"]?(\w+)['\"]?\s*$", f)
        if not m:
            raise bad(f"Unsupported filter '{f}'.")
        items = [d for d in items if m[1] in d["experiment_ids"]]
    out, tok = page(
        [_ds_view(d) for d in items], r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"]
    )
    return {"datasets": out, **({"next_page_token": tok} if tok else {})}


@route("GET", P + "/datasets/{did}")
def ds_get(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = _ds_view(d)
    if r.q("version") is not None:
        v = next((x for x in d["_versions"] if str(x["version"]) == r.q("version")), None)
        if v is None:
            raise _nf(f"Version {r.q('version')} of dataset {d['name']} not found.")
        out["version"] = {k: x for k, x in v.items() if k[0] != "_"}
    return out


@route("PATCH", P + "/datasets/{did}")
def ds_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    for f in (r.q("update_mask") or "").split(","):
        if f not in ("profile", "experiment_ids", "schema"):
            raise bad(f"Field '{f}' cannot be updated.")
        d[f] = r.json.get(f)
    return _ds_view(d)


@route("DELETE", P + "/datasets/{did}")
def ds_delete(w: World, r: Req):
    d = _ds(w, r.params["did"])
    w.datasets.pop(d["dataset_id"])
    w.tables.pop(d["name"], None)
    return {}


@route("GET", P + "/datasets/{did}/versions")
def ds_versions(w: World, r: Req):
    items = [{k: x for k, x in v.items() if k[0] != "_"} for v in reversed(_ds(w, r.params["did"])["_versions"])]
    out, tok = page(items, r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"])
    return {"dataset_versions": out, **({"next_page_token": tok} if tok else {})}


@route("GET", P + "/datasets/{did}/records")
def ds_records(w: World, r: Req):
    d = _ds(w, r.params["did"])
    recs = d["_records"]
    if r.q("version") is not None:
        v = next((x for x in d["_versions"] if str(x["version"]) == r.q("version")), None)
        if v is None:
            raise _nf(f"Version {r.q('version')} of dataset {d['name']} not found.")
        recs = v["_records"]
    out, tok = page(recs, r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"])
    return {"dataset_records": out, **({"next_page_token": tok} if tok else {})}


def _clean_record(rec: dict, user: str) -> dict:
    if not isinstance(rec.get("inputs"), list) or not rec["inputs"] or not all("key" in i for i in rec["inputs"]):
        raise bad("A dataset record needs a non-empty list of inputs with keys.")
    return {
        **{k: v for k, v in rec.items() if v is not None},
        "dataset_record_id": str(uuid.uuid4()),
        "create_time": iso(),
        "created_by": user,
        "last_update_time": iso(),
        "last_updated_by": user,
    }


@route("POST", P + "/datasets/{did}/records:batchCreate")
def ds_batch_create(w: World, r: Req):
    d = _ds(w, r.params["did"])
    new = [_clean_record(x["dataset_record"], r.user.user_name) for x in r.fields(required=("requests",))["requests"]]
    d["_records"].extend(new)
    _ds_touch(w, d, r.user.user_name, "WRITE")
    return {"dataset_records": new}


@route("POST", P + "/datasets/{did}/records:batchUpdate")
def ds_batch_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = []
    for x in r.fields(required=("requests",), optional=("dataset_id",))["requests"]:
        out.append(_ds_update_one(d, x["dataset_record_id"], x["dataset_record"], x["update_mask"], r.user.user_name))
    _ds_touch(w, d, r.user.user_name, "MERGE")
    return {"dataset_records": out}


def _ds_update_one(d: dict, rid: str, rec: dict, mask: str, user: str) -> dict:
    for x in d["_records"]:
        if x["dataset_record_id"] == rid:
            for f in mask.split(","):
                if f not in ("expectations", "tags", "inputs", "source"):
                    raise bad(f"Field '{f}' cannot be updated.")
                x[f] = rec.get(f)
            x["last_update_time"], x["last_updated_by"] = iso(), user
            return x
    raise _nf(f"Dataset record {rid} not found.")


@route("PATCH", P + "/datasets/{did}/records/{rid}")
def ds_record_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = _ds_update_one(d, r.params["rid"], r.json, r.q("update_mask") or "", r.user.user_name)
    _ds_touch(w, d, r.user.user_name, "MERGE")
    return out


@route("POST", P + "/datasets/{did}/records/{rid}/expectations")
def ds_expectations(w: World, r: Req):
    d = _ds(w, r.params["did"])
    for x in d["_records"]:
        if x["dataset_record_id"] == r.params["rid"]:
            x.setdefault("expectations", {}).update(r.json.get("expectations") or {})
            _ds_touch(w, d, r.user.user_name, "MERGE")
            return x
    raise _nf(f"Dataset record {r.params['rid']} not found.")


@route("POST", P + "/datasets/{did}/records:batchDelete")
def ds_batch_delete(w: World, r: Req):
    d = _ds(w, r.params["did"])
    ids = {x["dataset_record_id"] for x in r.fields(required=("requests",))["requests"]}
    d["_records"][:] = [x for x in d["_records"] if x["dataset_record_id"] not in ids]
    _ds_touch(w, d, r.user.user_name, "DELETE")
    return {}


# ------------------------------------------------------------------ synthetic questions
@route("POST", P + "/generate-questions")
def gen_questions(w: World, r: Req):
    b = r.fields(required=("doc_content", "num_questions"))
    lines = [x.strip() for x in re.split(r"[。.\n]", b["doc_content"]) if x.strip()] or [b["doc_content"]]
    return {
        "questions_with_context": [
            {"question": f"「{lines[i % len(lines)][:30]}」について教えてください。", "context": b["doc_content"]}
            for i in range(int(b["num_questions"]))
        ]
    }


@route("POST", P + "/generate-answer")
def gen_answer(w: World, r: Req):
    b = r.fields(required=("question", "context"), optional=("answer_types", "experiment_id"))
    return {"synthetic_ground_truth": b["context"][:200], "synthetic_minimal_facts": [b["context"][:80]]}
