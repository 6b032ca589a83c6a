"""Unity Catalog prompt registry."""

from __future__ import annotations

import json
import re

from mlflow.protos import unity_catalog_prompt_messages_pb2 as u

from .errors import ApiError, bad, missing, now_ms
from .logged_models import get_model
from .routing import Req, route
from .runs import get_run
from .state import World, check_alias, page, uc_name
from .traces import rec
from .uc_catalog import require_privilege

P = "/api/2.0/mlflow/unity-catalog"
MAX_TEMPLATE = 100_000


def _on(w: World) -> None:
    if not w.config["previews"]["prompt_registry"]:
        raise ApiError("PERMISSION_DENIED", "The prompt registry preview is not enabled for this workspace.")


def get_prompt(w: World, name: str) -> dict:
    p = w.prompts.get(name)
    if p is None:
        raise missing(f"Prompt '{name}' does not exist.")
    return p


def get_version(w: World, name: str, version: str) -> dict:
    p = get_prompt(w, name)
    v = p["versions"].get(str(version))
    if v is None:
        raise missing(f"Prompt version '{version}' of prompt '{name}' does not exist.")
    return v


def _prompt_msg(p: dict):
    m = u.Prompt(name=p["name"], description=p["description"])
    m.creation_timestamp.FromMilliseconds(p["created"])
    m.last_updated_timestamp.FromMilliseconds(p["updated"])
    for a, v in p["aliases"].items():
        m.aliases.add(alias=a, version=v)
    for k, v in p["tags"].items():
        m.tags.add(key=k, value=v)
    return m


def _version_msg(p: dict, v: dict):
    m = u.PromptVersion(name=p["name"], version=v["version"], description=v["description"], template=v["template"])
    m.creation_timestamp.FromMilliseconds(v["created"])
    m.last_updated_timestamp.FromMilliseconds(v["updated"])
    for a, n in p["aliases"].items():
        if n == v["version"]:
            m.aliases.add(alias=a, version=n)
    for k, val in v["tags"].items():
        m.tags.add(key=k, value=val)
    return m


@route("POST", P + "/prompts", u.CreatePromptRequest)
def create_prompt(w: World, r: Req):
    _on(w)
    name = r.msg.name or r.msg.prompt.name
    if r.msg.prompt.name and r.msg.name and r.msg.prompt.name != r.msg.name:
        raise bad("The prompt's name differs from the request's name.")
    cat, sch, _ = uc_name(name, "prompt name")
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE FUNCTION")
    if name in w.prompts or name in w.uc_models:
        raise ApiError("ALREADY_EXISTS", f"Prompt '{name}' already exists.", 409)  # the code register_prompt() expects
    w.prompts[name] = {
        "name": name,
        "description": r.msg.prompt.description,
        "created": now_ms(),
        "updated": now_ms(),
        "tags": {t.key: t.value for t in r.msg.prompt.tags},
        "aliases": {},
        "versions": {},
        "next": 1,
        "owner": r.user.user_name,
    }
    return _prompt_msg(w.prompts[name])


def _fits(p: dict, key: str, op: str, val: str) -> bool:
    got = p["name"] if key.lower() == "name" else p["tags"].get(key.split(".", 1)[1].strip('`"'))
    short = p["name"].split(".")[-1] if key.lower() == "name" else got
    if got is None:
        return False
    if op in ("=", "!="):
        return (val in (got, short)) == (op == "=")
    rx = "^" + "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in val) + "$"
    return any(re.match(rx, x, re.I if op == "ILIKE" else 0) for x in (got, short))


