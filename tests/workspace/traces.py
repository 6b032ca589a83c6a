"""MLflow traces: V3 start/search/get, long-running V4 search, tags, links, assessments."""

from __future__ import annotations

import json
import uuid

from google.protobuf.timestamp_pb2 import Timestamp
from mlflow.protos import assessments_pb2 as ap
from mlflow.protos import service_pb2 as s

from .errors import ApiError, bad, missing, now_ms
from .experiments import get_exp
from .routing import Req, route
from .runs import get_run
from .state import TraceRec, World

P2, P3, P4 = "/api/2.0/mlflow", "/api/3.0/mlflow", "/api/4.0/mlflow"


def rec(w: World, tid: str) -> TraceRec:
    t = w.traces.get(tid)
    if t is None:
        raise missing(f"Trace with ID '{tid}' not found.")
    return t


def full_info(t: TraceRec):
    out = s.TraceInfoV3()
    out.CopyFrom(t.info)
    del out.assessments[:]
    out.assessments.extend(t.assessments)
    return out


def exp_of(t: TraceRec) -> str:
    return t.info.trace_location.mlflow_experiment.experiment_id


def req_ms(info) -> int:
    return info.request_time.ToMilliseconds()


def dur_ms(info) -> int:
    return info.execution_duration.ToMilliseconds()


def trace_data(w: World, tid: str) -> dict:
    if tid.startswith("trace:/"):
        from .uc_traces import spans_json

        return {"spans": spans_json(w, tid)}
    from .artifacts import trace_path

    b = w.get_blob(trace_path(w, tid))
    try:
        return json.loads(b.data) if b else {"spans": []}
    except ValueError:
        return {"spans": []}


def ts_now() -> Timestamp:
    t = Timestamp()
    t.FromMilliseconds(now_ms())
    return t


@route("POST", P3 + "/traces", s.StartTraceV3)
def start_trace(w: World, r: Req):
    info = r.msg.trace.trace_info
    if not info.trace_id.startswith("tr-"):
        raise bad(f"Invalid trace_id '{info.trace_id}'. Expected an ID of the form 'tr-<hex>'.")
    loc = info.trace_location
    if loc.type != s.TraceLocation.MLFLOW_EXPERIMENT or not loc.mlflow_experiment.experiment_id:
        raise bad("Traces can only be started in an MLflow experiment location through this API.")
    eid = loc.mlflow_experiment.experiment_id
    get_exp(w, eid, active=True)
    if not info.HasField("request_time"):
        raise bad("Missing value for required parameter 'request_time'.")
    if sum(1 for t in w.traces.values() if exp_of(t) == eid) >= w.config["trace_limit_per_experiment"]:
        raise ApiError(
            "RESOURCE_EXHAUSTED",
            f"Number of traces in experiment {eid} exceeds the limit of {w.config['trace_limit_per_experiment']}.",
            429,
        )
    old = w.traces.get(info.trace_id)
    t = TraceRec(info=s.TraceInfoV3())
    t.info.CopyFrom(info)
    t.info.tags["mlflow.artifactLocation"] = f"dbfs:/databricks/mlflow-tracking/{eid}/{info.trace_id}/artifacts"
    if "mlflow.user" not in t.info.tags:
        t.info.tags["mlflow.user"] = r.user.user_name
    for a in info.assessments:
        t.assessments.append(stamp(a, info.trace_id))
    del t.info.assessments[:]
    if old:
        t.run_ids, t.assessments = old.run_ids, old.assessments + t.assessments
    if "mlflow.sourceRun" in info.trace_metadata:
        t.run_ids.add(info.trace_metadata["mlflow.sourceRun"])
    w.traces[info.trace_id] = t
    return s.StartTraceV3.Response(trace=s.Trace(trace_info=full_info(t)))


@route("GET", P3 + "/traces/{trace_id}", s.GetTraceInfoV3)
def get_trace_info(w: World, r: Req):
    return s.GetTraceInfoV3.Response(trace=s.Trace(trace_info=full_info(rec(w, r.msg.trace_id))))


def tag_trace(w: World, tid: str, key: str, value: str) -> None:
    if not key:
        raise bad("Missing value for required parameter 'key'.")
    rec(w, tid).info.tags[key] = value


@route("PATCH", P2 + "/traces/{request_id}/tags", s.SetTraceTag)
def set_tag_v2(w: World, r: Req):
    tag_trace(w, r.msg.request_id, r.msg.key, r.msg.value)
    return s.SetTraceTag.Response()


@route("PATCH", P3 + "/traces/{trace_id}/tags", s.SetTraceTagV3)
def set_tag_v3(w: World, r: Req):
    tag_trace(w, r.msg.trace_id, r.msg.key, r.msg.value)
    return s.SetTraceTagV3.Response()


def _del_tag(w: World, tid: str, key: str) -> None:
    tags = rec(w, tid).info.tags
    if key not in tags:
        raise missing(f"No trace tag with key '{key}' for trace with ID '{tid}'")
    del tags[key]


@route("DELETE", P2 + "/traces/{request_id}/tags", s.DeleteTraceTag)
def del_tag_v2(w: World, r: Req):
    _del_tag(w, r.msg.request_id, r.msg.key)
    return s.DeleteTraceTag.Response()


@route("DELETE", P3 + "/traces/{trace_id}/tags", s.DeleteTraceTagV3)
def del_tag_v3(w: World, r: Req):
    _del_tag(w, r.msg.trace_id, r.msg.key)
    return s.DeleteTraceTagV3.Response()


@route("POST", P2 + "/traces/link-to-run", s.LinkTracesToRun)
def link_to_run(w: World, r: Req):
    get_run(w, r.msg.run_id)
    if len(r.msg.trace_ids) > 100:
        raise bad("At most 100 traces can be linked to a run in one request.")
    for tid in r.msg.trace_ids:
        rec(w, tid).run_ids.add(r.msg.run_id)
    return s.LinkTracesToRun.Response()


def _delete(w: World, m) -> int:
    get_exp(w, m.experiment_id)
    ids = set(m.request_ids)
    hit = sorted(
        (
            t
            for t in w.traces.values()
            if exp_of(t) == m.experiment_id
            and (t.info.trace_id in ids if ids else req_ms(t.info) <= m.max_timestamp_millis)
        ),
        key=lambda t: req_ms(t.info),
    )
    if m.max_traces and not ids:
        hit = hit[: m.max_traces]
    for t in hit:
        w.traces.pop(t.info.trace_id)
    return len(hit)


@route("POST", P2 + "/traces/delete-traces", s.DeleteTraces)
def delete_v2(w: World, r: Req):
    return s.DeleteTraces.Response(traces_deleted=_delete(w, r.msg))


@route("POST", P3 + "/traces/delete-traces", s.DeleteTracesV3)
def delete_v3(w: World, r: Req):
    return s.DeleteTracesV3.Response(traces_deleted=_delete(w, r.msg))


def stamp(a, tid: str):
    out = ap.Assessment()
    out.CopyFrom(a)
    out.assessment_id = "a-" + uuid.uuid4().hex
    out.trace_id = tid
    if not out.HasField("create_time"):
        out.create_time.CopyFrom(ts_now())
    out.last_update_time.CopyFrom(ts_now())
    if out.HasField("feedback") and not out.HasField("valid"):
        out.valid = True
    return out
