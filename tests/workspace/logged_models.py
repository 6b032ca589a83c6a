"""LoggedModels."""

from __future__ import annotations

import re
import uuid

from mlflow.protos import service_pb2 as s

from .errors import bad, missing, now_ms
from .experiments import P, get_exp, set_pair
from .routing import Req, route
from .runs import get_run
from .state import World, page

MODEL_ARTIFACTS = "/WorkspaceInternal/Mlflow/Artifacts/{exp}/LoggedModels/{model}/artifacts"


def get_model(w: World, mid: str):
    m = w.models.get(mid)
    if m is None:
        raise missing(f"Logged model with ID '{mid}' not found.")
    return m


@route("POST", P + "/logged-models", s.CreateLoggedModel)
def create_logged_model(w: World, r: Req):
    m = r.msg
    get_exp(w, m.experiment_id, active=True)
    if m.source_run_id:
        get_run(w, m.source_run_id)
    if m.name and re.search(r"[/:.%\"']", m.name):
        raise bad(
            f"Invalid model name ({m.name}). Name must be a non-empty string and cannot contain the following "
            "characters: ('/', ':', '.', '%', '\"', \"'\")"
        )
    mid = "m-" + uuid.uuid4().hex
    lm = s.LoggedModel()
    lm.info.CopyFrom(
        s.LoggedModelInfo(
            model_id=mid,
            experiment_id=m.experiment_id,
            name=m.name or f"model-{mid[2:10]}",
            creation_timestamp_ms=now_ms(),
            last_updated_timestamp_ms=now_ms(),
            model_type=m.model_type,
            artifact_uri=f"dbfs:/databricks/mlflow-tracking/{m.experiment_id}/logged_models/{mid}/artifacts",
            status=s.LOGGED_MODEL_PENDING,
            source_run_id=m.source_run_id,
        )
    )
    for t in m.tags:
        set_pair(lm.info.tags, t.key, t.value)
    for p in m.params:
        lm.data.params.add(key=p.key, value=p.value)
    w.models[mid] = lm
    return s.CreateLoggedModel.Response(model=lm)


@route("PATCH", P + "/logged-models/{model_id}", s.FinalizeLoggedModel)
def finalize_logged_model(w: World, r: Req):
    lm = get_model(w, r.msg.model_id)
    if r.msg.status not in (s.LOGGED_MODEL_READY, s.LOGGED_MODEL_UPLOAD_FAILED):
        raise bad(
            f"Invalid model status: {s.LoggedModelStatus.Name(r.msg.status)}. Expected statuses: "
            "[LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED]"
        )
    lm.info.status = r.msg.status
    lm.info.last_updated_timestamp_ms = now_ms()
    return s.FinalizeLoggedModel.Response(model=lm)


@route("GET", P + "/logged-models/{model_id}", s.GetLoggedModel)
def logged_model_get(w: World, r: Req):
    return s.GetLoggedModel.Response(model=get_model(w, r.msg.model_id))


@route("DELETE", P + "/logged-models/{model_id}", s.DeleteLoggedModel)
def logged_model_delete(w: World, r: Req):
    get_model(w, r.msg.model_id)
    w.models.pop(r.msg.model_id)
    return s.DeleteLoggedModel.Response()


@route("POST", P + "/logged-models/search", s.SearchLoggedModels)
def search_logged_models(w: World, r: Req):
    from mlflow.entities import LoggedModel
    from mlflow.utils.search_utils import SearchLoggedModelsUtils as U

    m = r.msg
    if not m.experiment_ids:
        raise bad("Missing value for required parameter 'experiment_ids'.")
    items = [LoggedModel.from_proto(x) for x in w.models.values() if x.info.experiment_id in m.experiment_ids]
    ds = [{"dataset_name": d.dataset_name, "dataset_digest": d.dataset_digest or None} for d in m.datasets]
    items = U.filter_logged_models(items, m.filter, ds)
    order = []
    for o in m.order_by:
        d = {"field_name": o.field_name, "ascending": o.ascending if o.HasField("ascending") else True}
        if o.dataset_name:
            d["dataset_name"] = o.dataset_name
        if o.dataset_digest:
            d["dataset_digest"] = o.dataset_digest
        order.append(d)
    items = U.sort(items, order)
    out, tok = page(items, m.page_token, m.max_results or 100, min(w.config["max_page"], 100))
    return s.SearchLoggedModels.Response(models=[w.models[x.model_id] for x in out], next_page_token=tok or "")


@route("PATCH", P + "/logged-models/{model_id}/tags", s.SetLoggedModelTags)
def logged_model_tags(w: World, r: Req):
    lm = get_model(w, r.msg.model_id)
    for t in r.msg.tags:
        set_pair(lm.info.tags, t.key, t.value)
    return (
        s.SetLoggedModelTags.Response(model=lm)
        if "model" in s.SetLoggedModelTags.Response.DESCRIPTOR.fields_by_name
        else s.SetLoggedModelTags.Response()
    )


@route("DELETE", P + "/logged-models/{model_id}/tags/{tag_key}", s.DeleteLoggedModelTag)
def logged_model_tag_delete(w: World, r: Req):
    lm = get_model(w, r.msg.model_id)
    for i, t in enumerate(lm.info.tags):
        if t.key == r.msg.tag_key:
            del lm.info.tags[i]
            return s.DeleteLoggedModelTag.Response()
    raise missing(f"No tag with key {r.msg.tag_key} for model with ID {r.msg.model_id}.")


@route("POST", P + "/logged-models/{model_id}/params", s.LogLoggedModelParamsRequest)
def logged_model_params(w: World, r: Req):
    lm = get_model(w, r.msg.model_id)
    for p in r.msg.params:
        if not any(x.key == p.key for x in lm.data.params):
            lm.data.params.add(key=p.key, value=p.value)
    return s.LogLoggedModelParamsRequest.Response()
