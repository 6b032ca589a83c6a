"""Experiments, runs, metrics, params, tags, inputs/outputs, logged models."""

from __future__ import annotations

import re
import uuid

from mlflow.protos import service_pb2 as s

from .core import ApiError, Req, bad, missing, now_ms, route
from .state import World, page, ws_path

P = "/api/2.0/mlflow"
RUN_ARTIFACTS = "/WorkspaceInternal/Mlflow/Artifacts/{exp}/Runs/{run}/artifacts"
MODEL_ARTIFACTS = "/WorkspaceInternal/Mlflow/Artifacts/{exp}/LoggedModels/{model}/artifacts"
_KEY = re.compile(r"^[/\w.\- :]{1,250}$")


def _key_ok(key: str, kind: str) -> None:
    if not _KEY.match(key or "") or key.startswith("/") or ".." in key.split("/"):
        raise bad(
            f"Invalid {kind} name: '{key}'. Names may only contain alphanumerics, underscores (_), dashes (-), "
            "periods (.), spaces ( ), colon(:) and slashes (/)."
        )


# ------------------------------------------------------------------ experiments
def get_exp(w: World, eid: str, active: bool = False):
    e = w.experiments.get(str(eid))
    if e is None:
        raise missing(
            f"No experiment was found. If using the Python fluent API, you can set an active experiment "
            f"under which to create runs. Node ID {eid} does not exist."
        )
    if active and e.lifecycle_stage != "active":
        raise bad(f"The experiment {eid} must be in the 'active' state. Current state is {e.lifecycle_stage}.")
    return e


def exp_by_name(w: World, name: str):
    if not w.config["workspace_prefix_lookup"] and name.startswith("/Workspace/"):
        return None
    target = ws_path(name)
    hits = [e for e in w.experiments.values() if e.name == target]
    return next((e for e in hits if e.lifecycle_stage == "active"), hits[0] if hits else None)


@route("POST", P + "/experiments/create", s.CreateExperiment)
def create_experiment(w: World, r: Req):
    m = r.msg
    if not m.name.startswith("/"):
        raise bad(
            f"Got an invalid experiment name '{m.name}'. An experiment name must be an absolute path within the "
            "Databricks workspace. E.g., '/Users/<some-username>/my-experiment'."
        )
    path = ws_path(m.name)
    parent = path.rsplit("/", 1)[0] or "/"
    if path == "/" or path.endswith("/"):
        raise bad(f"Got an invalid experiment name '{m.name}'.")
    node = w.find_node(parent)
    if node is None:
        raise missing(f"Parent directory {parent} does not exist.")
    if node["object_type"] != "DIRECTORY":
        raise bad(f"{parent} is not a directory.")
    if w.find_node(path) is not None:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Node named '{path.rsplit('/', 1)[1]}' already exists")
    eid = str(w.big_id())
    e = s.Experiment(
        experiment_id=eid,
        name=path,
        lifecycle_stage="active",
        artifact_location=m.artifact_location or f"dbfs:/databricks/mlflow-tracking/{eid}",
        creation_time=now_ms(),
        last_update_time=now_ms(),
    )
    tags = {t.key: t.value for t in m.tags}
    tags.update(
        {
            "mlflow.ownerId": r.user.id,
            "mlflow.ownerEmail": r.user.user_name,
            "mlflow.experiment.sourceName": path,
            "mlflow.experimentType": "MLFLOW_EXPERIMENT",
        }
    )
    for k, v in tags.items():
        e.tags.add(key=k, value=v)
    w.experiments[eid] = e
    w.nodes[path] = {"object_type": "MLFLOW_EXPERIMENT", "path": path, "object_id": int(eid), "resource_id": eid}
    return s.CreateExperiment.Response(experiment_id=eid)


@route("GET", P + "/experiments/get-by-name", s.GetExperimentByName)
def experiment_by_name(w: World, r: Req):
    e = exp_by_name(w, r.msg.experiment_name)
    if e is None:
        raise missing(f"Node {r.msg.experiment_name} does not exist.")
    return s.GetExperimentByName.Response(experiment=e)


@route("GET", P + "/experiments/get", s.GetExperiment)
def experiment_get(w: World, r: Req):
    return s.GetExperiment.Response(experiment=get_exp(w, r.msg.experiment_id))


