"""Evaluation datasets in Unity Catalog, and questions written from documents."""

from __future__ import annotations

import json
import re
import uuid

from .errors import ApiError, bad
from .managed import P, iso, no_such
from .routing import Req, route
from .state import World, page, uc_name
from .uc_catalog import make_table, require_privilege


def _ds_view(d: dict) -> dict:
    return {k: v for k, v in d.items() if k[0] != "_" and v is not None}


def _ds(w: World, did: str) -> dict:
    d = w.datasets.get(did)
    if d is None:
        raise no_such(f"Dataset {did} not found.")
    return d


def _ds_touch(w: World, d: dict, user: str, op: str) -> None:
    d["last_update_time"], d["last_updated_by"] = iso(), user
    d["digest"] = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(d["_records"], sort_keys=True, default=str)).hex[:8]
    d["_versions"].append(
        {
            "dataset_id": d["dataset_id"],
            "dataset": d["name"],
            "version": len(d["_versions"]),
            "create_time": iso(),
            "created_by": user,
            "operation": op,
            "_records": [dict(x) for x in d["_records"]],
        }
    )
    t = w.tables.get(d["name"])
    if t is not None:
        t["_rows"][:] = [
            {
                "dataset_record_id": x["dataset_record_id"],
                "create_time": x["create_time"],
                "inputs": json.dumps({i["key"]: i["value"] for i in x["inputs"]}, ensure_ascii=False),
                "expectations": json.dumps(
                    {k: v["value"] for k, v in (x.get("expectations") or {}).items()}, ensure_ascii=False
                ),
            }
            for x in d["_records"]
        ]


@route("POST", P + "/datasets")
def ds_create(w: World, r: Req):
    b = r.json
    name = b.get("name") or ""
    try:
        cat, sch, _ = uc_name(name, "table name")
    except ApiError:
        raise bad(f"Invalid table name: {name}") from None
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE TABLE")
    if name in w.tables:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Table '{name}' already exists")
    eids = [x for x in (r.q("experiment_ids") or "").split(",") if x]
    for e in eids:
        if e not in w.experiments:
            raise no_such(f"Experiment {e} not found.")
    t = make_table(
        w,
        name,
        r.user.user_name,
        [
            ("dataset_record_id", "string"),
            ("create_time", "timestamp"),
            ("inputs", "string"),
            ("expectations", "string"),
        ],
    )
    native = bool(w.config["uc_native_datasets"])
    d = {
        "dataset_id": t["table_id"],
        "name": name,
        "digest": uuid.uuid4().hex[:8],
        "source_type": "databricks-uc-table",
        "source": json.dumps({"table_name": name}),
        "create_time": iso(),
        "created_by": r.user.user_name,
        "last_update_time": iso(),
        "last_updated_by": r.user.user_name,
        "experiment_ids": eids,
        "is_uc_native": native,
        "_records": [],
        "_versions": [],
    }
    w.datasets[d["dataset_id"]] = d
    _ds_touch(w, d, r.user.user_name, "CREATE TABLE")
    return _ds_view(d)


@route("GET", P + "/datasets")
def ds_list(w: World, r: Req):
    items = list(w.datasets.values())
    f = r.q("filter")
    if f:
        m = re.match(r"^\s*experiment_id\s*=\s*['\"]?(\w+)['\"]?\s*$", f)
        if not m:
            raise bad(f"Unsupported filter '{f}'.")
        items = [d for d in items if m[1] in d["experiment_ids"]]
    out, tok = page(
        [_ds_view(d) for d in items], r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"]
    )
    return {"datasets": out, **({"next_page_token": tok} if tok else {})}