@route("POST", P + "/prompts/search", u.SearchPromptsRequest)
def search_prompts(w: World, r: Req):
    _on(w)
    cs = r.msg.catalog_schema
    if not cs.catalog_name or not cs.schema_name:
        raise bad("catalog_schema with catalog_name and schema_name is required.")
    w.require_schema(cs.catalog_name, cs.schema_name)
    pre = f"{cs.catalog_name}.{cs.schema_name}."
    items = [p for n, p in sorted(w.prompts.items()) if n.startswith(pre)]
    for clause in re.split(r"\s+AND\s+", r.msg.filter, flags=re.I) if r.msg.filter else []:
        m = re.match(r"^\s*(name|tags?\.[`\"]?[\w.\-]+[`\"]?)\s*(=|!=|LIKE|ILIKE)\s*['\"](.*)['\"]\s*$", clause, re.I)
        if not m:
            raise bad(f"Invalid filter clause: {clause}")
        key, op, val = m[1], m[2].upper(), m[3]
        items = [p for p in items if _fits(p, key, op, val)]
    out, tok = page(items, r.msg.page_token, r.msg.max_results, w.config["max_page"])
    return u.SearchPromptsResponse(prompts=[_prompt_msg(p) for p in out], next_page_token=tok or "")


@route("GET", P + "/prompts/{name}", u.GetPromptRequest)
def prompt_get(w: World, r: Req):
    _on(w)
    uc_name(r.msg.name, "prompt name")
    return _prompt_msg(get_prompt(w, r.msg.name))


