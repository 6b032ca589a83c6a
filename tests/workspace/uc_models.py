"""Unity Catalog model registry: the MLflow dialect (/api/2.0/mlflow/unity-catalog) and the native one (/api/2.1)."""

from __future__ import annotations

import re
import uuid

from mlflow.protos import databricks_uc_registry_messages_pb2 as u

from .errors import ApiError, bad, missing, now_ms
from .protos import to_json
from .routing import Req, route
from .state import World, check_alias, page, uc_name
from .uc_catalog import require_privilege

P = "/api/2.0/mlflow/unity-catalog"


def get_model(w: World, name: str) -> dict:
    uc_name(name, "model name")
    m = w.uc_models.get(name)
    if m is None:
        raise missing(f"Registered model '{name}' does not exist.")
    return m


def get_version(w: World, name: str, version) -> dict:
    m = get_model(w, name)
    if not str(version).isdigit():
        raise bad(f"Invalid model version '{version}'. Model version must be a positive integer.")
    v = m["versions"].get(int(version))
    if v is None:
        raise missing(f"Model version '{name}' version {version} does not exist.")
    return v


def files_root(name: str, version) -> str:
    return f"/Models/{name.replace('.', '/')}/{version}"


def create_model(w: World, r: Req, name: str, comment: str, tags: dict, job: str) -> dict:
    cat, sch, short = uc_name(name, "model name")
    w.require_schema(cat, sch)
    require_privilege(w, r.user, f"{cat}.{sch}", "CREATE MODEL")
    if name in w.uc_models or name in w.prompts:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Function '{name}' already exists")
    w.uc_models[name] = {
        "name": name,
        "cat": cat,
        "sch": sch,
        "short": short,
        "comment": comment,
        "tags": tags,
        "aliases": {},
        "versions": {},
        "next": 1,
        "created": now_ms(),
        "updated": now_ms(),
        "owner": r.user.user_name,
        "id": str(uuid.uuid4()),
        "job": job,
    }
    return w.uc_models[name]


def create_version(
    w: World,
    r: Req,
    name: str,
    source: str,
    run_id: str,
    comment: str,
    tags: dict,
    model_id: str,
    deps: list | None = None,
) -> dict:
    m = get_model(w, name)
    require_privilege(w, r.user, name, "CREATE MODEL VERSION", owner=m["owner"])
    if model_id and model_id not in w.models:
        raise missing(f"Logged model with ID '{model_id}' not found.")
    if run_id and run_id not in w.runs:
        raise missing(f"Run '{run_id}' not found.")
    v = m["next"]
    m["next"] += 1
    m["versions"][v] = {
        "name": name,
        "version": v,
        "source": source,
        "run_id": run_id,
        "comment": comment,
        "tags": tags,
        "model_id": model_id,
        "status": "PENDING_REGISTRATION",
        "created": now_ms(),
        "updated": now_ms(),
        "by": r.user.user_name,
        "id": str(uuid.uuid4()),
        "deps": deps or [],
        "location": f"s3://emulated-metastore/models/{m['id']}/versions/{v}",
    }
    m["updated"] = now_ms()
    return m["versions"][v]


def finalize(w: World, name: str, version) -> dict:
    v = get_version(w, name, version)
    if v["status"] == "READY":
        return v
    if w.get_blob(f"{files_root(name, version)}/MLmodel") is None:
        v["status"] = "FAILED_REGISTRATION"
        raise bad(f"Model version {name}/{version} has no MLmodel file in its storage location; registration failed.")
    v["status"], v["updated"] = "READY", now_ms()
    if v["model_id"] and v["model_id"] in w.models:
        reg = w.models[v["model_id"]].info.registrations.add()
        for f, val in (("name", name), ("version", str(version))):
            if f in reg.DESCRIPTOR.fields_by_name:
                setattr(reg, f, val)
    return v


def delete_version(w: World, name: str, version) -> None:
    v = get_version(w, name, version)
    for ep in w.endpoints.values():
        for se in (ep.get("config") or {}).get("served_entities", []):
            if se.get("entity_name") == name and str(se.get("entity_version")) == str(version):
                raise bad(f"Model version {name}/{version} is in use by serving endpoint '{ep['name']}'.")
    m = w.uc_models[name]
    m["versions"].pop(int(v["version"]))
    for a in [a for a, x in m["aliases"].items() if int(x) == int(version)]:
        m["aliases"].pop(a)


def rm_msg(m: dict):
    out = u.RegisteredModel(
        name=m["name"],
        creation_timestamp=m["created"],
        last_updated_timestamp=m["updated"],
        user_id=m["owner"],
        description=m["comment"],
    )
    for a, v in m["aliases"].items():
        out.aliases.add(alias=a, version=str(v))
    for k, v in m["tags"].items():
        out.tags.add(key=k, value=v)
    return out


