"""Asking an endpoint: foundation models, agents, streams."""

from __future__ import annotations

import json
import time
import uuid

from . import llm
from .errors import ApiError, missing
from .routing import Req, Resp, route
from .serving import advance
from .serving_config import FOUNDATION, SECRET_REFERENCE, require_level
from .state import World


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
        m = SECRET_REFERENCE.match(v)
        out[k] = w.secret_scopes.get(m[1], {}).get(m[2], "") if m else v
    return out


def experiment_for(w: World, env: dict) -> str | None:
    from .experiments import exp_by_name

    if env.get("ENABLE_MLFLOW_TRACING", "").lower() != "true":
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
    require_level(w, r, ep, "CAN_QUERY")
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
