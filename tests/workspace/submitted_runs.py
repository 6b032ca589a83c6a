"""One-off runs (`runs/submit`): nothing runs, but their state is kept as a real workspace would keep it."""

from .errors import bad, now_ms
from .jobs import both
from .routing import Req
from .state import World

ENDED = ("TERMINATED", "INTERNAL_ERROR", "SKIPPED")
TASK_KINDS = ("notebook_task", "spark_python_task", "python_wheel_task", "run_job_task", "sql_task")
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


def check_tasks(tasks: list[dict]) -> None:
    if not tasks:
        raise bad("A run needs at least one task.")
    for task in tasks:
        if not task.get("task_key"):
            raise bad("Each task needs a task_key.")
        if sum(kind in task for kind in TASK_KINDS) != 1:
            raise bad(f"Task {task['task_key']} must name exactly one of {', '.join(TASK_KINDS)}.")


@both("POST", "/runs/submit")
def submit(w: World, r: Req):
    b = r.fields(required=("tasks",), optional=KEYS)
    check_tasks(b["tasks"])
    token = b.get("idempotency_token")
    for run in w.job_runs.values():
        if token and run.get("_token") == token:
            return {"run_id": run["run_id"]}
    id = w.big_id()
    w.job_runs[id] = {
        "run_id": id,
        "run_name": b.get("run_name") or "Untitled",
        "run_type": "SUBMIT_RUN",
        "job_id": w.big_id(),
        "creator_user_name": r.user.user_name,
        "start_time": now_ms(),
        "tasks": [{"task_key": task["task_key"], "run_id": w.big_id(), **task} for task in b["tasks"]],
        "state": {"life_cycle_state": "RUNNING", "state_message": ""},
        "status": {"state": "RUNNING"},
        "run_page_url": f"{w.base_url}/jobs/runs/{id}",
        "_token": token,
    }
    return {"run_id": id}


@both("POST", "/runs/cancel")
def cancel(w: World, r: Req):
    id = r.fields(required=("run_id",))["run_id"]
    run = w.job_runs.get(int(id))
    if run is None:
        raise bad(f"Run {id} does not exist.")
    end(run, "CANCELED", "Cancelled by the user.")
    return {}


def end(run: dict, result: str, message: str) -> None:
    """Settle a run that is still under way."""
    if run["state"]["life_cycle_state"] in ENDED:
        return
    run["state"] = {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": message}
    run["status"] = {"state": "TERMINATED"}
    run["end_time"] = now_ms()
