"""Review apps, labeling sessions and their items."""

from __future__ import annotations

import re
import uuid

from .errors import ApiError, bad
from .managed import P, iso, no_such
from .routing import Req, route
from .state import World, page


def _app(w: World, rid: str) -> dict:
    a = w.review_apps.get(rid)
    if a is None:
        raise no_such(f"Review app {rid} not found.")
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
        raise no_such(f"Experiment {eid} not found.")
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

    from .runs import create_run

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
        raise no_such(f"Labeling session {r.params['sid']} not found.")
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
    raise no_such(f"Item {r.params['item']} not found.")
