"""Model Serving: endpoint CRUD and state machine, invocations (JSON and SSE), OpenAI-compatible routes."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid

from . import llm
from .core import ApiError, Req, Resp, bad, missing, now_ms, route
from .state import World, uc_name

P = "/api/2.0/serving-endpoints"
SIZES = {"Small", "Medium", "Large", "XLarge"}
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,62}$")
_ENV = re.compile(r"^[A-Z_][A-Z0-9_]*$")
_SECRET = re.compile(r"^\{\{secrets/([^/}]+)/([^}]+)\}\}$")

FOUNDATION = {
    "databricks-llama-4-maverick": ("Llama 4 Maverick", "llm/v1/chat"),
    "databricks-meta-llama-3-3-70b-instruct": ("Meta Llama 3.3 70B Instruct", "llm/v1/chat"),
    "databricks-claude-sonnet-4-5": ("Claude Sonnet 4.5", "llm/v1/chat"),
    "databricks-gpt-oss-120b": ("GPT OSS 120B", "llm/v1/chat"),
    "databricks-gte-large-en": ("GTE Large (En)", "llm/v1/embeddings"),
}


def foundation_endpoints() -> dict[str, dict]:
    out = {}
    for name, (title, task) in FOUNDATION.items():
        out[name] = {
            "name": name,
            "creator": "",
            "creation_timestamp": 1700000000000,
            "last_updated_timestamp": 1700000000000,
            "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
            "task": task,
            "config": {
                "served_entities": [
                    {
                        "name": name,
                        "entity_name": f"system.ai.{name}",
                        "entity_version": "1",
                        "type": "FOUNDATION_MODEL",
                        "foundation_model": {"name": f"system.ai.{name}", "display_name": title},
                    }
                ]
            },
            "permission_level": "CAN_QUERY",
            "endpoint_type": "FOUNDATION_MODEL_API",
        }
    return out


# ------------------------------------------------------------------ lookup and views
def get_ep(w: World, name: str) -> dict:
    ep = w.endpoints.get(name)
    if ep is None:
        raise missing(f"Endpoint with name '{name}' does not exist.")
    advance(w, ep)
    return ep


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


# ------------------------------------------------------------------ validation
def _check_config(w: World, r: Req, name: str, cfg: dict, version: int) -> dict:
    ents = cfg.get("served_entities") or cfg.get("served_models")
    if not ents:
        raise bad("served_entities is required: an endpoint must serve at least one entity.")
    if len(ents) > 15:
        raise bad("served_models cannot contain more than 15 elements")
    out, names, pairs = [], set(), set()
    for e in ents:
        en, ev = (
            e.get("entity_name") or e.get("model_name"),
            str(e.get("entity_version") or e.get("model_version") or ""),
        )
        if not en:
            if e.get("external_model"):
                se = {**e, "state": {"deployment": "DEPLOYMENT_CREATING"}}
                out.append(se)
                names.add(e.get("name"))
                continue
            raise bad("entity_name is required for a served entity.")
        uc_name(en, "entity_name")
        from .uc_models import get_version

        v = get_version(w, en, ev)
        if v["status"] != "READY":
            raise bad(f"Model version {en}/{ev} is not READY (status {v['status']}).")
        sname = e.get("name") or f"{en.split('.')[-1]}-{ev}"
        if not _NAME.match(sname):
            raise bad(f"Invalid served entity name '{sname}': use up to 63 letters, digits, dashes and underscores.")
        if sname in names or (en, ev) in pairs:
            raise ApiError("BAD_REQUEST", "Cannot create 2+ served entities with the same name and version", 400)
        names.add(sname)
        pairs.add((en, ev))
        ws = e.get("workload_size")
        if ws is not None and ws not in SIZES:
            raise bad(f"Invalid workload_size '{ws}'. Valid values: {sorted(SIZES)}.")
        if ws is None and not (
            e.get("min_provisioned_concurrency")
            or e.get("max_provisioned_concurrency")
            or e.get("provisioned_model_units")
        ):
            raise bad("workload_size or provisioned concurrency must be set for a served entity.")
        env = e.get("environment_vars") or {}
        for k, val in env.items():
            if not _ENV.match(k):
                raise bad(f"Invalid environment variable name '{k}'.")
            if not isinstance(val, str):
                raise bad(f"Environment variable '{k}' must be a string.")
            m = _SECRET.match(val)
            if m and m[2] not in w.secret_scopes.get(m[1], {}):
                raise bad(f"Secret with scope {m[1]} and key {m[2]} does not exist.")
        out.append(
            {
                "name": sname,
                "entity_name": en,
                "entity_version": ev,
                "workload_size": ws or "Small",
                "workload_type": e.get("workload_type") or "CPU",
                "scale_to_zero_enabled": bool(e.get("scale_to_zero_enabled")),
                "environment_vars": env,
                "creator": r.user.user_name,
                "creation_timestamp": now_ms(),
                "type": "UC_MODEL",
                "state": {"deployment": "DEPLOYMENT_CREATING", "deployment_state_message": "Creating resources."},
            }
        )
    routes = (cfg.get("traffic_config") or {}).get("routes") or [
        {"served_model_name": out[0]["name"], "traffic_percentage": 100}
    ]
    total = 0
    for x in routes:
        n = x.get("served_model_name") or x.get("served_entity_name")
        if n not in names:
            raise bad(f"Traffic route refers to '{n}', which is not a served entity of this configuration.")
        total += int(x.get("traffic_percentage", 0))
    if total != 100:
        raise bad(f"The traffic percentages must sum to 100, got {total}.")
    routes = [
        {
            "served_model_name": x.get("served_model_name") or x.get("served_entity_name"),
            "served_entity_name": x.get("served_model_name") or x.get("served_entity_name"),
            "traffic_percentage": int(x.get("traffic_percentage", 0)),
        }
        for x in routes
    ]
    return {
        "served_entities": out,
        "traffic_config": {"routes": routes},
        "config_version": version,
        "start_time": now_ms(),
    }


def _need(w: World, r: Req, ep: dict, level: str) -> None:
    from .uc_catalog import is_admin

    order = {"CAN_VIEW": 1, "CAN_QUERY": 2, "CAN_MANAGE": 3}
    if is_admin(r.user) or ep.get("creator") == r.user.user_name or not ep.get("id"):
        return
    have = 0
    for a in w.acls.get(("serving-endpoints", ep["id"]), []):
        who = a.get("user_name") or a.get("group_name") or a.get("service_principal_name")
        if who == r.user.user_name or who in r.user.groups:
            have = max([have] + [order.get(p["permission_level"], 0) for p in a["all_permissions"]])
    if have < order[level]:
        raise ApiError(
            "PERMISSION_DENIED", f"User does not have {level} permission on serving endpoint '{ep['name']}'."
        )


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
    if not _NAME.match(b["name"]):
        raise bad(
            f"Invalid endpoint name '{b['name']}': use up to 63 letters, digits, dashes and underscores, "
            "starting with a letter or a digit."
        )
    if b["name"] in w.endpoints:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{b['name']}' already exists.")
    if not b.get("config"):
        raise bad("Missing required field: config")
    cfg = _check_config(w, r, b["name"], b["config"], 1)
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
    _need(w, r, ep, "CAN_VIEW")
    return view(ep)


@route("DELETE", P + "/{name}")
def delete(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    if not ep.get("id"):
        raise ApiError("PERMISSION_DENIED", "Foundation Model API endpoints cannot be deleted.")
    _need(w, r, ep, "CAN_MANAGE")
    w.endpoints.pop(ep["name"])
    for p in (ep.get("_process"), ep.get("_process_next")):
        if p:
            threading.Thread(target=p.close, daemon=True).start()
    return {}


@route("PUT", P + "/{name}/config")
def update_config(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    _need(w, r, ep, "CAN_MANAGE")
    if ep["state"]["config_update"] == "IN_PROGRESS":
        raise ApiError(
            "RESOURCE_CONFLICT", f"Endpoint '{ep['name']}' is being updated; retry when the update completes.", 409
        )
    b = r.fields(optional=("name", "served_entities", "served_models", "traffic_config", "auto_capture_config"))
    old = (ep.get("config") or ep.get("pending_config") or {}).get("config_version", 0)
    cfg = _check_config(w, r, ep["name"], b, old + 1)
    ep.pop("pending_config", None)
    _start(w, ep, cfg)
    return view(ep)


@route("PATCH", P + "/{name}/tags")
def tags(w: World, r: Req):
    ep = get_ep(w, r.params["name"])
    _need(w, r, ep, "CAN_MANAGE")
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


# ------------------------------------------------------------------ what an agent's package says
def mlmodel(w: World, se: dict) -> dict | None:
    import yaml

    from .uc_models import files_root

    if "entity_version" not in se:
        return None
    b = w.get_blob(f"{files_root(se['entity_name'], se['entity_version'])}/MLmodel")
    return yaml.safe_load(b.data) if b else None


def resolve_env(w: World, se: dict) -> dict[str, str]:
    out = {}
    for k, v in (se.get("environment_vars") or {}).items():
        m = _SECRET.match(v)
        out[k] = w.secret_scopes.get(m[1], {}).get(m[2], "") if m else v
    return out


def experiment_for(w: World, env: dict) -> str | None:
    from .tracking import exp_by_name

    if (
        env.get("ENABLE_MLFLOW_TRACING", "").lower() != "true"
        and env.get("MLFLOW_ENABLE_TRACING", "").lower() != "true"
    ):
        return None
    eid = env.get("MLFLOW_EXPERIMENT_ID")
    if not eid and env.get("MLFLOW_EXPERIMENT_NAME"):
        e = exp_by_name(w, env["MLFLOW_EXPERIMENT_NAME"])
        eid = e.experiment_id if e else None
    return eid if eid in w.experiments else None


def pick_entity(ep: dict, sm: str | None) -> dict:
    cfg = ep.get("config")
    if cfg is None:
        raise missing(
            "The given endpoint does not exist, please retry after checking the specified model and version "
            "deployment exists."
        )
    ents = {e["name"]: e for e in cfg["served_entities"]}
    if sm is not None:
        if sm not in ents:
            raise missing(f"Served model '{sm}' does not exist on endpoint '{ep['name']}'.")
        return ents[sm]
    routes = cfg.get("traffic_config", {}).get("routes") or [
        {"served_model_name": next(iter(ents)), "traffic_percentage": 100}
    ]
    n = ep["_rr"] = ep.get("_rr", -1) + 1
    slot, acc = n % 100, 0
    for x in sorted(routes, key=lambda x: -x["traffic_percentage"]):
        acc += x["traffic_percentage"]
        if slot < acc:
            return ents[x["served_model_name"]]
    return next(iter(ents.values()))


# ------------------------------------------------------------------ invocations
_CHAT_KEYS = {
    "messages",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "top_p",
    "top_k",
    "n",
    "stop",
    "tools",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "response_format",
    "model",
    "reasoning_effort",
    "thinking",
    "user",
    "metadata",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "databricks_options",
    "usage_context",
    "client_request_id",
    "store",
    "service_tier",
}


def _chat(w: World, model: str, b: dict):
    extra = set(b) - _CHAT_KEYS
    if extra:
        raise ApiError("BAD_REQUEST", f'Bad request: json: unknown field "{sorted(extra)[0]}"', 400)
    msgs = b.get("messages")
    if not isinstance(msgs, list) or not msgs:
        raise ApiError("BAD_REQUEST", "Bad request: 'messages' must be a non-empty list.", 400)
    for m in msgs:
        if not isinstance(m, dict) or m.get("role") not in ("system", "user", "assistant", "tool", "developer"):
            raise ApiError("BAD_REQUEST", f"Bad request: invalid message role in {m!r}.", 400)
    t = b.get("temperature")
    if t is not None and not 0 <= float(t) <= 2:
        raise ApiError("BAD_REQUEST", "Bad request: temperature must be between 0 and 2.", 400)
    mt = b.get("max_tokens")
    if mt is not None and int(mt) < 1:
        raise ApiError("BAD_REQUEST", "Bad request: max_tokens must be at least 1.", 400)
    if w.config["inference_latency_s"]:
        time.sleep(w.config["inference_latency_s"])
    text = llm.reply(w, model, msgs)
    pt = sum(llm.tokens(llm.flat(m.get("content"))) for m in msgs)
    usage = {"prompt_tokens": pt, "completion_tokens": llm.tokens(text), "total_tokens": pt + llm.tokens(text)}
    head = {"id": "chatcmpl_" + uuid.uuid4().hex[:24], "created": int(time.time()), "model": model}
    if not b.get("stream"):
        return {
            **head,
            "object": "chat.completion",
            "usage": usage,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        }

    def gen():
        for i in range(0, len(text), 12):
            d = {"content": text[i : i + 12], **({"role": "assistant"} if i == 0 else {})}
            yield _sse(
                {
                    **head,
                    "object": "chat.completion.chunk",
                    "choices": [{"index": 0, "delta": d, "finish_reason": None}],
                }
            )
        yield _sse(
            {
                **head,
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                "usage": usage,
            }
        )
        yield b"data: [DONE]\n\n"

    return Resp(stream=gen(), content_type="text/event-stream")


def _sse(obj: dict) -> bytes:
    return b"data: " + json.dumps(obj, ensure_ascii=False).encode() + b"\n\n"


def invoke(w: World, r: Req, name: str, body: dict, sm: str | None = None):
    ep = w.endpoints.get(name)
    if ep is None:
        raise missing(
            "The given endpoint does not exist, please retry after checking the specified model and version "
            "deployment exists."
        )
    with w.lock:
        advance(w, ep)
    _need(w, r, ep, "CAN_QUERY")
    allowed = getattr(r.user, "allowed_endpoints", None)
    if allowed is not None and name not in allowed:
        raise ApiError(
            "PERMISSION_DENIED", f"The serving identity has no access to endpoint '{name}'; declare it in resources."
        )
    ep["_requests"] = ep.get("_requests", 0) + 1
    if not ep.get("id"):
        if FOUNDATION[name][1] == "llm/v1/embeddings":
            inp = body.get("input")
            if not inp:
                raise ApiError("BAD_REQUEST", "Bad request: 'input' is required.", 400)
            items = [inp] if isinstance(inp, str) else inp
            return {
                "object": "list",
                "model": name,
                "data": [
                    {
                        "object": "embedding",
                        "index": i,
                        "embedding": [((llm.h(x) >> k) & 255) / 255 for k in range(0, 24, 3)],
                    }
                    for i, x in enumerate(items)
                ],
                "usage": {"prompt_tokens": sum(map(llm.tokens, items)), "total_tokens": 0},
            }
        return _chat(w, name, body)
    from .agents import run_agent

    se = pick_entity(ep, sm)
    t0 = time.time()
    try:
        out = run_agent(w, r, ep, se, body)
    except ApiError as e:
        ep["_4xx" if e.status < 500 else "_5xx"] = ep.get("_4xx" if e.status < 500 else "_5xx", 0) + 1
        _payload(w, ep, r, body, e.body(), e.status, t0, se)
        raise
    if not isinstance(out, Resp):
        _payload(w, ep, r, body, out, 200, t0, se)
    return out


def _payload(w: World, ep: dict, r: Req, req, resp, status: int, t0: float, se: dict) -> None:
    t = w.tables.get(ep.get("_payload_table", ""))
    if t is None:
        return
    rid = (resp.get("databricks_output") or {}).get("databricks_request_id") if isinstance(resp, dict) else None
    t["_rows"].append(
        {
            "databricks_request_id": rid or str(uuid.uuid4()),
            "client_request_id": req.get("client_request_id"),
            "request_date": time.strftime("%Y-%m-%d", time.gmtime(t0)),
            "request_time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(t0)),
            "status_code": status,
            "execution_duration_ms": int((time.time() - t0) * 1000),
            "request": json.dumps(req, ensure_ascii=False),
            "response": json.dumps(resp, ensure_ascii=False),
            "served_entity_id": se["name"],
            "requester": r.user.user_name,
        }
    )


@route("POST", "/serving-endpoints/chat/completions", lock=False)
def openai_chat(w: World, r: Req):
    if not r.json.get("model"):
        raise ApiError("BAD_REQUEST", "Bad request: 'model' must name a serving endpoint.", 400)
    return invoke(w, r, r.json["model"], r.json)


@route("POST", "/serving-endpoints/responses", lock=False)
def openai_responses(w: World, r: Req):
    if not r.json.get("model"):
        raise ApiError("BAD_REQUEST", "Bad request: 'model' must name a serving endpoint.", 400)
    b = {k: v for k, v in r.json.items() if k != "model"}
    if isinstance(b.get("input"), str):
        b["input"] = [{"role": "user", "content": b["input"]}]
    name = r.json["model"]
    if name in FOUNDATION:
        msgs = [{"role": x.get("role", "user"), "content": llm.flat(x.get("content"))} for x in b.get("input", [])]
        text = llm.reply(w, name, msgs or [{"role": "user", "content": ""}])
        return {
            "id": "resp_" + uuid.uuid4().hex[:24],
            "object": "response",
            "model": name,
            "status": "completed",
            "created_at": int(time.time()),
            "output": [
                {
                    "type": "message",
                    "id": "msg_" + uuid.uuid4().hex[:12],
                    "role": "assistant",
                    "status": "completed",
                    "content": [{"type": "output_text", "text": text, "annotations": []}],
                }
            ],
        }
    out = invoke(w, r, name, b)
    if isinstance(out, dict):
        out = {"id": "resp_" + uuid.uuid4().hex[:24], "model": name, "created_at": int(time.time()), **out}
    return out


@route("POST", "/serving-endpoints/embeddings", lock=False)
def openai_embeddings(w: World, r: Req):
    return invoke(w, r, r.json.get("model", ""), r.json)


@route("POST", "/serving-endpoints/{name}/invocations", lock=False)
def invocations(w: World, r: Req):
    return invoke(w, r, r.params["name"], r.json)


@route("POST", "/serving-endpoints/{name}/served-models/{sm}/invocations", lock=False)
def invocations_sm(w: World, r: Req):
    return invoke(w, r, r.params["name"], r.json, r.params["sm"])


@route("POST", "/serving-endpoints/{name}/chat/completions", lock=False)
def named_chat(w: World, r: Req):
    return invoke(w, r, r.params["name"], r.json)
