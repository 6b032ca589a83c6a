"""The Unity Catalog dialect of the model registry."""

from __future__ import annotations

from mlflow.protos import unity_catalog_messages_pb2 as n

from .errors import now_ms
from .routing import Req, route
from .state import World, page
from .uc_models import (
    by_alias,
    create_model,
    create_version,
    del_alias,
    delete_model,
    delete_version,
    finalize,
    get_model,
    get_version,
    set_alias,
)

N = "/api/2.1/unity-catalog"


def rm_native(m: dict) -> dict:
    return {
        "name": m["short"],
        "catalog_name": m["cat"],
        "schema_name": m["sch"],
        "full_name": m["name"],
        "comment": m["comment"],
        "created_at": m["created"],
        "updated_at": m["updated"],
        "created_by": m["owner"],
        "owner": m["owner"],
        "id": m["id"],
        "aliases": [{"alias_name": a, "version_num": int(v)} for a, v in m["aliases"].items()],
        "tags": [{"key": k, "value": v} for k, v in m["tags"].items()],
    }


def mv_native(w: World, v: dict) -> dict:
    m = w.uc_models[v["name"]]
    out = {
        "model_name": m["short"],
        "catalog_name": m["cat"],
        "schema_name": m["sch"],
        "version": v["version"],
        "source": v["source"],
        "comment": v["comment"],
        "run_id": v["run_id"],
        "status": v["status"],
        "storage_location": v["location"],
        "created_at": v["created"],
        "updated_at": v["updated"],
        "created_by": v["by"],
        "id": v["id"],
        "model_id": v["model_id"],
        "aliases": [
            {"alias_name": a, "version_num": int(x)} for a, x in m["aliases"].items() if int(x) == v["version"]
        ],
        "tags": [{"key": k, "value": x} for k, x in v["tags"].items()],
    }
    return {k: x for k, x in out.items() if x not in ("", None)}


@route("POST", N + "/models", n.CreateRegisteredModel, strict=False)
def native_create(w: World, r: Req):
    m = r.msg
    return rm_native(
        create_model(
            w,
            r,
            f"{m.catalog_name}.{m.schema_name}.{m.name}",
            m.comment,
            {t.key: t.value for t in m.tags},
            m.deployment_job_id,
        )
    )


@route("GET", N + "/models")
def native_list(w: World, r: Req):
    items = [
        m
        for _, m in sorted(w.uc_models.items())
        if r.q("catalog_name") in (None, m["cat"]) and r.q("schema_name") in (None, m["sch"])
    ]
    out, tok = page(items, r.q("page_token"), int(r.q("max_results") or 0) or None, w.config["max_page"])
    return {"registered_models": [rm_native(m) for m in out], **({"next_page_token": tok} if tok else {})}


@route("POST", N + "/models/versions", n.CreateModelVersion, strict=False)
def native_mv_create(w: World, r: Req):
    m = r.msg
    return mv_native(
        w,
        create_version(
            w,
            r,
            f"{m.catalog_name}.{m.schema_name}.{m.model_name}",
            m.source,
            m.run_id,
            m.comment,
            {t.key: t.value for t in m.tags},
            m.model_id,
        ),
    )


@route("GET", N + "/models/{full}")
def native_get(w: World, r: Req):
    return rm_native(get_model(w, r.params["full"]))


@route("PATCH", N + "/models/{full}")
def native_update(w: World, r: Req):
    m = get_model(w, r.params["full"])
    if "comment" in r.json:
        m["comment"] = r.json["comment"]
    return rm_native(m)


@route("DELETE", N + "/models/{full}")
def native_delete(w: World, r: Req):
    delete_model(w, r, r.params["full"])
    return {}


@route("GET", N + "/models/{full}/versions")
def native_versions(w: World, r: Req):
    items = sorted(get_model(w, r.params["full"])["versions"].values(), key=lambda v: -v["version"])
    out, tok = page(items, r.q("page_token"), int(r.q("max_results") or 0) or None, w.config["max_page"])
    return {"model_versions": [mv_native(w, v) for v in out], **({"next_page_token": tok} if tok else {})}


@route("GET", N + "/models/{full}/versions/{version}")
def native_version(w: World, r: Req):
    return mv_native(w, get_version(w, r.params["full"], r.params["version"]))


@route("PATCH", N + "/models/{full}/versions/{version}/finalize")
def native_finalize(w: World, r: Req):
    return mv_native(w, finalize(w, r.params["full"], r.params["version"]))


@route("PATCH", N + "/models/{full}/versions/{version}")
def native_version_update(w: World, r: Req):
    v = get_version(w, r.params["full"], r.params["version"])
    if "comment" in r.json:
        v["comment"] = r.json["comment"]
    return mv_native(w, v)


@route("DELETE", N + "/models/{full}/versions/{version}")
def native_version_delete(w: World, r: Req):
    delete_version(w, r.params["full"], r.params["version"])
    return {}


@route("GET", N + "/models/{full}/aliases/{alias}")
def native_by_alias(w: World, r: Req):
    return mv_native(w, by_alias(w, r.params["full"], r.params["alias"]))


@route("PUT", N + "/models/{full}/aliases/{alias}")
def native_alias(w: World, r: Req):
    set_alias(w, r, r.params["full"], r.params["alias"], r.json.get("version_num"))
    return {"alias_name": r.params["alias"], "version_num": r.json.get("version_num")}


@route("DELETE", N + "/models/{full}/aliases/{alias}")
def native_alias_delete(w: World, r: Req):
    del_alias(w, r.params["full"], r.params["alias"])
    return {}


@route("POST", N + "/temporary-model-version-credentials", n.GenerateTemporaryModelVersionCredential)
def native_credentials(w: World, r: Req):
    m = r.msg
    get_version(w, f"{m.catalog_name}.{m.schema_name}.{m.model_name}", m.version)
    return n.TemporaryCredentials(storage_mode=n.DEFAULT_STORAGE, expiration_time=now_ms() + 3600_000)


def _apply_tags(tags: dict, changes: dict) -> None:
    for t in changes.get("add_tags", []):
        tags[t["key"]] = t.get("value", "")
    for k in changes.get("remove", []):
        tags.pop(k, None)


@route("PATCH", N + "/securable-tags/{kind}/{full}")
def native_tags(w: World, r: Req):
    _apply_tags(get_model(w, r.params["full"])["tags"], r.json.get("changes", {}))
    return {}


@route("PATCH", N + "/subentity-tags/{kind}/{full}/{sub}")
def native_version_tags(w: World, r: Req):
    _apply_tags(get_version(w, r.params["full"], r.params["sub"])["tags"], r.json.get("changes", {}))
    return {}