def _search_experiments(w: World, r: Req):
    from mlflow.entities import Experiment
    from mlflow.utils.search_utils import SearchExperimentsUtils as U

    m = r.msg
    stage = {1: "active", 2: "deleted", 3: None}.get(m.view_type or 1)
    items = [Experiment.from_proto(e) for e in w.experiments.values() if stage in (None, e.lifecycle_stage)]
    items = U.sort(U.filter(items, m.filter), list(m.order_by) or ["creation_time DESC", "experiment_id ASC"])
    out, tok = page(items, m.page_token, m.max_results, w.config["max_page"])
    return s.SearchExperiments.Response(
        experiments=[w.experiments[e.experiment_id] for e in out], next_page_token=tok or ""
    )


route("POST", P + "/experiments/search", s.SearchExperiments)(_search_experiments)
route("GET", P + "/experiments/search", s.SearchExperiments)(_search_experiments)


@route("POST", P + "/experiments/delete", s.DeleteExperiment)
def experiment_delete(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id)
    e.lifecycle_stage, e.last_update_time = "deleted", now_ms()
    w.nodes.pop(e.name, None)
    return s.DeleteExperiment.Response()


@route("POST", P + "/experiments/restore", s.RestoreExperiment)
def experiment_restore(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id)
    e.lifecycle_stage, e.last_update_time = "active", now_ms()
    w.nodes[e.name] = {
        "object_type": "MLFLOW_EXPERIMENT",
        "path": e.name,
        "object_id": int(e.experiment_id),
        "resource_id": e.experiment_id,
    }
    return s.RestoreExperiment.Response()