@route("PATCH", P + "/prompts/{name}", u.UpdatePromptRequest)
def prompt_update(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    p["description"], p["updated"] = r.msg.prompt.description, now_ms()
    return _prompt_msg(p)


@route("DELETE", P + "/prompts/{name}", u.DeletePromptRequest)
def prompt_delete(w: World, r: Req):
    p = get_prompt(w, r.msg.name)
    require_privilege(w, r.user, r.msg.name, "MANAGE", owner=p["owner"])
    if p["versions"]:
        raise bad(f"Cannot delete prompt '{r.msg.name}' because it still has versions. Delete every version first.")
    w.prompts.pop(r.msg.name)
    return u.DeletePromptResponse()


# ------------------------------------------------------------------ versions
@route("POST", P + "/prompts/{name}/versions", u.CreatePromptVersionRequest)
def create_version(w: World, r: Req):
    _on(w)
    p = get_prompt(w, r.params["name"])
    require_privilege(w, r.user, p["name"], "MANAGE", owner=p["owner"])
    pv = r.msg.prompt_version
    try:
        tpl = json.loads(pv.template)
    except ValueError:
        raise bad(
            "The template must be JSON-encoded: a string for a text prompt or a list of messages for a chat prompt."
        ) from None
    if not tpl:
        raise bad("Prompt template cannot be empty.")
    if len(pv.template) > MAX_TEMPLATE:
        raise bad(f"Prompt template exceeds the limit of {MAX_TEMPLATE} characters.")
    if isinstance(tpl, list) and not all(isinstance(x, dict) and "role" in x and "content" in x for x in tpl):
        raise bad("A chat prompt must be a list of messages with 'role' and 'content'.")
    n = str(p["next"])
    p["next"] += 1
    p["versions"][n] = {
        "version": n,
        "template": pv.template,
        "description": pv.description,
        "created": now_ms(),
        "updated": now_ms(),
        "tags": {t.key: t.value for t in pv.tags},
        "by": r.user.user_name,
    }
    p["updated"] = now_ms()
    return _version_msg(p, p["versions"][n])


@route("POST", P + "/prompts/{name}/versions/search", u.SearchPromptVersionsRequest)
def search_versions(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    items = sorted(p["versions"].values(), key=lambda v: -int(v["version"]))
    out, tok = page(items, r.msg.page_token, r.msg.max_results, w.config["max_page"])
    return u.SearchPromptVersionsResponse(prompt_versions=[_version_msg(p, v) for v in out], next_page_token=tok or "")


@route("GET", P + "/prompts/{name}/versions/by-alias/{alias}", u.GetPromptVersionByAliasRequest)
def version_by_alias(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    n = p["aliases"].get(r.params["alias"])
    if n is None:
        raise missing(f"Prompt '{p['name']}' has no alias '{r.params['alias']}'.")
    return _version_msg(p, get_version(w, p["name"], n))


@route("GET", P + "/prompts/{name}/versions/{version}", u.GetPromptVersionRequest)
def version_get(w: World, r: Req):
    if not r.params["version"].isdigit():
        raise bad(f"Invalid prompt version '{r.params['version']}'. Versions are positive integers.")
    return _version_msg(get_prompt(w, r.params["name"]), get_version(w, r.params["name"], r.params["version"]))


@route("PATCH", P + "/prompts/{name}/versions/{version}", u.UpdatePromptVersionRequest)
def version_update(w: World, r: Req):
    v = get_version(w, r.params["name"], r.params["version"])
    v["description"], v["updated"] = r.msg.prompt_version.description, now_ms()
    return _version_msg(get_prompt(w, r.params["name"]), v)


@route("DELETE", P + "/prompts/{name}/versions/{version}", u.DeletePromptVersionRequest)
def version_delete(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    get_version(w, p["name"], r.params["version"])
    held = [a for a, n in p["aliases"].items() if n == r.params["version"]]
    for a in held:
        p["aliases"].pop(a)
    p["versions"].pop(r.params["version"])
    return {}


# ------------------------------------------------------------------ aliases and tags
@route("POST", P + "/prompts/{name}/aliases/{alias}", u.SetPromptAliasRequest)
def set_alias(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    require_privilege(w, r.user, p["name"], "MANAGE", owner=p["owner"])
    check_alias(r.params["alias"])
    get_version(w, p["name"], r.msg.version)
    p["aliases"][r.params["alias"]] = str(r.msg.version)
    p["updated"] = now_ms()
    return {}


@route("DELETE", P + "/prompts/{name}/aliases/{alias}", u.DeletePromptAliasRequest)
def delete_alias(w: World, r: Req):
    p = get_prompt(w, r.params["name"])
    require_privilege(w, r.user, p["name"], "MANAGE", owner=p["owner"])
    if p["aliases"].pop(r.params["alias"], None) is None:
        raise missing(f"Prompt '{p['name']}' has no alias '{r.params['alias']}'.")
    return {}


@route("POST", P + "/prompts/{name}/tags", u.SetPromptTagRequest)
def set_tag(w: World, r: Req):
    get_prompt(w, r.params["name"])["tags"][r.msg.key] = r.msg.value
    return {}


@route("DELETE", P + "/prompts/{name}/tags/{key}", u.DeletePromptTagRequest)
def delete_tag(w: World, r: Req):
    if get_prompt(w, r.params["name"])["tags"].pop(r.params["key"], None) is None:
        raise missing(f"Tag '{r.params['key']}' does not exist.")
    return {}


@route("POST", P + "/prompts/{name}/versions/{version}/tags", u.SetPromptVersionTagRequest)
def set_version_tag(w: World, r: Req):
    get_version(w, r.params["name"], r.params["version"])["tags"][r.msg.key] = r.msg.value
    return {}


@route("DELETE", P + "/prompts/{name}/versions/{version}/tags/{key}", u.DeletePromptVersionTagRequest)
def delete_version_tag(w: World, r: Req):
    v = get_version(w, r.params["name"], r.params["version"])
    if v["tags"].pop(r.params["key"], None) is None:
        raise missing(f"Tag '{r.params['key']}' does not exist.")
    return {}


# ------------------------------------------------------------------ links
def _link(kind: str, ids_field: str, lookup):
    def handler(w: World, r: Req):
        ids = list(getattr(r.msg, ids_field))
        if not r.msg.prompt_versions or not ids:
            raise bad(f"prompt_versions and {ids_field} are both required.")
        for pv in r.msg.prompt_versions:
            get_version(w, pv.name, pv.version)
        for i in ids:
            obj = lookup(w, i)
            for pv in r.msg.prompt_versions:
                entry = {"name": pv.name, "version": pv.version, "id": i}
                if entry not in w.prompt_links[kind]:
                    w.prompt_links[kind].append(entry)
                if kind == "traces":
                    obj.prompts.append((pv.name, pv.version))
        return {}

    return handler


route("POST", P + "/prompt-versions/links-to-models", u.LinkPromptVersionsToModelsRequest)(
    _link("models", "model_ids", get_model)
)
route("POST", P + "/prompt-versions/links-to-traces", u.LinkPromptsToTracesRequest)(_link("traces", "trace_ids", rec))
route("POST", P + "/prompt-versions/links-to-runs", u.LinkPromptVersionsToRunsRequest)(
    _link("runs", "run_ids", get_run)
)