def mv_msg(w: World, v: dict):
    m = w.uc_models[v["name"]]
    out = u.ModelVersion(
        name=v["name"],
        version=str(v["version"]),
        creation_timestamp=v["created"],
        last_updated_timestamp=v["updated"],
        user_id=v["by"],
        description=v["comment"],
        source=v["source"],
        run_id=v["run_id"],
        status=u.ModelVersionStatus.Value(v["status"]),
        storage_location=v["location"],
        model_id=v["model_id"],
    )
    for a, x in m["aliases"].items():
        if int(x) == v["version"]:
            out.aliases.add(alias=a, version=str(v["version"]))
    for k, val in v["tags"].items():
        out.tags.add(key=k, value=val)
    lm = w.models.get(v["model_id"])
    if lm is not None:
        for p in lm.data.params:
            out.model_params.add(name=p.key, value=p.value)
        for x in lm.data.metrics:
            out.model_metrics.add(
                key=x.key,
                value=x.value,
                timestamp=x.timestamp,
                step=x.step,
                run_id=x.run_id,
                model_id=x.model_id,
                dataset_name=x.dataset_name,
                dataset_digest=x.dataset_digest,
            )
    return out


@route("GET", P + "/registered-models:is-databricks-sdk-models-artifact-repository-enabled")
def sdk_repo_enabled(w: World, r: Req):
    return {"is_databricks_sdk_models_artifact_repository_enabled": bool(w.config["sdk_models_artifact_repo"])}


@route("POST", P + "/registered-models/create", u.CreateRegisteredModelRequest)
def rm_create(w: World, r: Req):
    m = r.msg
    return u.CreateRegisteredModelResponse(
        registered_model=rm_msg(
            create_model(w, r, m.name, m.description, {t.key: t.value for t in m.tags}, m.deployment_job_id)
        )
    )


@route("PATCH", P + "/registered-models/update", u.UpdateRegisteredModelRequest)
def rm_update(w: World, r: Req):
    m = get_model(w, r.msg.name)
    if r.msg.new_name:
        uc_name(r.msg.new_name, "model name")
        if r.msg.new_name in w.uc_models:
            raise ApiError("RESOURCE_ALREADY_EXISTS", f"Function '{r.msg.new_name}' already exists")
        w.uc_models[r.msg.new_name] = w.uc_models.pop(m["name"])
        m["name"] = r.msg.new_name
        for v in m["versions"].values():
            v["name"] = r.msg.new_name
    if r.msg.HasField("description"):
        m["comment"] = r.msg.description
    m["updated"] = now_ms()
    return u.UpdateRegisteredModelResponse(registered_model=rm_msg(m))


def delete_model(w: World, r: Req, name: str) -> None:
    m = get_model(w, name)
    require_privilege(w, r.user, name, "MANAGE", owner=m["owner"])
    if m["versions"]:
        raise bad(f"Function '{name}' is not empty. The function has {len(m['versions'])} model version(s).")
    w.uc_models.pop(name)


@route("DELETE", P + "/registered-models/delete", u.DeleteRegisteredModelRequest)
def rm_delete(w: World, r: Req):
    delete_model(w, r, r.msg.name)
    return {}


@route("GET", P + "/registered-models/get", u.GetRegisteredModelRequest)
def rm_get(w: World, r: Req):
    return u.GetRegisteredModelResponse(registered_model=rm_msg(get_model(w, r.msg.name)))


@route("GET", P + "/registered-models/search", u.SearchRegisteredModelsRequest)
def rm_search(w: World, r: Req):
    out, tok = page(
        [m for _, m in sorted(w.uc_models.items())], r.msg.page_token, r.msg.max_results, w.config["max_page"]
    )
    return u.SearchRegisteredModelsResponse(registered_models=[rm_msg(m) for m in out], next_page_token=tok or "")


@route("POST", P + "/model-versions/create", u.CreateModelVersionRequest)
def mv_create(w: World, r: Req):
    m = r.msg
    v = create_version(
        w,
        r,
        m.name,
        m.source,
        m.run_id,
        m.description,
        {t.key: t.value for t in m.tags},
        m.model_id,
        [to_json(x) for x in m.model_version_dependencies],
    )
    return u.CreateModelVersionResponse(model_version=mv_msg(w, v))


@route("PATCH", P + "/model-versions/update", u.UpdateModelVersionRequest)
def mv_update(w: World, r: Req):
    v = get_version(w, r.msg.name, r.msg.version)
    v["comment"], v["updated"] = r.msg.description, now_ms()
    return u.UpdateModelVersionResponse(model_version=mv_msg(w, v))


@route("DELETE", P + "/model-versions/delete", u.DeleteModelVersionRequest)
def mv_delete(w: World, r: Req):
    delete_version(w, r.msg.name, r.msg.version)
    return {}


