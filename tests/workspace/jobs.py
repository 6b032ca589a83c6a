"""Jobs: the two system jobs behind monitoring and archival, plus enough of the Jobs API to drive them."""

from __future__ import annotations

import hashlib
import json

from google.protobuf.json_format import ParseDict
from mlflow.protos import assessments_pb2 as ap
from mlflow.protos import service_pb2 as s

from . import llm
from .core import ApiError, Req, bad, now_ms, route, to_json
from .state import World, page
from .traces import add_assessment, dur_ms, exp_of, full_info, match, parse_filter, req_ms, trace_data

P = "/api/2.2/jobs"


def make_job(w: World, user, name: str, kind: str, eid: str, paused: bool, minutes: int | None) -> dict:
    jid = w.big_id()
    job = {
        "job_id": jid,
        "creator_user_name": user.user_name,
        "run_as_user_name": user.user_name,
        "created_time": now_ms(),
        "settings": {
            "name": name,
            "format": "MULTI_TASK",
            "max_concurrent_runs": 1,
            "timeout_seconds": 0,
            "schedule": {
                "quartz_cron_expression": f"0 0/{minutes or 15} * * * ?",
                "timezone_id": "UTC",
                "pause_status": "PAUSED" if paused else "UNPAUSED",
            },
            "tags": {"mlflow_experiment_id": eid},
            "tasks": [{"task_key": kind, "run_if": "ALL_SUCCESS", "environment_key": "default"}],
        },
        "_kind": kind,
        "_experiment_id": eid,
        "_done": set(),
    }
    w.jobs[jid] = job
    return job


def view(j: dict, tasks: bool = True) -> dict:
    out = {k: v for k, v in j.items() if k[0] != "_"}
    if not tasks:
        out = {**out, "settings": {k: v for k, v in out["settings"].items() if k != "tasks"}}
    return out


def get_job(w: World, jid) -> dict:
    try:
        return w.jobs[int(jid)]
    except (KeyError, TypeError, ValueError):
        raise ApiError("INVALID_PARAMETER_VALUE", f"Job {jid} does not exist.", 400) from None


# ------------------------------------------------------------------ what the system jobs do
def _io(w: World, tid: str) -> tuple:
    spans = trace_data(w, tid).get("spans", [])
    root = next((x for x in spans if not x.get("parent_span_id")), None)
    at = (root or {}).get("attributes") or {}

    def load(k):
        try:
            return json.loads(at[k])
        except (KeyError, ValueError, TypeError):
            return None

    return load("mlflow.spanInputs"), load("mlflow.spanOutputs")


def _text(v) -> str:
    if v is None:
        return ""
    if isinstance(v, str):
        return v
    if isinstance(v, dict):
        if "output" in v and isinstance(v["output"], list):
            return "\n".join(
                c.get("text", "")
                for o in v["output"]
                if isinstance(o, dict)
                for c in (o.get("content") or [])
                if isinstance(c, dict)
            )
        if "choices" in v:
            m = (v["choices"] or [{}])[0].get("message", {})
            return _text(m.get("content"))
    if isinstance(v, list) and v and isinstance(v[0], dict) and "text" in v[0]:
        return "\n".join(x.get("text", "") for x in v)
    return json.dumps(v, ensure_ascii=False)


