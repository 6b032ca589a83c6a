"""Unity Catalog: catalogs, schemas, tables, volumes, grants."""

from __future__ import annotations

import uuid

from .errors import ApiError, bad, missing, now_ms
from .routing import Req, route
from .state import World, page, uc_name

P = "/api/2.1/unity-catalog"


def is_admin(user) -> bool:
    return "admins" in user.groups


def has_privilege(w: World, user, full: str, priv: str, owner: str | None = None) -> bool:
    if is_admin(user) or owner == user.user_name:
        return True
    parts = full.split(".")
    for n in range(len(parts), 0, -1):
        name = ".".join(parts[:n])
        for (_, fn), by in w.grants.items():
            if fn.lower() != name.lower():
                continue
            for who, privs in by.items():
                mine = who in (user.user_name, "account users", *user.groups)
                if mine and privs & {priv, "ALL PRIVILEGES", "MANAGE"}:
                    return True
    return False


def require_privilege(w: World, user, full: str, priv: str, owner: str | None = None) -> None:
    if not has_privilege(w, user, full, priv, owner):
        raise ApiError("PERMISSION_DENIED", f"User does not have {priv} on '{full}'.")


# ------------------------------------------------------------------ catalogs, schemas
@route("GET", P + "/catalogs")
def catalogs(w: World, r: Req):
    return {"catalogs": list(w.catalogs.values())}


@route("GET", P + "/catalogs/{name}")
def catalog(w: World, r: Req):
    if r.params["name"] not in w.catalogs:
        raise ApiError("CATALOG_DOES_NOT_EXIST", f"Catalog '{r.params['name']}' does not exist.")
    return w.catalogs[r.params["name"]]


@route("POST", P + "/catalogs")
def catalog_create(w: World, r: Req):
    b = r.fields(required=("name",))
    uc_name(b["name"], "catalog name", 1)
    if b["name"] in w.catalogs:
        raise ApiError("CATALOG_ALREADY_EXISTS", f"Catalog '{b['name']}' already exists")
    if not is_admin(r.user):
        raise ApiError("PERMISSION_DENIED", "User does not have CREATE CATALOG on Metastore.")
    w.catalogs[b["name"]] = {
        "name": b["name"],
        "owner": r.user.user_name,
        "created_at": now_ms(),
        "comment": b.get("comment", ""),
    }
    make_schema(w, b["name"], "default", r.user.user_name)
    return w.catalogs[b["name"]]


def make_schema(w: World, cat: str, name: str, owner: str, comment: str = "") -> dict:
    full = f"{cat}.{name}"
    w.schemas[full] = {
        "name": name,
        "catalog_name": cat,
        "full_name": full,
        "owner": owner,
        "comment": comment,
        "created_at": now_ms(),
        "updated_at": now_ms(),
        "schema_id": str(uuid.uuid4()),
    }
    return w.schemas[full]


@route("GET", P + "/schemas")
def schemas(w: World, r: Req):
    cat = r.q("catalog_name")
    if not cat:
        raise bad("SchemaService ListSchemas Missing required field: catalog_name")
    if cat not in w.catalogs:
        raise ApiError("CATALOG_DOES_NOT_EXIST", f"Catalog '{cat}' does not exist.")
    items = [s for s in w.schemas.values() if s["catalog_name"] == cat]
    out, tok = page(items, r.q("page_token"), int(r.q("max_results") or 0) or None, w.config["max_page"])
    return {"schemas": out, **({"next_page_token": tok} if tok else {})}


@route("POST", P + "/schemas")
def schema_create(w: World, r: Req):
    b = r.fields(required=("name", "catalog_name"))
    uc_name(b["name"], "schema name", 1)
    if b["catalog_name"] not in w.catalogs:
        raise ApiError("CATALOG_DOES_NOT_EXIST", f"Catalog '{b['catalog_name']}' does not exist.")
    if f"{b['catalog_name']}.{b['name']}" in w.schemas:
        raise ApiError("SCHEMA_ALREADY_EXISTS", f"Schema '{b['catalog_name']}.{b['name']}' already exists")
    require_privilege(w, r.user, b["catalog_name"], "CREATE SCHEMA")
    return make_schema(w, b["catalog_name"], b["name"], r.user.user_name, b.get("comment", ""))


