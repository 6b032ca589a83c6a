"""Identity, OAuth, workspace files, permissions, secrets."""

from __future__ import annotations

import base64
import re
import secrets as pysecrets
import time
from urllib.parse import parse_qs

from .errors import ORG_ID, ApiError, bad, missing, now_ms
from .routing import Principal, Req, Resp, route
from .state import World, ws_path
from .uc_catalog import is_admin


# ------------------------------------------------------------------ discovery and OAuth M2M
@route("GET", "/.well-known/databricks-config", auth=False)
def well_known(w: World, r: Req):
    return {
        "oidc_endpoint": f"{r.base_url}/oidc",
        "workspace_id": ORG_ID,
        "cloud": "aws",
        "account_id": "11111111-2222-3333-4444-555555555555",
    }


@route("GET", "/oidc/.well-known/oauth-authorization-server", auth=False)
def oidc_config(w: World, r: Req):
    return {
        "issuer": f"{r.base_url}/oidc",
        "authorization_endpoint": f"{r.base_url}/oidc/v1/authorize",
        "token_endpoint": f"{r.base_url}/oidc/v1/token",
    }


@route("POST", "/oidc/v1/token", auth=False)
def oidc_token(w: World, r: Req):
    form = {k: v[0] for k, v in parse_qs(r.raw.decode()).items()}
    cid, sec = form.get("client_id"), form.get("client_secret")
    auth = r.headers.get("authorization", "")
    if auth.lower().startswith("basic "):
        cid, _, sec = base64.b64decode(auth.split(" ", 1)[1]).decode().partition(":")
    if form.get("grant_type") != "client_credentials":
        return Resp({"error": "unsupported_grant_type"}, 400)
    c = w.oauth_clients.get(cid or "")
    if c is None or c["secret"] != sec:
        return Resp({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
    ttl = c.get("ttl_s", 3600)
    tok = "eyJ." + pysecrets.token_urlsafe(24)
    w.tokens[tok] = Principal(
        user_name=c["user_name"],
        id=str(w.big_id()),
        token=tok,
        kind="oauth",
        groups=c.get("groups", ["users", "admins"]),
        expires_at=time.time() + ttl,
    )
    return {"access_token": tok, "token_type": "Bearer", "expires_in": ttl, "scope": form.get("scope", "all-apis")}


# ------------------------------------------------------------------ SCIM
def _scim(p: Principal) -> dict:
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": p.id,
        "userName": p.user_name,
        "displayName": p.user_name.split("@")[0],
        "active": True,
        "emails": [{"type": "work", "value": p.user_name, "primary": True}],
        "groups": [{"display": g, "type": "direct", "value": g} for g in p.groups],
    }


@route("GET", "/api/2.0/preview/scim/v2/Me")
def me(w: World, r: Req):
    return _scim(r.user)


def _scim_page(r: Req, res: list[dict]) -> dict:
    """SCIM pages are 1-based; the SDK keeps asking until a page is empty."""
    m = re.fullmatch(r'(\w+) eq "?([^"]*)"?', r.q("filter") or "")
    if r.q("filter") and not m:
        raise bad(f"Unsupported SCIM filter '{r.q('filter')}'")
    if m:
        res = [x for x in res if str(x.get(m[1])) == m[2]]
    i, n = max(1, int(r.q("startIndex") or 1)), int(r.q("count") or 100)
    out = res[i - 1 : i - 1 + n]
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": len(res),
        "startIndex": i,
        "itemsPerPage": len(out),
        "Resources": out,
    }


@route("GET", "/api/2.0/preview/scim/v2/Users")
def users(w: World, r: Req):
    return _scim_page(
        r, [_scim(p) for p in {p.user_name: p for p in w.tokens.values() if p.kind != "passthrough"}.values()]
    )


@route("GET", "/api/2.0/preview/scim/v2/Groups")
def groups(w: World, r: Req):
    gs = sorted({g for p in w.tokens.values() for g in p.groups})
    return _scim_page(r, [{"id": str(1000 + i), "displayName": g} for i, g in enumerate(gs)])


# ------------------------------------------------------------------ workspace files
def _guard(w: World, r: Req, path: str) -> str:
    p = ws_path(path)
    if not path.startswith("/"):
        raise bad(f"Path ({path}) doesn't start with '/'")
    parts = p.split("/")
    if len(parts) > 2 and parts[1] == "Users" and parts[2] != r.user.user_name and not is_admin(r.user):
        raise ApiError("PERMISSION_DENIED", f"{r.user.user_name} does not have access to {p}.")
    return p


