"""Model Serving: endpoint CRUD and state machine, invocations (JSON and SSE), OpenAI-compatible routes."""

from __future__ import annotations

import threading
import time
import uuid

from .errors import ApiError, bad, missing, now_ms
from .routing import Req, Resp, route
from .serving_config import ENDPOINT_NAME, P, check_config, require_level
from .state import World


def view(ep: dict) -> dict:
    return {k: v for k, v in ep.items() if not k.startswith("_")}


def advance(w: World, ep: dict) -> None:
    if ep["state"]["config_update"] != "IN_PROGRESS":
        return
    proc = ep.get("_process_next")
    if proc is not None:
        st = proc.status()
        if st == "starting":
            return
        finish_update(w, ep, st == "ready", proc.error or "")
        return
    secs = w.config["deploy_seconds"]
    if secs is None or time.time() - ep["_started"] < secs:
        return
    finish_update(
        w,
        ep,
        w.config["deploy_outcome"] == "success",
        "Failed to load the model. See the build logs of the served entity.",
    )


def finish_update(w: World, ep: dict, ok: bool, why: str = "") -> None:
    pend = ep.pop("pending_config", None)
    if pend is None:
        return
    if not ok:
        for se in pend["served_entities"]:
            se["state"] = {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": why or "Deployment failed"}
        ep["state"]["config_update"] = "UPDATE_FAILED"
        dead = ep.pop("_process_next", None)
        if dead:
            ep.setdefault("_logs", []).append(dead.log_text())
            threading.Thread(target=dead.close, daemon=True).start()
        ep["pending_config"] = pend  # a failed first deployment keeps only its pending configuration
        if ep.get("config"):
            ep.pop("pending_config")
        ep.setdefault("_logs", []).append(f"[deploy] FAILED {why}")
        return
    for se in pend["served_entities"]:
        se["state"] = {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""}
    pend.pop("start_time", None)
    ep["config"] = pend
    ep["state"] = {"ready": "READY", "config_update": "NOT_UPDATING"}
    ep["last_updated_timestamp"] = now_ms()
    if ep.get("_process_next"):
        old, ep["_process"] = ep.get("_process"), ep.pop("_process_next")
        if old:
            threading.Thread(target=old.close, daemon=True).start()
    ep.setdefault("_logs", []).append(f"[deploy] config version {pend['config_version']} is READY")


def _start(w: World, ep: dict, cfg: dict) -> None:
    ep["pending_config"] = cfg
    ep["state"]["config_update"] = "IN_PROGRESS"
    ep["_started"] = time.time()
    ep.setdefault("_logs", []).append(f"[deploy] config version {cfg['config_version']}: building container")
    if w.config["serving_mode"] == "execute":
        from .executor import AgentProcess

        target = max(cfg["traffic_config"]["routes"], key=lambda x: x["traffic_percentage"])["served_model_name"]
        se = next(e for e in cfg["served_entities"] if e["name"] == target)
        if "entity_version" in se:
            ep["_process_next"] = AgentProcess(w, ep["name"], se)
            w.processes[f"{ep['name']}#{cfg['config_version']}"] = ep["_process_next"]


_CREATE_KEYS = (
    "config",
    "ai_gateway",
    "budget_policy_id",
    "description",
    "email_notifications",
    "rate_limits",
    "route_optimized",
    "tags",
    "telemetry_config",
    "usage_policy_id",
)


@route("POST", P)
def create(w: World, r: Req):
    b = r.fields(required=("name",), optional=_CREATE_KEYS)
    if not ENDPOINT_NAME.match(b["name"]):
        raise bad(
            f"Invalid endpoint name '{b['name']}': use up to 63 letters, digits, dashes and underscores, "
            "starting with a letter or a digit."
        )
    if b["name"] in w.endpoints:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{b['name']}' already exists.")
    if not b.get("config"):
        raise bad("Missing required field: config")
    cfg = check_config(w, r, b["name"], b["config"], 1)
    ep = {
        "id": uuid.uuid4().hex,
        "name": b["name"],
        "creator": r.user.user_name,
        "creation_timestamp": now_ms(),
        "last_updated_timestamp": now_ms(),
        "state": {"ready": "NOT_READY", "config_update": "IN_PROGRESS"},
        "tags": b.get("tags") or [],
        "permission_level": "CAN_MANAGE",
        "description": b.get("description") or "",
        "route_optimized": bool(b.get("route_optimized")),
        "task": _task(w, cfg),
    }
    if b.get("ai_gateway"):
        ep["ai_gateway"] = b["ai_gateway"]
        _inference_table(w, r, ep)
    if b.get("budget_policy_id"):
        ep["budget_policy_id"] = b["budget_policy_id"]
    _start(w, ep, cfg)
    w.endpoints[b["name"]] = ep
    return view(ep)


def _inference_table(w: World, r: Req, ep: dict) -> None:
    it = (ep.get("ai_gateway") or {}).get("inference_table_config") or {}
    if not it.get("enabled"):
        return
    w.require_schema(it.get("catalog_name", ""), it.get("schema_name", ""))
    full = f"{it['catalog_name']}.{it['schema_name']}.{it.get('table_name_prefix') or ep['name']}_payload"
    if full in w.tables:
        raise bad(f"Table {full} already exists; choose another table_name_prefix.")
    from .uc_catalog import make_table

    make_table(
        w,
        full,
        r.user.user_name,
        [
            ("databricks_request_id", "string"),
            ("client_request_id", "string"),
            ("request_date", "date"),
            ("request_time", "timestamp"),
            ("status_code", "int"),
            ("execution_duration_ms", "bigint"),
            ("request", "string"),
            ("response", "string"),
            ("served_entity_id", "string"),
            ("requester", "string"),
        ],
    )
    ep["_payload_table"] = full


def _task(w: World, cfg: dict) -> str:
    for se in cfg["served_entities"]:
        from .invoking import mlmodel

        ml = mlmodel(w, se)
        t = (ml.get("metadata") or {}).get("task") if ml else None
        if t:
            return t
    return ""


@route("GET", P)
def list_eps(w: World, r: Req):
    for ep in w.endpoints.values():
        advance(w, ep)
    return {"endpoints": [view(e) for e in w.endpoints.values()]}


@route("GET", P + "/{name}")
def get(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    require_level(w, r, ep, "CAN_VIEW")
    return view(ep)


@route("DELETE", P + "/{name}")
def delete(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    if not ep.get("id"):
        raise ApiError("PERMISSION_DENIED", "Foundation Model API endpoints cannot be deleted.")
    require_level(w, r, ep, "CAN_MANAGE")
    w.endpoints.pop(ep["name"])
    for p in (ep.get("_process"), ep.get("_process_next")):
        if p:
            threading.Thread(target=p.close, daemon=True).start()
    return {}


@route("PUT", P + "/{name}/config")
def update_config(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    require_level(w, r, ep, "CAN_MANAGE")
    if ep["state"]["config_update"] == "IN_PROGRESS":
        raise ApiError(
            "RESOURCE_CONFLICT", f"Endpoint '{ep['name']}' is being updated; retry when the update completes.", 409
        )
    b = r.fields(optional=("name", "served_entities", "served_models", "traffic_config", "auto_capture_config"))
    old = (ep.get("config") or ep.get("pending_config") or {}).get("config_version", 0)
    cfg = check_config(w, r, ep["name"], b, old + 1)
    ep.pop("pending_config", None)
    _start(w, ep, cfg)
    return view(ep)


@route("PATCH", P + "/{name}/tags")
def tags(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    require_level(w, r, ep, "CAN_MANAGE")
    b = r.fields(optional=("name", "add_tags", "delete_tags"))
    cur = {t["key"]: t.get("value", "") for t in ep["tags"]}
    for k in b.get("delete_tags") or []:
        cur.pop(k, None)
    for t in b.get("add_tags") or []:
        cur[t["key"]] = t.get("value", "")
    ep["tags"] = [{"key": k, "value": v} for k, v in cur.items()]
    return {"tags": ep["tags"]}


@route("PATCH", P + "/{name}/description")
def description(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    ep["description"] = r.json.get("description", "")
    return view(ep)


@route("PATCH", P + "/{name}/budget-policy")
def budget(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    ep["budget_policy_id"] = r.json.get("budget_policy_id")
    return view(ep)


@route("PUT", P + "/{name}/ai-gateway")
def ai_gateway(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    it_old = ((ep.get("ai_gateway") or {}).get("inference_table_config") or {}).get("enabled")
    new = {k: v for k, v in r.json.items() if k != "name"}
    if it_old and (new.get("inference_table_config") or {}).get("enabled"):
        raise bad("Inference tables is already enabled")
    ep["ai_gateway"] = new
    _inference_table(w, r, ep)
    return new


@route("PUT", P + "/{name}/rate-limits")
def rate_limits(w: World, r: Req):
    get_ep(w, r.params["name"])["_rate_limits"] = r.json.get("rate_limits", [])
    return {"rate_limits": r.json.get("rate_limits", [])}


@route("GET", P + "/{name}/served-models/{sm}/logs")
def logs(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    extra = ep["_process"].log_text() if ep.get("_process") else ""
    return {"logs": "\n".join(ep.get("_logs", [])) + ("\n" + extra if extra else "")}


@route("GET", P + "/{name}/served-models/{sm}/build-logs")
def build_logs(w: World, r: Req):
    return {"logs": "\n".join(x for x in get_ep(w, r.params["name"]).get("_logs", []) if "[deploy]" in x)}


@route("GET", P + "/{name}/metrics")
def metrics(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    n = ep.get("_requests", 0)
    text = (
        f'request_count_total{{endpoint_name="{ep["name"]}"}} {n}\n'
        f'request_4xx_count_total{{endpoint_name="{ep["name"]}"}} {ep.get("_4xx", 0)}\n'
        f'request_5xx_count_total{{endpoint_name="{ep["name"]}"}} {ep.get("_5xx", 0)}\n'
    )
    return Resp(content=text.encode(), content_type="text/plain")


@route("GET", P + "/{name}/openapi")
def openapi(w: World, r: Req):
    return {
        "openapi": "3.1.0",
        "info": {"title": get_ep(w, r.params["name"])["name"], "version": "1"},
        "servers": [{"url": f"{w.base_url}/serving-endpoints/{r.params['name']}"}],
    }


def get_ep(w: World, name: str) -> dict:
    ep = w.endpoints.get(name)
    if ep is None:
        raise missing(f"Endpoint with name '{name}' does not exist.")
    advance(w, ep)
    return ep