@route("GET", P + "/schemas/{full}")
def schema_get(w: World, r: Req):
    cat, sch = uc_name(r.params["full"], "schema name", 2)
    w.require_schema(cat, sch)
    return w.schemas[r.params["full"]]


@route("DELETE", P + "/schemas/{full}")
def schema_delete(w: World, r: Req):
    cat, sch = uc_name(r.params["full"], "schema name", 2)
    w.require_schema(cat, sch)
    pre = r.params["full"] + "."
    if r.q("force") != "true" and any(n.startswith(pre) for d in (w.tables, w.uc_models, w.prompts) for n in d):
        raise bad(f"Schema '{r.params['full']}' is not empty.")
    w.schemas.pop(r.params["full"])
    return {}


# ------------------------------------------------------------------ tables
def make_table(w: World, full: str, owner: str, columns: list[tuple[str, str]], rows: list[dict] | None = None) -> dict:
    cat, sch, name = uc_name(full, "table name")
    w.require_schema(cat, sch)
    t = {
        "name": name,
        "catalog_name": cat,
        "schema_name": sch,
        "full_name": full,
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "owner": owner,
        "table_id": str(uuid.uuid4()),
        "created_at": now_ms(),
        "columns": [
            {"name": c, "type_text": t, "type_name": t.upper(), "position": i} for i, (c, t) in enumerate(columns)
        ],
        "_rows": rows if rows is not None else [],
    }
    w.tables[full] = t
    return t


def public(t: dict) -> dict:
    return {k: v for k, v in t.items() if not k.startswith("_")}


@route("GET", P + "/tables")
def tables(w: World, r: Req):
    cat, sch = r.q("catalog_name"), r.q("schema_name")
    if not cat or not sch:
        raise bad("catalog_name and schema_name are required.")
    w.require_schema(cat, sch)
    items = [public(t) for t in w.tables.values() if t["catalog_name"] == cat and t["schema_name"] == sch]
    out, tok = page(items, r.q("page_token"), int(r.q("max_results") or 0) or None, w.config["max_page"])
    return {"tables": out, **({"next_page_token": tok} if tok else {})}


@route("GET", P + "/tables/{full}/exists")
def table_exists(w: World, r: Req):
    cat, sch, _ = uc_name(r.params["full"], "table name")
    w.require_schema(cat, sch)
    return {"table_exists": r.params["full"] in w.tables}


def _table(w: World, full: str) -> dict:
    cat, sch, _ = uc_name(full, "table name")
    w.require_schema(cat, sch)
    if full not in w.tables:
        raise ApiError("TABLE_DOES_NOT_EXIST", f"Table '{full}' does not exist.")
    return w.tables[full]


@route("GET", P + "/tables/{full}")
def table_get(w: World, r: Req):
    return public(_table(w, r.params["full"]))


@route("GET", "/api/2.0/unity-catalog/tables/{full}")
def table_get_20(w: World, r: Req):
    return public(_table(w, r.params["full"]))


@route("DELETE", P + "/tables/{full}")
def table_delete(w: World, r: Req):
    _table(w, r.params["full"])
    w.tables.pop(r.params["full"])
    return {}


@route("POST", P + "/volumes")
def volume_create(w: World, r: Req):
    b = r.fields(required=("catalog_name", "schema_name", "name", "volume_type"))
    w.require_schema(b["catalog_name"], b["schema_name"])
    full = f"{b['catalog_name']}.{b['schema_name']}.{b['name']}"
    w.volumes[full] = {**b, "full_name": full, "volume_id": str(uuid.uuid4()), "owner": r.user.user_name}
    return w.volumes[full]


