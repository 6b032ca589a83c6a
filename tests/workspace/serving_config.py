"""What a serving configuration may hold."""

from __future__ import annotations

import re

from databricks.sdk.service.serving import ServingModelWorkloadType

from .errors import ApiError, bad, now_ms
from .routing import Req
from .state import World, uc_name

P = "/api/2.0/serving-endpoints"
SIZES = {"Small", "Medium", "Large", "XLarge"}
WORKLOADS = {one.value for one in ServingModelWorkloadType}
ENDPOINT_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,62}$")
_ENV = re.compile(r"^[A-Z_][A-Z0-9_]*$")
SECRET_REFERENCE = re.compile(r"^\{\{secrets/([^/}]+)/([^}]+)\}\}$")
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


def check_config(w: World, r: Req, name: str, cfg: dict, version: int) -> dict:
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
        if not ENDPOINT_NAME.match(sname):
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
        if e.get("workload_type") not in {None, *WORKLOADS}:
            raise bad(f"Invalid workload_type '{e['workload_type']}'. Valid values: {sorted(WORKLOADS)}.")
        env = e.get("environment_vars") or {}
        for k, val in env.items():
            if not _ENV.match(k):
                raise bad(f"Invalid environment variable name '{k}'.")
            if not isinstance(val, str):
                raise bad(f"Environment variable '{k}' must be a string.")
            m = SECRET_REFERENCE.match(val)
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


def require_level(w: World, r: Req, ep: dict, level: str) -> None:
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