def score(w: World, scorer: dict, tid: str) -> dict:
    """{"value", "rationale"} or {"error"} for one scorer on one trace."""
    inputs, outputs = _io(w, tid)
    req, resp = _text(inputs), _text(outputs)
    spec = json.loads(scorer["serialized_scorer"])
    cls = spec.get("builtin_scorer_class")
    data = spec.get("builtin_scorer_pydantic_data") or {}
    if cls == "Safety":
        v, why = llm.verdict(w, "harmfulness", req, resp)
        return {"value": "no" if v == "yes" else "yes", "rationale": why}
    if cls in ("Guidelines", "ExpectationsGuidelines"):
        g = data.get("guidelines") or []
        v, why = llm.verdict(w, "guidelines", req, resp, [g] if isinstance(g, str) else g)
        return {"value": v, "rationale": why}
    if cls:
        name = {
            "RelevanceToQuery": "relevance_to_query",
            "RetrievalGroundedness": "groundedness",
            "RetrievalRelevance": "chunk_relevance",
            "Correctness": "correctness",
        }.get(cls, "other")
        v, why = llm.verdict(w, name, req, resp)
        return {"value": v, "rationale": why}
    if spec.get("instructions_judge_pydantic_data"):
        ins = spec["instructions_judge_pydantic_data"].get("instructions", "")
        o = llm.judge_prompt(w, f"{ins}\n<response>{resp}</response>")
        return {"value": o["result"], "rationale": o["rationale"]}
    src = spec.get("call_source")
    if src:
        import textwrap

        name = spec.get("original_func_name") or spec.get("name")
        ns: dict = {}
        try:
            code = f"def {name}{spec.get('call_signature', '(inputs, outputs)')}:\n" + textwrap.indent(
                textwrap.dedent(src), "    "
            )
            exec("from typing import *\nfrom mlflow.entities import *\n" + code, ns)
            import inspect

            avail = {"inputs": inputs, "outputs": outputs, "trace": None, "expectations": None}
            kw = {k: avail.get(k) for k in inspect.signature(ns[name]).parameters}
            out = ns[name](**kw)
        except Exception as e:  # noqa: BLE001 - somebody's own scorer runs here
            return {"error": f"{type(e).__name__}: {e}"}
        if hasattr(out, "value"):
            return {"value": out.value, "rationale": getattr(out, "rationale", "") or ""}
        return {"value": out, "rationale": ""}
    return {"error": "unsupported scorer"}


def _feedback(name: str, res: dict, version) -> ap.Assessment:
    a = ap.Assessment(assessment_name=name)
    a.source.source_type = ap.AssessmentSource.LLM_JUDGE
    a.source.source_id = "databricks"
    if "error" in res:
        a.feedback.error.error_code = "SCORER_ERROR"
        a.feedback.error.error_message = res["error"]
    else:
        ParseDict(res["value"], a.feedback.value)
        a.rationale = res.get("rationale", "")
    a.metadata["mlflow.assessment.scheduledScorer"] = "true"
    if version:
        a.metadata["mlflow.assessment.scorerVersion"] = str(version)
    return a


