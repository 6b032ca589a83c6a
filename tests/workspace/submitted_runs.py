"""One-off runs (`runs/submit`): wheels really run, in a process of their own; of everything else the state is kept."""

from __future__ import annotations

from .errors import ApiError, bad, now_ms
from .jobs import both
from .routing import Req
from .state import World
from .submitted_work import SubmittedWork

ENDED = ("TERMINATED", "INTERNAL_ERROR", "SKIPPED")
TASK_KINDS = ("notebook_task", "spark_python_task", "python_wheel_task", "run_job_task", "sql_task")
TASK_KEYS = (
    "task_key",
    "description",
    "environment_key",
    "new_cluster",
    "existing_cluster_id",
    "libraries",
    "timeout_seconds",
    "max_retries",
    "min_retry_interval_millis",
    "retry_on_timeout",
    "disable_auto_optimization",
)
KEYS = (
    "run_name",
    "environments",
    "idempotency_token",
    "timeout_seconds",
    "access_control_list",
    "email_notifications",
    "queue",
    "health",
    "budget_policy_id",
    "run_as",
)
WHEEL_KEYS = {"package_name", "entry_point", "parameters", "named_parameters"}
SPEC_KEYS = {"client", "environment_version", "dependencies"}
VERSIONS = ("1", "2", "3", "4", "5")
LONGEST_TOKEN = 64


def check_environments(environments: list[dict]) -> None:
    for one in environments:
        spec = one.get("spec") or {}
        if set(one) - {"environment_key", "spec"} or not one.get("environment_key") or set(spec) - SPEC_KEYS:
            raise ApiError("MALFORMED_REQUEST", f"Could not parse environment {one.get('environment_key')}.")
        if spec.get("environment_version", spec.get("client")) not in VERSIONS:
            raise bad(f"Environment {one['environment_key']} must name an environment_version of {VERSIONS}.")
        if not all(isinstance(line, str) and line for line in spec.get("dependencies", [])):
            raise bad(f"The dependencies of environment {one['environment_key']} must be lines of text.")


def check_tasks(tasks: list[dict], environments: set[str]) -> None:
    if not tasks:
        raise bad("A run needs at least one task.")
    for task in tasks:
        if not task.get("task_key"):
            raise bad("Each task needs a task_key.")
        if set(task) - set(TASK_KEYS) - set(TASK_KINDS):
            raise ApiError("MALFORMED_REQUEST", f"Could not parse task {task['task_key']}: unknown field(s).")
        if sum(kind in task for kind in TASK_KINDS) != 1:
            raise bad(f"Task {task['task_key']} must name exactly one of {', '.join(TASK_KINDS)}.")
        if "python_wheel_task" in task:
            check_wheel(task, environments)


def check_wheel(task: dict, environments: set[str]) -> None:
    wheel = task["python_wheel_task"]
    if set(wheel) - WHEEL_KEYS or not wheel.get("package_name") or not wheel.get("entry_point"):
        raise bad(f"Task {task['task_key']} needs a package_name and an entry_point, and nothing that is not known.")
    if wheel.get("parameters") and wheel.get("named_parameters"):
        raise bad("Only one of parameters and named_parameters can be given.")
    if not all(isinstance(one, str) for one in wheel.get("parameters", [])):
        raise bad("Parameters must be text.")
    on_cluster = "new_cluster" in task or "existing_cluster_id" in task
    if on_cluster == ("environment_key" in task):
        raise bad(f"Task {task['task_key']} must have a cluster or an environment_key, and not both.")
    if not on_cluster and task["environment_key"] not in environments:
        raise bad(f"Task {task['task_key']} names environment {task['environment_key']}, which is not defined.")


@both("POST", "/runs/submit")
def submit(w: World, r: Req):
    b = r.fields(required=("tasks",), optional=KEYS)
    check_environments(b.get("environments", []))
    check_tasks(b["tasks"], {one["environment_key"] for one in b.get("environments", [])})
    token = b.get("idempotency_token")
    if token and len(token) > LONGEST_TOKEN:
        raise bad(f"idempotency_token has more than {LONGEST_TOKEN} characters.")
    for run in w.job_runs.values():
        if token and run.get("_token") == token:
            return {"run_id": run["run_id"]}
    id = w.big_id()
    serverless = any("environment_key" in task for task in b["tasks"])
    state = "PENDING" if serverless else "RUNNING"
    w.job_runs[id] = {
        "run_id": id,
        "run_name": b.get("run_name") or "Untitled",
        "run_type": "SUBMIT_RUN",
        "job_id": w.big_id(),
        "creator_user_name": r.user.user_name,
        "start_time": now_ms(),
        "tasks": [{**task, "run_id": w.big_id()} for task in b["tasks"]],
        "state": {"life_cycle_state": state, "state_message": ""},
        "status": {"state": state},
        "run_page_url": f"{w.base_url}/?o=#job/runs/{id}",
        "_token": token,
        "_environments": {one["environment_key"]: one.get("spec", {}) for one in b.get("environments", [])},
    }
    return {"run_id": id}


def tend(w: World, run: dict) -> None:
    """Start what waits for compute, unless it is told to wait, and settle what has ended."""
    wheels = [task for task in run.get("tasks", []) if "python_wheel_task" in task and "environment_key" in task]
    if not wheels or run["state"]["life_cycle_state"] in ENDED:
        return
    key = f"run-{run['run_id']}"
    if key not in w.processes and w.config["submitted_runs"] == "execute":
        spec = run["_environments"][wheels[0]["environment_key"]]
        w.processes[key] = SubmittedWork(w, run["creator_user_name"], wheels[0]["python_wheel_task"], spec)
        run["state"]["life_cycle_state"] = run["status"]["state"] = "RUNNING"
    work = w.processes.get(key)
    if work is not None and (code := work.ended()) is not None:
        run["_log"], run["_error"] = work.log_text(), work.error()
        work.close()
        end(run, "FAILED" if code else "SUCCESS", "Task work failed with message: Workload failed." if code else "")


@both("POST", "/runs/cancel")
def cancel(w: World, r: Req):
    id = r.fields(required=("run_id",))["run_id"]
    run = w.job_runs.get(int(id))
    if run is None:
        raise bad(f"Run {id} does not exist.")
    if work := w.processes.get(f"run-{id}"):
        work.close()
    end(run, "CANCELED", "Cancelled by the user.")
    return {}


def end(run: dict, result: str, message: str) -> None:
    """Settle a run that is still under way."""
    if run["state"]["life_cycle_state"] in ENDED:
        return
    run["state"] = {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": message}
    run["status"] = {"state": "TERMINATED"}
    run["end_time"] = now_ms()
