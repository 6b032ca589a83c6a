"""Jobs: the two system jobs behind monitoring and archival, plus enough of the Jobs API to drive them."""

from __future__ import annotations

from .errors import ApiError, bad, now_ms
from .job_work import run_archive, run_backfill, run_metrics
from .routing import Req, route
from .state import World, page

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


def run_view(run: dict) -> dict:
    return {k: v for k, v in run.items() if k[0] != "_"}


def get_job(w: World, jid) -> dict:
    try:
        return w.jobs[int(jid)]
    except (KeyError, TypeError, ValueError):
        raise ApiError("INVALID_PARAMETER_VALUE", f"Job {jid} does not exist.", 400) from None


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
    for run in items:
        tend_run(w, run)
    if r.q("active_only") == "true":
        items = [x for x in items if x["state"]["life_cycle_state"] == "RUNNING"]
    out, tok = page(items, r.q("page_token"), int(r.q("limit") or 20), w.config["max_page"])
    res = {"has_more": bool(tok)}
    if out:
        res["runs"] = [run_view(x) for x in out]
    if tok:
        res["next_page_token"] = tok
    return res


def tend_run(w: World, run: dict) -> None:
    from .submitted_runs import tend

    tend(w, run)


@both("GET", "/runs/get")
def run_get(w: World, r: Req):
    x = w.job_runs.get(int(r.q("run_id") or 0))
    if x is None:
        raise bad(f"Run {r.q('run_id')} does not exist.")
    tend_run(w, x)
    return run_view(x)


@both("GET", "/runs/get-output")
def run_output(w: World, r: Req):
    id = int(r.q("run_id") or 0)
    x = w.job_runs.get(id)
    if x is not None and x.get("tasks"):
        raise bad("Retrieving the output of runs with multiple tasks is not supported. Ask for one task's run.")
    if x is None:
        x = next((run for run in w.job_runs.values() for task in run.get("tasks", []) if task["run_id"] == id), None)
    if x is None:
        raise bad(f"Run {r.q('run_id')} does not exist.")
    told = {"error": x["_error"]} if x.get("_error") and x["state"].get("result_state") == "FAILED" else {}
    return {"metadata": run_view(x), "logs": x.get("_log", x["state"]["state_message"]), **told}
