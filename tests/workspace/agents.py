"""Agent Framework deployments, and the simulated execution of a deployed agent."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid

from mlflow.protos import service_pb2 as s

from . import llm
from .errors import ApiError, bad, missing, now_ms
from .routing import Req, Resp, route
from .state import TraceRec, World, uc_name

P = "/api/2.0/agents"


# ------------------------------------------------------------------ deployments registry
@route("POST", P + "/deployments")
def deploy(w: World, r: Req):
    b = r.fields(
        required=("model_name", "model_version", "endpoint_name"),
        optional=("query_endpoint", "served_entity_name", "workspace_url"),
    )
    uc_name(b["model_name"], "model name")
    from .uc_models import get_version

    get_version(w, b["model_name"], b["model_version"])
    if b["endpoint_name"] not in w.endpoints:
        raise missing(f"Endpoint with name '{b['endpoint_name']}' does not exist.")
    other = [
        d for d in w.deployments if d["model_name"] == b["model_name"] and d["endpoint_name"] != b["endpoint_name"]
    ]
    if other:
        raise bad(
            f"Agent {b['model_name']} is already deployed to endpoint '{other[0]['endpoint_name']}'. The endpoint "
            "name must be the same across all versions of an agent."
        )
    w.deployments[:] = [
        d
        for d in w.deployments
        if not (d["model_name"] == b["model_name"] and str(d["model_version"]) == str(b["model_version"]))
    ]
    d = {
        "model_name": b["model_name"],
        "model_version": str(b["model_version"]),
        "endpoint_name": b["endpoint_name"],
        "served_entity_name": b.get("served_entity_name", ""),
        "query_endpoint": b.get("query_endpoint", ""),
        "review_app_url": f"{b.get('workspace_url') or w.base_url}/ml/reviews/{b['model_name']}/{b['model_version']}"
        f"/{b['endpoint_name']}",
        "created": now_ms(),
        "creator": r.user.user_name,
    }
    w.deployments.append(d)
    return {"deployed_chain": d}


@route("GET", P + "/deployments")
def deployments(w: World, r: Req):
    return {"chain_deployments": w.deployments}


@route("GET", P + "/deployments/{name}/artifacts")
def artifacts_get(w: World, r: Req):
    return {"artifacts": w.review_artifacts.get(r.params["name"], [])}


@route("POST", P + "/deployments/{name}/artifacts")
def artifacts_set(w: World, r: Req):
    w.review_artifacts.setdefault(r.params["name"], []).extend(r.fields(required=("artifacts",))["artifacts"])
    return {}


@route("GET", P + "/deployments/{name}/instructions")
def instructions_get(w: World, r: Req):
    i = w.review_instructions.get(r.params["name"])
    return {"instructions": i} if i else {}


@route("POST", P + "/deployments/{name}/instructions")
def instructions_set(w: World, r: Req):
    w.review_instructions[r.params["name"]] = r.json.get("instructions", "")
    return {}


@route("GET", P + "/deployments/{name}/versions/{version}")
def deployment_version(w: World, r: Req):
    return {
        "chain_deployments": [
            d
            for d in w.deployments
            if d["model_name"] == r.params["name"] and d["model_version"] == r.params["version"]
        ]
    }


@route("GET", P + "/deployments/{name}")
def deployment(w: World, r: Req):
    uc_name(r.params["name"], "model name")
    return {"chain_deployments": [d for d in w.deployments if d["model_name"] == r.params["name"]]}


def _remove(w: World, name: str, version: str | None) -> None:
    hit = [d for d in w.deployments if d["model_name"] == name and version in (None, d["model_version"])]
    if not hit:
        raise missing(f"No deployment of {name}" + (f" version {version}" if version else "") + ".")
    w.deployments[:] = [d for d in w.deployments if d not in hit]


@route("DELETE", P + "/deployments/{name}/versions/{version}")
def undeploy_version(w: World, r: Req):
    _remove(w, r.params["name"], r.params["version"])
    return {}


@route("DELETE", P + "/deployments/{name}")
def undeploy(w: World, r: Req):
    _remove(w, r.params["name"], None)
    return {}


# ------------------------------------------------------------------ running an agent
def run_agent(w: World, r: Req, ep: dict, se: dict, body: dict):
    from .invoking import mlmodel

    if not isinstance(body, dict):
        raise ApiError("BAD_REQUEST", "The request body must be a JSON object.", 400)
    ml = mlmodel(w, se) or {}
    task = (ml.get("metadata") or {}).get("task") or ep.get("task") or ""
    key = "input" if "responses" in task else "messages"
    if key not in body:
        raise ApiError(
            "BAD_REQUEST",
            f"Failed to enforce schema of data with schema of the model. Error: Model is missing inputs ['{key}'].",
            400,
        )
    if not isinstance(body[key], list) or not body[key]:
        raise ApiError("BAD_REQUEST", f"Invalid input: '{key}' must be a non-empty list of messages.", 400)
    for m in body[key]:
        if not isinstance(m, dict) or ("role" not in m and "type" not in m):
            raise ApiError(
                "BAD_REQUEST", f"1 validation error for ResponsesAgentRequest: {key} item {m!r} has no role.", 400
            )
    if ep.get("_process") is not None:
        return _execute(w, r, ep, se, body)
    return _simulate(w, r, ep, se, body, ml, task, key)


def _execute(w: World, r: Req, ep: dict, se: dict, body: dict):
    proc = ep["_process"]
    rid = str(uuid.uuid4())
    if body.get("stream"):

        def gen():
            for ev in proc.stream(body):
                yield b"data: " + json.dumps(ev, ensure_ascii=False).encode() + b"\n\n"
            yield b"data: [DONE]\n\n"

        return Resp(stream=gen(), content_type="text/event-stream")
    out = proc.call(body)
    out.setdefault("databricks_output", {})["databricks_request_id"] = rid
    return out


def _alias(ep: dict, env: dict, p: dict, alias: str) -> str | None:
    """MLflow's client keeps an alias for 60 s in the serving process, unless told otherwise by its environment."""
    try:
        ttl = float(env.get("MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS", 60))
    except ValueError:
        ttl = 60.0
    cache, k = ep.setdefault("_alias_cache", {}), (p["name"], alias)
    hit = cache.get(k)
    if hit and time.time() - hit[1] < ttl and hit[0] in p["versions"]:
        return hit[0]
    if p["aliases"].get(alias):
        cache[k] = (p["aliases"][alias], time.time())
    return p["aliases"].get(alias)