@route("GET", P + "/volumes")
def volumes(w: World, r: Req):
    if not r.q("catalog_name") or not r.q("schema_name"):
        raise bad("Missing required field: catalog_name, schema_name")
    w.require_schema(r.q("catalog_name"), r.q("schema_name"))
    return {
        "volumes": [
            v
            for v in w.volumes.values()
            if (v["catalog_name"], v["schema_name"]) == (r.q("catalog_name"), r.q("schema_name"))
        ]
    }


METASTORE = "11111111-2222-3333-4444-555555555555"


@route("GET", P + "/current-metastore-assignment")
def metastore(w: World, r: Req):
    from .errors import ORG_ID

    return {"metastore_id": METASTORE, "workspace_id": int(ORG_ID), "default_catalog_name": "main"}


@route("GET", P + "/metastore_summary")
def metastore_summary(w: World, r: Req):
    return {
        "metastore_id": METASTORE,
        "name": "emulated",
        "cloud": "aws",
        "region": "ap-northeast-1",
        "global_metastore_id": f"aws:ap-northeast-1:{METASTORE}",
        "privilege_model_version": "1.0",
    }


# ------------------------------------------------------------------ grants
_TYPES = {"CATALOG", "SCHEMA", "TABLE", "FUNCTION", "VOLUME"}


def _securable(w: World, kind: str, full: str) -> None:
    kind = kind.upper()
    if kind not in _TYPES:
        raise bad(f"SECURABLE_TYPE_NOT_SUPPORTED: '{kind}'")
    known = {
        "CATALOG": w.catalogs,
        "SCHEMA": w.schemas,
        "TABLE": w.tables,
        "VOLUME": w.volumes,
        "FUNCTION": {**w.uc_models, **w.prompts},
    }[kind]
    if full not in known:
        raise missing(f"{kind.title()} '{full}' does not exist.")


def _grants(w: World, kind: str, full: str) -> dict:
    by = w.grants.get((kind.upper(), full), {})
    return {
        "privilege_assignments": [
            {"principal": k, "privileges": sorted(x.replace(" ", "_") for x in v)} for k, v in by.items() if v
        ]
    }


@route("GET", P + "/permissions/{kind}/{full}")
def grants_get(w: World, r: Req):
    _securable(w, r.params["kind"], r.params["full"])
    return _grants(w, r.params["kind"], r.params["full"])


@route("GET", P + "/effective-permissions/{kind}/{full}")
def grants_effective(w: World, r: Req):
    _securable(w, r.params["kind"], r.params["full"])
    out = {}
    parts = r.params["full"].split(".")
    for (k, fn), by in w.grants.items():
        if fn == ".".join(parts[: fn.count(".") + 1]):
            for who, privs in by.items():
                out.setdefault(who, []).extend(
                    {"privilege": p.replace(" ", "_"), "inherited_from_name": fn, "inherited_from_type": k}
                    for p in privs
                )
    return {"privilege_assignments": [{"principal": k, "privileges": v} for k, v in out.items()]}


@route("PATCH", P + "/permissions/{kind}/{full}")
def grants_update(w: World, r: Req):
    _securable(w, r.params["kind"], r.params["full"])
    b = r.fields(required=("changes",))
    if not is_admin(r.user):
        raise ApiError("PERMISSION_DENIED", f"User does not have MANAGE on {r.params['full']}.")
    by = w.grants.setdefault((r.params["kind"].upper(), r.params["full"]), {})
    for c in b["changes"]:
        if not c.get("principal"):
            raise bad("Missing required field: principal")
        have = by.setdefault(c["principal"], set())
        have |= {p.replace("_", " ") for p in c.get("add", [])}
        have -= {p.replace("_", " ") for p in c.get("remove", [])}
    return _grants(w, r.params["kind"], r.params["full"])