@route("GET", P + "/model-versions/get", u.GetModelVersionRequest)
def mv_get(w: World, r: Req):
    return u.GetModelVersionResponse(model_version=mv_msg(w, get_version(w, r.msg.name, r.msg.version)))


@route("GET", P + "/model-versions/search", u.SearchModelVersionsRequest)
def mv_search(w: World, r: Req):
    f = r.msg.filter.strip()
    m = re.match(r"^name\s*=\s*(['\"])(.+)\1$", f)
    if not m:
        raise bad(
            f"Unsupported filter query : `{f}`. Please specify your filter parameter in the format "
            "`name = 'model_name'`."
        )
    uc_name(m[2], "model name")
    items = sorted(w.uc_models.get(m[2], {"versions": {}})["versions"].values(), key=lambda v: -v["version"])
    out, tok = page(items, r.msg.page_token, r.msg.max_results, w.config["max_page"])
    return u.SearchModelVersionsResponse(model_versions=[mv_msg(w, v) for v in out], next_page_token=tok or "")


@route("POST", P + "/model-versions/generate-temporary-credentials", u.GenerateTemporaryModelVersionCredentialsRequest)
def mv_credentials(w: World, r: Req):
    v = get_version(w, r.msg.name, r.msg.version)
    if r.msg.operation == u.MODEL_VERSION_OPERATION_READ_WRITE and v["status"] != "PENDING_REGISTRATION":
        raise bad(f"Model version {v['name']}/{v['version']} is not pending registration.")
    return u.GenerateTemporaryModelVersionCredentialsResponse(
        credentials=u.TemporaryCredentials(storage_mode=u.DEFAULT_STORAGE, expiration_time=now_ms() + 3600_000)
    )


@route("GET", P + "/model-versions/get-download-uri", u.GetModelVersionDownloadUriRequest)
def mv_download_uri(w: World, r: Req):
    return {"artifact_uri": get_version(w, r.msg.name, r.msg.version)["location"]}


@route("POST", P + "/model-versions/finalize", u.FinalizeModelVersionRequest)
def mv_finalize(w: World, r: Req):
    return u.FinalizeModelVersionResponse(model_version=mv_msg(w, finalize(w, r.msg.name, r.msg.version)))


def set_alias(w: World, r: Req, name: str, alias: str, version) -> None:
    m = get_model(w, name)
    require_privilege(w, r.user, name, "MANAGE", owner=m["owner"])
    check_alias(alias)
    get_version(w, name, version)
    m["aliases"][alias] = int(version)


def del_alias(w: World, name: str, alias: str) -> None:
    if get_model(w, name)["aliases"].pop(alias, None) is None:
        raise missing(f"Alias '{alias}' does not exist on registered model '{name}'.")


def by_alias(w: World, name: str, alias: str) -> dict:
    m = get_model(w, name)
    if alias not in m["aliases"]:
        raise missing(f"Alias '{alias}' does not exist on registered model '{name}'.")
    return get_version(w, name, m["aliases"][alias])


@route("POST", P + "/registered-models/alias", u.SetRegisteredModelAliasRequest)
def alias_set(w: World, r: Req):
    set_alias(w, r, r.msg.name, r.msg.alias, r.msg.version)
    return {}


@route("DELETE", P + "/registered-models/alias", u.DeleteRegisteredModelAliasRequest)
def alias_delete(w: World, r: Req):
    del_alias(w, r.msg.name, r.msg.alias)
    return {}


@route("GET", P + "/registered-models/alias", u.GetModelVersionByAliasRequest)
def alias_get(w: World, r: Req):
    return u.GetModelVersionByAliasResponse(model_version=mv_msg(w, by_alias(w, r.msg.name, r.msg.alias)))


@route("POST", P + "/registered-models/set-tag", u.SetRegisteredModelTagRequest)
def rm_tag(w: World, r: Req):
    get_model(w, r.msg.name)["tags"][r.msg.key] = r.msg.value
    return {}


@route("DELETE", P + "/registered-models/delete-tag", u.DeleteRegisteredModelTagRequest)
def rm_untag(w: World, r: Req):
    get_model(w, r.msg.name)["tags"].pop(r.msg.key, None)
    return {}


@route("POST", P + "/model-versions/set-tag", u.SetModelVersionTagRequest)
def mv_tag(w: World, r: Req):
    get_version(w, r.msg.name, r.msg.version)["tags"][r.msg.key] = r.msg.value
    return {}


@route("DELETE", P + "/model-versions/delete-tag", u.DeleteModelVersionTagRequest)
def mv_untag(w: World, r: Req):
    get_version(w, r.msg.name, r.msg.version)["tags"].pop(r.msg.key, None)
    return {}


@route("POST", P + "/model-versions/emit-lineage", u.EmitModelVersionLineageRequest, strict=False)
def mv_lineage(w: World, r: Req):
    get_version(w, r.msg.name, r.msg.version)
    return {}