def _simulate(w: World, r: Req, ep: dict, se: dict, body: dict, ml: dict, task: str, key: str):
    """What the package says the agent is: its prompt (by alias or version), its model, its company."""
    from .invoking import experiment_for, resolve_env

    env = resolve_env(w, se)
    cfg = ((ml.get("flavors") or {}).get("python_function") or {}).get("config") or {}
    user = next((llm.flat(m.get("content")) for m in reversed(body[key]) if m.get("role") == "user"), "")
    company = cfg.get("company_name", "TechCorp")
    model = cfg.get("llm_model", "databricks-llama-4-maverick")
    rendered, prompt_used = None, None
    if cfg.get("prompt_name"):
        tok = w.tokens.get(env.get("DATABRICKS_TOKEN", ""))
        cli = w.oauth_clients.get(env.get("DATABRICKS_CLIENT_ID", ""))
        if env.get("DATABRICKS_HOST") and (tok or (cli and cli["secret"] == env.get("DATABRICKS_CLIENT_SECRET"))):
            p = w.prompts.get(cfg["prompt_name"])
            n = p and (str(cfg.get("prompt_version") or "") or _alias(ep, env, p, cfg.get("prompt_alias", "latest")))
            if p and n in p["versions"]:
                tpl = json.loads(p["versions"][n]["template"])
                tpl = tpl if isinstance(tpl, str) else "\n".join(m["content"] for m in tpl)
                for k, v in {"company_name": company, "topic": "一般", "question": user}.items():
                    tpl = tpl.replace("{{" + k + "}}", v).replace("{{ " + k + " }}", v)
                rendered, prompt_used = tpl, (p["name"], n)
        if rendered is None:
            ep.setdefault("_logs", []).append(
                f"[serve] could not load prompt {cfg['prompt_name']}: no credentials, "
                "no such prompt or no such alias; falling back"
            )
    final = rendered or f"{company}のカスタマーサポートです。{user}"
    msgs = [
        {"role": "system", "content": f"あなたは{company}の親切なカスタマーサポート担当者です。"},
        {"role": "user", "content": final},
    ]
    t0 = time.time_ns()
    if w.config["inference_latency_s"]:
        time.sleep(w.config["inference_latency_s"])
    text = llm.reply(w, model, msgs)
    pt = sum(llm.tokens(m["content"]) for m in msgs)
    usage = {"prompt_tokens": pt, "completion_tokens": llm.tokens(text), "total_tokens": pt + llm.tokens(text)}
    item_id = "msg_" + uuid.uuid4().hex[:12]
    if key == "input":
        out = {
            "object": "response",
            "output": [
                {
                    "type": "message",
                    "id": item_id,
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": text}],
                }
            ],
            "custom_outputs": {"model": model, "usage": usage},
        }
    else:
        out = {
            "id": item_id,
            "object": "chat.completion",
            "model": model,
            "usage": usage,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        }
    rid = str(uuid.uuid4())
    t1 = time.time_ns()
    eid = experiment_for(w, env)
    tid = None
    if eid:
        with w.lock:
            tid = write_trace(w, r, ep, se, eid, body, out, msgs, text, model, usage, t0, t1, prompt_used, rid)
    else:
        ep.setdefault("_logs", []).append("[serve] tracing is off: no experiment or ENABLE_MLFLOW_TRACING is not true")
    dbo = {"databricks_request_id": rid}
    if (body.get("databricks_options") or {}).get("return_trace") and tid:
        from .protos import to_json
        from .traces import full_info, trace_data

        dbo["trace"] = {"info": to_json(full_info(w.traces[tid])), "data": trace_data(w, tid)}
    if not body.get("stream"):
        return {**out, "databricks_output": dbo}

    def gen():
        for i in range(0, len(text), 12):
            d = (
                {"type": "response.output_text.delta", "item_id": item_id, "delta": text[i : i + 12]}
                if key == "input"
                else {
                    "id": item_id,
                    "object": "chat.completion.chunk",
                    "choices": [{"index": 0, "delta": {"role": "assistant", "content": text[i : i + 12]}}],
                }
            )
            yield b"data: " + json.dumps(d, ensure_ascii=False).encode() + b"\n\n"
        if key == "input":
            yield (
                b"data: "
                + json.dumps(
                    {"type": "response.output_item.done", "item": out["output"][0], "databricks_output": dbo},
                    ensure_ascii=False,
                ).encode()
                + b"\n\n"
            )
        yield b"data: [DONE]\n\n"

    return Resp(stream=gen(), content_type="text/event-stream")