@route("POST", "/api/2.0/workspace/mkdirs")
def mkdirs(w: World, r: Req):
    p = _guard(w, r, r.fields(required=("path",), optional=())["path"])
    parts = [x for x in p.split("/") if x]
    if parts and parts[0] not in ("Users", "Shared", "Repos"):
        raise ApiError("PERMISSION_DENIED", f"Cannot create a folder at the workspace root: {p}")
    if len(parts) >= 2 and parts[0] == "Users" and f"/Users/{parts[1]}" not in w.nodes:
        raise ApiError("PERMISSION_DENIED", f"Folder Users is protected; home folder {parts[1]} does not exist.")
    cur = ""
    for x in parts:
        cur += "/" + x
        node = w.nodes.get(cur)
        if node is None:
            w.nodes[cur] = w._node("DIRECTORY", cur)
        elif node["object_type"] != "DIRECTORY":
            raise ApiError("RESOURCE_ALREADY_EXISTS", f"{cur} already exists and is not a directory")
    return {}


@route("GET", "/api/2.0/workspace/get-status")
def get_status(w: World, r: Req):
    p = _guard(w, r, r.q("path") or "")
    n = w.nodes.get(p)
    if n is None:
        raise missing(f"Path ({p}) doesn't exist.")
    return {k: v for k, v in n.items() if k != "content"}


@route("GET", "/api/2.0/workspace/list")
def ws_list(w: World, r: Req):
    p = _guard(w, r, r.q("path") or "/")
    if p not in w.nodes:
        raise missing(f"Path ({p}) doesn't exist.")
    pre = p.rstrip("/") + "/"
    return {
        "objects": [n for k, n in sorted(w.nodes.items()) if k.startswith(pre) and "/" not in k[len(pre) :] and k != p]
    }


@route("POST", "/api/2.0/workspace/delete")
def ws_delete(w: World, r: Req):
    b = r.fields(required=("path",), optional=("recursive",))
    p = _guard(w, r, b["path"])
    if p not in w.nodes:
        raise missing(f"Path ({p}) doesn't exist.")
    kids = [k for k in w.nodes if k.startswith(p.rstrip("/") + "/")]
    if kids and not b.get("recursive"):
        raise ApiError("DIRECTORY_NOT_EMPTY", f"Folder ({p}) is not empty", 400)
    for k in [*kids, p]:
        n = w.nodes.pop(k)
        if n["object_type"] == "MLFLOW_EXPERIMENT":
            w.experiments[n["resource_id"]].lifecycle_stage = "deleted"
    return {}


@route("POST", "/api/2.0/workspace/import")
def ws_import(w: World, r: Req):
    b = r.fields(required=("path",), optional=("content", "format", "language", "overwrite"))
    p = _guard(w, r, b["path"])
    if b.get("format", "SOURCE") not in ("SOURCE", "HTML", "JUPYTER", "DBC", "R_MARKDOWN", "AUTO", "RAW"):
        raise bad(f"Invalid format {b['format']}")
    if len(b.get("content", "")) > 10 * 1024 * 1024:
        raise ApiError("MAX_NOTEBOOK_SIZE_EXCEEDED", "The content is larger than 10 MB.", 400)
    if p.rpartition("/")[0] not in w.nodes:
        raise missing(f"The parent folder ({p.rpartition('/')[0]}) does not exist.")
    if p in w.nodes and not b.get("overwrite"):
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"{p} already exists")
    w.nodes[p] = w._node("FILE", p, content=b.get("content", ""))
    return {}


@route("GET", "/api/2.0/workspace/export")
def ws_export(w: World, r: Req):
    p = _guard(w, r, r.q("path") or "")
    found = w.nodes.get(p)
    if found is None or found["object_type"] != "FILE":
        raise missing(f"Path ({p}) doesn't exist.")
    return {"content": found["content"], "file_type": p.rpartition(".")[2]}


# ------------------------------------------------------------------ permissions on workspace objects
LEVELS = {
    "experiments": ["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
    "serving-endpoints": ["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"],
    "jobs": ["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"],
    "warehouses": ["CAN_VIEW", "CAN_MONITOR", "CAN_USE", "CAN_MANAGE", "IS_OWNER"],
    "apps": ["CAN_USE", "CAN_MANAGE"],
    "directories": ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"],
    "notebooks": ["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"],
    "registered-models": ["CAN_READ", "CAN_EDIT", "CAN_MANAGE"],
}


def _object(w: World, kind: str, oid: str) -> str:
    if kind not in LEVELS:
        raise bad(f"Invalid object type '{kind}'")
    ok = {
        "experiments": oid in w.experiments,
        "serving-endpoints": any(e.get("id") == oid for e in w.endpoints.values()),
        "jobs": oid.isdigit() and int(oid) in w.jobs,
        "warehouses": oid in w.warehouses,
        "apps": oid in w.apps,
        "notebooks": False,
        "directories": any(str(n["object_id"]) == oid for n in w.nodes.values()),
    }.get(kind, True)
    if not ok:
        raise missing(f"{kind} {oid} does not exist.")
    return f"/{kind}/{oid}"


def _acl(w: World, kind: str, oid: str, user) -> list[dict]:
    return w.acls.setdefault(
        (kind, oid),
        [
            {
                "user_name": user.user_name,
                "all_permissions": [
                    {
                        "permission_level": LEVELS[kind][-1] if LEVELS[kind][-1] != "IS_OWNER" else "IS_OWNER",
                        "inherited": False,
                    }
                ],
            },
            {"group_name": "admins", "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": True}]},
        ],
    )