@route("GET", P + "/datasets/{did}")
def ds_get(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = _ds_view(d)
    if r.q("version") is not None:
        v = next((x for x in d["_versions"] if str(x["version"]) == r.q("version")), None)
        if v is None:
            raise no_such(f"Version {r.q('version')} of dataset {d['name']} not found.")
        out["version"] = {k: x for k, x in v.items() if k[0] != "_"}
    return out


@route("PATCH", P + "/datasets/{did}")
def ds_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    for f in (r.q("update_mask") or "").split(","):
        if f not in ("profile", "experiment_ids", "schema"):
            raise bad(f"Field '{f}' cannot be updated.")
        d[f] = r.json.get(f)
    return _ds_view(d)


@route("DELETE", P + "/datasets/{did}")
def ds_delete(w: World, r: Req):
    d = _ds(w, r.params["did"])
    w.datasets.pop(d["dataset_id"])
    w.tables.pop(d["name"], None)
    return {}


@route("GET", P + "/datasets/{did}/versions")
def ds_versions(w: World, r: Req):
    items = [{k: x for k, x in v.items() if k[0] != "_"} for v in reversed(_ds(w, r.params["did"])["_versions"])]
    out, tok = page(items, r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"])
    return {"dataset_versions": out, **({"next_page_token": tok} if tok else {})}


@route("GET", P + "/datasets/{did}/records")
def ds_records(w: World, r: Req):
    d = _ds(w, r.params["did"])
    recs = d["_records"]
    if r.q("version") is not None:
        v = next((x for x in d["_versions"] if str(x["version"]) == r.q("version")), None)
        if v is None:
            raise no_such(f"Version {r.q('version')} of dataset {d['name']} not found.")
        recs = v["_records"]
    out, tok = page(recs, r.q("page_token"), int(r.q("page_size") or 0) or None, w.config["max_page"])
    return {"dataset_records": out, **({"next_page_token": tok} if tok else {})}


def _clean_record(rec: dict, user: str) -> dict:
    if not isinstance(rec.get("inputs"), list) or not rec["inputs"] or not all("key" in i for i in rec["inputs"]):
        raise bad("A dataset record needs a non-empty list of inputs with keys.")
    return {
        **{k: v for k, v in rec.items() if v is not None},
        "dataset_record_id": str(uuid.uuid4()),
        "create_time": iso(),
        "created_by": user,
        "last_update_time": iso(),
        "last_updated_by": user,
    }


@route("POST", P + "/datasets/{did}/records:batchCreate")
def ds_batch_create(w: World, r: Req):
    d = _ds(w, r.params["did"])
    new = [_clean_record(x["dataset_record"], r.user.user_name) for x in r.fields(required=("requests",))["requests"]]
    d["_records"].extend(new)
    _ds_touch(w, d, r.user.user_name, "WRITE")
    return {"dataset_records": new}


@route("POST", P + "/datasets/{did}/records:batchUpdate")
def ds_batch_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = []
    for x in r.fields(required=("requests",), optional=("dataset_id",))["requests"]:
        out.append(_ds_update_one(d, x["dataset_record_id"], x["dataset_record"], x["update_mask"], r.user.user_name))
    _ds_touch(w, d, r.user.user_name, "MERGE")
    return {"dataset_records": out}


def _ds_update_one(d: dict, rid: str, rec: dict, mask: str, user: str) -> dict:
    for x in d["_records"]:
        if x["dataset_record_id"] == rid:
            for f in mask.split(","):
                if f not in ("expectations", "tags", "inputs", "source"):
                    raise bad(f"Field '{f}' cannot be updated.")
                x[f] = rec.get(f)
            x["last_update_time"], x["last_updated_by"] = iso(), user
            return x
    raise no_such(f"Dataset record {rid} not found.")


@route("PATCH", P + "/datasets/{did}/records/{rid}")
def ds_record_update(w: World, r: Req):
    d = _ds(w, r.params["did"])
    out = _ds_update_one(d, r.params["rid"], r.json, r.q("update_mask") or "", r.user.user_name)
    _ds_touch(w, d, r.user.user_name, "MERGE")
    return out


@route("POST", P + "/datasets/{did}/records/{rid}/expectations")
def ds_expectations(w: World, r: Req):
    d = _ds(w, r.params["did"])
    for x in d["_records"]:
        if x["dataset_record_id"] == r.params["rid"]:
            x.setdefault("expectations", {}).update(r.json.get("expectations") or {})
            _ds_touch(w, d, r.user.user_name, "MERGE")
            return x
    raise no_such(f"Dataset record {r.params['rid']} not found.")


@route("POST", P + "/datasets/{did}/records:batchDelete")
def ds_batch_delete(w: World, r: Req):
    d = _ds(w, r.params["did"])
    ids = {x["dataset_record_id"] for x in r.fields(required=("requests",))["requests"]}
    d["_records"][:] = [x for x in d["_records"] if x["dataset_record_id"] not in ids]
    _ds_touch(w, d, r.user.user_name, "DELETE")
    return {}


@route("POST", P + "/generate-questions")
def gen_questions(w: World, r: Req):
    b = r.fields(required=("doc_content", "num_questions"))
    lines = [x.strip() for x in re.split(r"[。.\n]", b["doc_content"]) if x.strip()] or [b["doc_content"]]
    return {
        "questions_with_context": [
            {"question": f"「{lines[i % len(lines)][:30]}」について教えてください。", "context": b["doc_content"]}
            for i in range(int(b["num_questions"]))
        ]
    }


@route("POST", P + "/generate-answer")
def gen_answer(w: World, r: Req):
    b = r.fields(required=("question", "context"), optional=("answer_types", "experiment_id"))
    return {"synthetic_ground_truth": b["context"][:200], "synthetic_minimal_facts": [b["context"][:80]]}