def span_of(
    trace_hex: str,
    name: str,
    kind: str,
    start: int,
    end: int,
    parent: str | None,
    inputs,
    outputs,
    tid: str,
    extra: dict | None = None,
) -> tuple[dict, str]:
    sid = secrets.token_bytes(8)
    attrs = {
        "mlflow.traceRequestId": json.dumps(tid),
        "mlflow.spanType": json.dumps(kind),
        "mlflow.spanInputs": json.dumps(inputs, ensure_ascii=False),
        "mlflow.spanOutputs": json.dumps(outputs, ensure_ascii=False),
    }
    attrs.update({k: json.dumps(v, ensure_ascii=False) for k, v in (extra or {}).items()})
    enc = base64.b64encode(sid).decode()
    return {
        "trace_id": base64.b64encode(bytes.fromhex(trace_hex)).decode(),
        "span_id": enc,
        "parent_span_id": parent or "",
        "name": name,
        "start_time_unix_nano": start,
        "end_time_unix_nano": end,
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": attrs,
    }, enc


def write_trace(
    w: World, r: Req, ep: dict, se: dict, eid: str, body, out, msgs, text, model, usage, t0, t1, prompt_used, rid
) -> str:
    hexid = secrets.token_hex(16)
    tid = "tr-" + hexid
    v = w.uc_models[se["entity_name"]]["versions"][int(se["entity_version"])]
    root, root_id = span_of(hexid, "predict", "AGENT", t0, t1, None, body, out, tid)
    child, cid = span_of(hexid, "llm_call", "UNKNOWN", t0, t1, root_id, None, None, tid, {"model": model})
    leaf, _ = span_of(
        hexid,
        "Completions",
        "CHAT_MODEL",
        t0,
        t1,
        cid,
        {"model": model, "messages": msgs},
        {"choices": [{"message": {"role": "assistant", "content": text}}]},
        tid,
        {
            "mlflow.chat.tokenUsage": {
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
            }
        },
    )
    info = s.TraceInfoV3(
        trace_id=tid,
        client_request_id=rid,
        state=s.TraceInfoV3.OK,
        request_preview=f"User: {next((llm.flat(m.get('content')) for m in reversed(body.get('input') or body.get('messages') or []) if m.get('role') == 'user'), '')[:50]}...",
        response_preview=text[:1000],
    )
    info.trace_location.type = s.TraceLocation.MLFLOW_EXPERIMENT
    info.trace_location.mlflow_experiment.experiment_id = eid
    info.request_time.FromNanoseconds(t0)
    info.execution_duration.FromNanoseconds(max(t1 - t0, 1_000_000))
    meta = {
        "mlflow.trace_schema.version": "3",
        "mlflow.traceInputs": json.dumps(body, ensure_ascii=False)[:2000],
        "mlflow.traceOutputs": json.dumps(out, ensure_ascii=False)[:2000],
        "mlflow.source.type": "MODEL_SERVING",
        "mlflow.databricks.modelServingEndpointName": ep["name"],
        "mlflow.trace.tokenUsage": json.dumps(
            {
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
            }
        ),
    }
    if v["model_id"]:
        meta["mlflow.modelId"] = v["model_id"]
    ctx = body.get("context") or {}
    if ctx.get("conversation_id"):
        meta["mlflow.trace.session"] = ctx["conversation_id"]
    if ctx.get("user_id"):
        meta["mlflow.trace.user"] = ctx["user_id"]
    for k, val in meta.items():
        info.trace_metadata[k] = val
    info.tags["mlflow.traceName"] = "predict"
    info.tags["mlflow.artifactLocation"] = f"dbfs:/databricks/mlflow-tracking/{eid}/{tid}/artifacts"
    info.tags["mlflow.user"] = r.user.user_name
    if prompt_used:
        info.tags["mlflow.linkedPrompts"] = json.dumps([{"name": prompt_used[0], "version": prompt_used[1]}])
    rec = TraceRec(info=info)
    if prompt_used:
        rec.prompts.append(prompt_used)
        w.prompt_links["traces"].append({"name": prompt_used[0], "version": prompt_used[1], "id": tid})
    w.traces[tid] = rec
    from .artifacts import trace_path

    w.put_blob(trace_path(w, tid), json.dumps({"spans": [root, child, leaf]}, ensure_ascii=False).encode())
    return tid