def _who(a: dict):
    return next(((k, a[k]) for k in ("user_name", "group_name", "service_principal_name") if a.get(k)), (None, None))


def _view(w: World, kind: str, oid: str, user) -> dict:
    return {
        "object_id": f"/{kind}/{oid}",
        "object_type": kind.rstrip("s"),
        "access_control_list": _acl(w, kind, oid, user),
    }


def _apply(w: World, r: Req, replace: bool) -> dict:
    kind, oid = r.params["kind"], r.params["oid"]
    _object(w, kind, oid)
    b = r.fields(optional=("access_control_list",))
    acl = _acl(w, kind, oid, r.user)
    new = []
    known = {p.user_name for p in w.tokens.values()}
    for a in b.get("access_control_list", []):
        k, name = _who(a)
        lvl = a.get("permission_level")
        if k is None:
            raise bad("Each access control must name a user, a group or a service principal.")
        if lvl not in LEVELS[kind]:
            raise bad(
                f"Permission type '{lvl}' is not defined for objects of type '{kind}'. Valid levels: {LEVELS[kind]}"
            )
        if k == "user_name" and name not in known:
            raise missing(f"Principal: UserName({name}) does not exist")
        new.append({k: name, "all_permissions": [{"permission_level": lvl, "inherited": False}]})
    if replace:
        acl[:] = [a for a in acl if any(p.get("inherited") for p in a["all_permissions"])] + new
    else:
        for a in new:
            acl[:] = [x for x in acl if _who(x) != _who(a) or any(p.get("inherited") for p in x["all_permissions"])]
            acl.append(a)
    return _view(w, kind, oid, r.user)


@route("GET", "/api/2.0/permissions/{kind}/{oid}/permissionLevels")
def perm_levels(w: World, r: Req):
    _object(w, r.params["kind"], r.params["oid"])
    return {"permission_levels": [{"permission_level": x, "description": x} for x in LEVELS[r.params["kind"]]]}


@route("GET", "/api/2.0/permissions/{kind}/{oid}")
def perm_get(w: World, r: Req):
    if r.params["kind"] == "notebooks":
        raise missing(f"notebooks {r.params['oid']} does not exist.")
    _object(w, r.params["kind"], r.params["oid"])
    return _view(w, r.params["kind"], r.params["oid"], r.user)


@route("PUT", "/api/2.0/permissions/{kind}/{oid}")
def perm_set(w: World, r: Req):
    return _apply(w, r, True)


@route("PATCH", "/api/2.0/permissions/{kind}/{oid}")
def perm_update(w: World, r: Req):
    return _apply(w, r, False)


# ------------------------------------------------------------------ secrets
@route("POST", "/api/2.0/secrets/scopes/create")
def scope_create(w: World, r: Req):
    b = r.fields(required=("scope",))
    if b["scope"] in w.secret_scopes:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Scope {b['scope']} already exists!")
    w.secret_scopes[b["scope"]] = {}
    return {}


@route("POST", "/api/2.0/secrets/scopes/delete")
def scope_delete(w: World, r: Req):
    scope = r.fields(required=("scope",))["scope"]
    if scope not in w.secret_scopes:
        raise missing(f"Scope {scope} does not exist!")
    w.secret_scopes.pop(scope)
    return {}


@route("GET", "/api/2.0/secrets/scopes/list")
def scope_list(w: World, r: Req):
    return {"scopes": [{"name": s, "backend_type": "DATABRICKS"} for s in w.secret_scopes]}


@route("POST", "/api/2.0/secrets/put")
def secret_put(w: World, r: Req):
    b = r.fields(required=("scope", "key"), optional=("string_value", "bytes_value"))
    if b["scope"] not in w.secret_scopes:
        raise missing(f"Scope {b['scope']} does not exist!")
    w.secret_scopes[b["scope"]][b["key"]] = b.get("string_value") or base64.b64decode(b.get("bytes_value", "")).decode()
    return {}


@route("GET", "/api/2.0/secrets/list")
def secret_list(w: World, r: Req):
    s = r.q("scope")
    if s not in w.secret_scopes:
        raise missing(f"Scope {s} does not exist!")
    return {"secrets": [{"key": k, "last_updated_timestamp": now_ms()} for k in w.secret_scopes[s]]}