@route("POST", P + "/experiments/update", s.UpdateExperiment)
def experiment_update(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    if r.msg.new_name:
        new = ws_path(r.msg.new_name)
        if w.find_node(new):
            raise ApiError("RESOURCE_ALREADY_EXISTS", f"Node named '{new}' already exists")
        w.nodes[new] = w.nodes.pop(e.name)
        w.nodes[new]["path"] = new
        e.name, e.last_update_time = new, now_ms()
    return s.UpdateExperiment.Response()


def _set_kv(container, key: str, value: str) -> None:
    for t in container:
        if t.key == key:
            t.value = value
            return
    container.add(key=key, value=value)


@route("POST", P + "/experiments/set-experiment-tag", s.SetExperimentTag)
def set_experiment_tag(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    _set_kv(e.tags, r.msg.key, r.msg.value)
    e.last_update_time = now_ms()
    return s.SetExperimentTag.Response()


@route("POST", P + "/experiments/delete-experiment-tag", s.DeleteExperimentTag)
def delete_experiment_tag(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    for i, t in enumerate(e.tags):
        if t.key == r.msg.key:
            del e.tags[i]
            return s.DeleteExperimentTag.Response()
    raise missing(f"No tag with key '{r.msg.key}' for experiment {r.msg.experiment_id}")


# ------------------------------------------------------------------ runs
def get_run(w: World, run_id: str, active: bool = False):
    run = w.runs.get(run_id)
    if run is None:
        raise missing(f"Run '{run_id}' not found.")
    if active and run.info.lifecycle_stage != "active":
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"The run {run_id} must be in the 'active' state. Current state is {run.info.lifecycle_stage}.",
        )
    return run


def _tag(run, key: str) -> str | None:
    return next((t.value for t in run.data.tags if t.key == key), None)


@route("POST", P + "/runs/create", s.CreateRun)
def create_run(w: World, r: Req):
    m = r.msg
    if not m.experiment_id:
        raise bad("Missing value for required parameter 'experiment_id'.")
    get_exp(w, m.experiment_id, active=True)
    rid = uuid.uuid4().hex
    run = s.Run()
    name = m.run_name or next((t.value for t in m.tags if t.key == "mlflow.runName"), "") or f"run-{rid[:8]}"
    run.info.CopyFrom(
        s.RunInfo(
            run_id=rid,
            run_uuid=rid,
            run_name=name,
            experiment_id=m.experiment_id,
            user_id=m.user_id or r.user.user_name,
            status=s.RUNNING,
            start_time=m.start_time or now_ms(),
            lifecycle_stage="active",
            artifact_uri=f"dbfs:/databricks/mlflow-tracking/{m.experiment_id}/{rid}/artifacts",
        )
    )
    for t in m.tags:
        _set_kv(run.data.tags, t.key, t.value)
    _set_kv(run.data.tags, "mlflow.runName", name)
    _set_kv(run.data.tags, "mlflow.user", r.user.user_name)
    w.runs[rid] = run
    return s.CreateRun.Response(run=run)


@route("POST", P + "/runs/update", s.UpdateRun)
def update_run(w: World, r: Req):
    m = r.msg
    run = get_run(w, m.run_id or m.run_uuid, active=True)
    if m.HasField("status"):
        run.info.status = m.status
    if m.HasField("end_time"):
        run.info.end_time = m.end_time
    if m.run_name:
        run.info.run_name = m.run_name
        _set_kv(run.data.tags, "mlflow.runName", m.run_name)
    return s.UpdateRun.Response(run_info=run.info)


@route("POST", P + "/runs/delete", s.DeleteRun)
def delete_run(w: World, r: Req):
    get_run(w, r.msg.run_id, active=True).info.lifecycle_stage = "deleted"
    return s.DeleteRun.Response()


@route("POST", P + "/runs/restore", s.RestoreRun)
def restore_run(w: World, r: Req):
    get_run(w, r.msg.run_id).info.lifecycle_stage = "active"
    return s.RestoreRun.Response()


@route("GET", P + "/runs/get", s.GetRun)
def run_get(w: World, r: Req):
    rid = r.msg.run_id or r.msg.run_uuid
    if not rid:
        raise bad("Missing value for required parameter 'run_id'.")
    return s.GetRun.Response(run=get_run(w, rid))


def _log_param(run, key: str, value: str) -> None:
    _key_ok(key, "parameter")
    if len(value) > 6000:
        raise bad(f"Param value '{value[:50]}...' had length {len(value)}, which exceeded length limit of 6000")
    for p in run.data.params:
        if p.key == key:
            if p.value != value:
                raise bad(
                    f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                    f"value='{p.value}' for run ID='{run.info.run_id}'. Attempted logging new value '{value}'."
                )
            return
    run.data.params.add(key=key, value=value)


def _log_metric(w: World, run, m) -> None:
    _key_ok(m.key, "metric")
    hist = w.metric_history.setdefault((run.info.run_id, m.key), [])
    mm = s.Metric()
    mm.CopyFrom(m)
    mm.run_id = run.info.run_id
    hist.append(mm)
    best = max(hist, key=lambda x: (x.step, x.timestamp, x.value))
    for x in run.data.metrics:
        if x.key == m.key:
            x.CopyFrom(best)
            break
    else:
        run.data.metrics.add().CopyFrom(best)
    if m.model_id:
        lm = w.models.get(m.model_id)
        if lm is not None:
            for x in lm.data.metrics:
                if (x.key, x.run_id, x.dataset_name, x.dataset_digest) == (
                    m.key,
                    mm.run_id,
                    m.dataset_name,
                    m.dataset_digest,
                ):
                    x.CopyFrom(mm)
                    break
            else:
                lm.data.metrics.add().CopyFrom(mm)


@route("POST", P + "/runs/log-metric", s.LogMetric)
def log_metric(w: World, r: Req):
    m = r.msg
    run = get_run(w, m.run_id or m.run_uuid, active=True)
    _log_metric(
        w,
        run,
        s.Metric(
            key=m.key,
            value=m.value,
            timestamp=m.timestamp,
            step=m.step,
            model_id=m.model_id,
            dataset_name=m.dataset_name,
            dataset_digest=m.dataset_digest,
        ),
    )
    return s.LogMetric.Response()


@route("POST", P + "/runs/log-parameter", s.LogParam)
def log_param(w: World, r: Req):
    _log_param(get_run(w, r.msg.run_id or r.msg.run_uuid, active=True), r.msg.key, r.msg.value)
    return s.LogParam.Response()


@route("POST", P + "/runs/log-batch", s.LogBatch)
def log_batch(w: World, r: Req):
    m = r.msg
    run = get_run(w, m.run_id, active=True)
    if len(m.metrics) > 1000 or len(m.params) > 100 or len(m.tags) > 100:
        raise bad("A batch logging request can contain at most 1000 metrics, 100 params and 100 tags.")
    for p in m.params:
        _log_param(run, p.key, p.value)
    for x in m.metrics:
        _log_metric(w, run, x)
    for t in m.tags:
        _set_tag(run, t.key, t.value)
    return s.LogBatch.Response()


def _set_tag(run, key: str, value: str) -> None:
    _key_ok(key, "tag")
    _set_kv(run.data.tags, key, value)
    if key == "mlflow.runName":
        run.info.run_name = value


@route("POST", P + "/runs/set-tag", s.SetTag)
def set_tag(w: World, r: Req):
    _set_tag(get_run(w, r.msg.run_id or r.msg.run_uuid, active=True), r.msg.key, r.msg.value)
    return s.SetTag.Response()


@route("POST", P + "/runs/delete-tag", s.DeleteTag)
def delete_tag(w: World, r: Req):
    run = get_run(w, r.msg.run_id, active=True)
    for i, t in enumerate(run.data.tags):
        if t.key == r.msg.key:
            del run.data.tags[i]
            return s.DeleteTag.Response()
    raise missing(f"No tag with name: {r.msg.key} in run with id {r.msg.run_id}")


@route("POST", P + "/runs/search", s.SearchRuns)
def search_runs(w: World, r: Req):
    from mlflow.entities import Run
    from mlflow.utils.search_utils import SearchUtils as U

    m = r.msg
    if not m.experiment_ids:
        raise bad("Missing value for required parameter 'experiment_ids'.")
    stage = {1: "active", 2: "deleted", 3: None}.get(m.run_view_type or 1)
    runs = [
        Run.from_proto(x)
        for x in w.runs.values()
        if x.info.experiment_id in m.experiment_ids and stage in (None, x.info.lifecycle_stage)
    ]
    runs = U.sort(U.filter(runs, m.filter), list(m.order_by))
    out, tok = page(runs, m.page_token, m.max_results or 1000, min(w.config["max_page"], 50000))
    return s.SearchRuns.Response(runs=[w.runs[x.info.run_id] for x in out], next_page_token=tok or "")


@route("GET", P + "/metrics/get-history", s.GetMetricHistory)
def metric_history(w: World, r: Req):
    m = r.msg
    rid = m.run_id or m.run_uuid
    get_run(w, rid)
    out, tok = page(w.metric_history.get((rid, m.metric_key), []), m.page_token, m.max_results or 25000, 25000)
    return s.GetMetricHistory.Response(metrics=out, next_page_token=tok or "")


@route("GET", P + "/metrics/get-history-bulk-interval", s.GetMetricHistoryBulkInterval)
def metric_history_bulk(w: World, r: Req):
    out = s.GetMetricHistoryBulkInterval.Response()
    for rid in r.msg.run_ids:
        for x in w.metric_history.get((rid, r.msg.metric_key), []):
            out.metrics.add(key=x.key, value=x.value, timestamp=x.timestamp, step=x.step, run_id=rid)
    return out


@route("POST", P + "/runs/log-inputs", s.LogInputs)
def log_inputs(w: World, r: Req):
    run = get_run(w, r.msg.run_id, active=True)
    run.inputs.dataset_inputs.extend(r.msg.datasets)
    run.inputs.model_inputs.extend(r.msg.models)
    return s.LogInputs.Response()


@route("POST", P + "/runs/outputs", s.LogOutputs)
def log_outputs(w: World, r: Req):
    run = get_run(w, r.msg.run_id, active=True)
    for m in r.msg.models:
        get_model(w, m.model_id)
    run.outputs.model_outputs.extend(r.msg.models)
    return s.LogOutputs.Response()


@route("POST", P + "/runs/log-model", s.LogModel)
def log_model(w: World, r: Req):
    run = get_run(w, r.msg.run_id, active=True)
    import json

    hist = json.loads(_tag(run, "mlflow.log-model.history") or "[]")
    hist.append(json.loads(r.msg.model_json))
    _set_kv(run.data.tags, "mlflow.log-model.history", json.dumps(hist))
    return s.LogModel.Response()


@route("POST", P + "/experiments/search-datasets", s.SearchDatasets)
def search_datasets(w: World, r: Req):
    out = s.SearchDatasets.Response()
    seen = set()
    for run in w.runs.values():
        if run.info.experiment_id not in r.msg.experiment_ids:
            continue
        for d in run.inputs.dataset_inputs:
            ctx = next((t.value for t in d.tags if t.key == "mlflow.data.context"), "")
            k = (run.info.experiment_id, d.dataset.name, d.dataset.digest, ctx)
            if k not in seen:
                seen.add(k)
                out.dataset_summaries.add(experiment_id=k[0], name=k[1], digest=k[2], context=k[3])
    return out


# ------------------------------------------------------------------ logged models
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
        _set_kv(lm.info.tags, t.key, t.value)
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
        _set_kv(lm.info.tags, t.key, t.value)
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