def _sampled(tid: str, name: str, rate: float) -> bool:
    return (
        int(hashlib.sha256(f"{tid}|{name}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < rate if rate < 1 else rate >= 1
    )


def _monitored(w: World, t, eid: str) -> bool:
    """A trace of the experiment itself, or of the UC location it is linked to once it names a SQL warehouse."""
    if t.location is None:
        return exp_of(t) == eid
    from .uc_traces import linked

    tags = {x.key: x.value for x in w.experiments[eid].tags}
    return linked(w, eid) == t.location and tags.get("mlflow.monitoring.sqlWarehouseId") in w.warehouses


def run_metrics(w: World, job: dict) -> str:
    eid = job["_experiment_id"]
    n = 0
    for sc in w.scorers.get(eid, []):
        rate = float(sc.get("sample_rate") or 0)
        if rate <= 0:
            continue
        clauses = parse_filter(sc.get("filter_string") or "")
        for t in list(w.traces.values()):
            tid = t.info.trace_id
            if (
                not _monitored(w, t, eid)
                or (tid, sc["name"]) in job["_done"]
                or req_ms(t.info) < sc["_since"] - 3600_000
            ):
                continue
            if t.info.state == s.TraceInfoV3.IN_PROGRESS or not match(w, t, clauses):
                continue
            job["_done"].add((tid, sc["name"]))
            if not _sampled(tid, sc["name"], rate):
                continue
            add_assessment(w, tid, _feedback(sc["name"], score(w, sc, tid), sc.get("scorer_version")))
            n += 1
    return f"{n} assessments written"


def run_backfill(w: World, job: dict) -> str:
    b, eid, n = job["_backfill"], job["_experiment_id"], 0
    rates = {x["name"]: x["sample_rate"] for x in b["scorer_sample_rates"]}
    for sc in w.scorers.get(eid, []):
        if sc["name"] not in rates:
            continue
        for t in list(w.traces.values()):
            tid = t.info.trace_id
            if exp_of(t) != eid or (b.get("trace_ids") and tid not in b["trace_ids"]):
                continue
            if not (b.get("start_timestamp_ms") or 0) <= req_ms(t.info) <= (b.get("end_timestamp_ms") or now_ms()):
                continue
            if _sampled(tid, sc["name"], float(rates[sc["name"]] or 0)):
                add_assessment(w, tid, _feedback(sc["name"], score(w, sc, tid), sc.get("scorer_version")))
                n += 1
    return f"{n} assessments written"


ARCHIVE_COLUMNS = [
    ("trace_id", "string"),
    ("client_request_id", "string"),
    ("trace_location", "string"),
    ("request_time", "timestamp"),
    ("state", "string"),
    ("execution_duration_ms", "bigint"),
    ("request", "string"),
    ("response", "string"),
    ("request_preview", "string"),
    ("response_preview", "string"),
    ("trace_metadata", "map<string,string>"),
    ("tags", "map<string,string>"),
    ("assessments", "string"),
    ("spans", "string"),
]


def archive_row(w: World, t) -> dict:
    js = to_json(full_info(t))
    inp, out = _io(w, t.info.trace_id)

    def d(v):
        return json.dumps(v, ensure_ascii=False)

    return {
        "trace_id": t.info.trace_id,
        "client_request_id": t.info.client_request_id or None,
        "trace_location": d(js.get("trace_location")),
        "request_time": js.get("request_time"),
        "state": js.get("state"),
        "execution_duration_ms": dur_ms(t.info),
        "request": d(inp),
        "response": d(out),
        "request_preview": t.info.request_preview,
        "response_preview": t.info.response_preview,
        "trace_metadata": d(js.get("trace_metadata", {})),
        "tags": d(js.get("tags", {})),
        "assessments": d(js.get("assessments", [])),
        "spans": d(trace_data(w, t.info.trace_id).get("spans", [])),
    }


def run_archive(w: World, job: dict) -> str:
    from .uc_catalog import make_table

    a = w.archival[job["_experiment_id"]]
    if a["table"] not in w.tables:
        make_table(w, a["table"], job["creator_user_name"], ARCHIVE_COLUMNS)
    t = w.tables[a["table"]]
    rows = {x["trace_id"]: x for x in t["_rows"]}
    n = 0
    for tr in w.traces.values():
        if exp_of(tr) == job["_experiment_id"] and tr.info.state != s.TraceInfoV3.IN_PROGRESS:
            n += tr.info.trace_id not in rows
            rows[tr.info.trace_id] = archive_row(w, tr)
    t["_rows"][:] = list(rows.values())
    return f"{n} traces archived"


def run_job(w: World, job: dict) -> dict:
    rid = w.big_id()
    t0 = now_ms()
    fn = {"metrics": run_metrics, "archive": run_archive, "backfill": run_backfill}.get(job["_kind"])
    try:
        msg, result = (fn(w, job) if fn else "nothing to do"), "SUCCESS"
    except Exception as e:  # noqa: BLE001 - a job that fails is a result
        msg, result = f"{type(e).__name__}: {e}", "FAILED"
    run = {
        "run_id": rid,
        "job_id": job["job_id"],
        "run_name": job["settings"]["name"],
        "start_time": t0,
        "end_time": now_ms(),
        "run_duration": now_ms() - t0,
        "run_type": "JOB_RUN",
        "trigger": "PERIODIC",
        "creator_user_name": job["creator_user_name"],
        "state": {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": msg},
        "status": {"state": "TERMINATED"},
        "run_page_url": f"{w.base_url}/jobs/{job['job_id']}/runs/{rid}",
    }
    w.job_runs[rid] = run
    return run


def tick_all(w: World) -> list[dict]:
    """One scheduled round: every job that is not paused runs once."""
    with w.lock:
        out = []
        for j in list(w.jobs.values()):
            if j["settings"]["schedule"]["pause_status"] == "UNPAUSED":
                r = run_job(w, j)
                out.append({"job": j["settings"]["name"], "run_id": r["run_id"], **r["state"]})
        return out


# ------------------------------------------------------------------ Jobs API (2.1 and 2.2)
def both(method: str, tail: str):
    def deco(fn):
        route(method, "/api/2.2/jobs" + tail)(fn)
        route(method, "/api/2.1/jobs" + tail)(fn)
        return fn

    return deco


@both("GET", "/list")
def job_list(w: World, r: Req):
    items = sorted(w.jobs.values(), key=lambda j: -j["created_time"])
    if r.q("name"):
        items = [j for j in items if j["settings"]["name"].lower() == r.q("name").lower()]
    lim = int(r.q("limit") or 20)
    if not 1 <= lim <= 100:
        raise bad(f"Invalid limit: {lim}. It must be between 1 and 100.")
    out, tok = page(items, r.q("page_token"), lim, w.config["max_page"])
    res = {"jobs": [view(j, r.q("expand_tasks") == "true") for j in out], "has_more": bool(tok)}
    if not out:
        res.pop("jobs")
    if tok:
        res["next_page_token"] = tok
    return res


@both("GET", "/get")
def job_get(w: World, r: Req):
    return view(get_job(w, r.q("job_id")))


@both("POST", "/update")
def job_update(w: World, r: Req):
    b = r.fields(required=("job_id",), optional=("new_settings", "fields_to_remove"))
    j = get_job(w, b["job_id"])
    new = b.get("new_settings") or {}
    sch = new.get("schedule") or {}
    if sch and sch.get("pause_status") not in (None, "PAUSED", "UNPAUSED"):
        raise bad(f"Invalid pause_status {sch.get('pause_status')}")
    if sch and not (sch.get("quartz_cron_expression") and sch.get("timezone_id")):
        raise bad("schedule.quartz_cron_expression and schedule.timezone_id are required when a schedule is updated.")
    for k, v in new.items():
        j["settings"][k] = v
    return {}


@both("POST", "/run-now")
def job_run_now(w: World, r: Req):
    b = r.fields(required=("job_id",))
    run = run_job(w, get_job(w, b["job_id"]))
    return {"run_id": run["run_id"], "number_in_job": run["run_id"]}


@both("POST", "/delete")
def job_delete(w: World, r: Req):
    w.jobs.pop(get_job(w, r.fields(required=("job_id",))["job_id"])["job_id"])
    return {}


@both("GET", "/runs/list")
def run_list(w: World, r: Req):
    items = sorted(w.job_runs.values(), key=lambda x: -x["start_time"])
    if r.q("job_id"):
        get_job(w, r.q("job_id"))
        items = [x for x in items if x["job_id"] == int(r.q("job_id"))]
    if r.q("active_only") == "true":
        items = []
    out, tok = page(items, r.q("page_token"), int(r.q("limit") or 20), w.config["max_page"])
    res = {"has_more": bool(tok)}
    if out:
        res["runs"] = out
    if tok:
        res["next_page_token"] = tok
    return res


@both("GET", "/runs/get")
def run_get(w: World, r: Req):
    x = w.job_runs.get(int(r.q("run_id") or 0))
    if x is None:
        raise bad(f"Run {r.q('run_id')} does not exist.")
    return x


@both("GET", "/runs/get-output")
def run_output(w: World, r: Req):
    x = w.job_runs.get(int(r.q("run_id") or 0))
    if x is None:
        raise bad(f"Run {r.q('run_id')} does not exist.")
    return {"metadata": x, "logs": x["state"]["state_message"]}
