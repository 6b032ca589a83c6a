"""Runs: parameters, metrics, tags, inputs and outputs."""

from __future__ import annotations

import uuid

from mlflow.protos import service_pb2 as s

from .errors import ApiError, bad, missing, now_ms
from .experiments import P, get_exp, key_ok, set_pair
from .routing import Req, route
from .state import World, page

RUN_ARTIFACTS = "/WorkspaceInternal/Mlflow/Artifacts/{exp}/Runs/{run}/artifacts"


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
        set_pair(run.data.tags, t.key, t.value)
    set_pair(run.data.tags, "mlflow.runName", name)
    set_pair(run.data.tags, "mlflow.user", r.user.user_name)
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
        set_pair(run.data.tags, "mlflow.runName", m.run_name)
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
    key_ok(key, "parameter")
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
    key_ok(m.key, "metric")
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
    key_ok(key, "tag")
    set_pair(run.data.tags, key, value)
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
    from .logged_models import get_model

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
    set_pair(run.data.tags, "mlflow.log-model.history", json.dumps(hist))
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
