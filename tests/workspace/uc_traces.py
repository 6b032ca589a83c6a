"""Traces kept in Unity Catalog: locations (V4 schema, V5 table prefix), OTLP ingestion, V4 trace calls.

A trace is held under its full V4 id `trace:/<location>/<32 hex>`; the tables' names and columns are
an assumption where the clients do not fix them (they are answered by the server)."""

from __future__ import annotations

import json
import re

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from mlflow.protos import assessments_pb2 as ap
from mlflow.protos import databricks_tracing_pb2 as d
from mlflow.protos import service_pb2 as s
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from .assessments import add_assessment, assessment_of, stamp
from .errors import ApiError, bad, missing, now_ms
from .protos import parse_message, to_json
from .routing import Req, Resp, route
from .runs import get_run
from .state import TraceRec, World
from .trace_locations import P4, loc_of, loc_proto, running_warehouse
from .traces import full_info, rec, tag_trace


@route("POST", "/api/2.0/otel/v1/traces")
def otlp(w: World, r: Req):
    table = r.headers.get("x-databricks-uc-table-name")
    if not table:
        raise bad("Missing required header 'X-Databricks-UC-Table-Name'.")
    loc = next((x for x in w.trace_locations.values() if x["spans"] == table), None)
    if loc is None:
        raise ApiError("TABLE_DOES_NOT_EXIST", f"Table '{table}' does not exist.")
    if "protobuf" not in r.headers.get("content-type", ""):
        raise ApiError("BAD_REQUEST", "Content-Type must be application/x-protobuf.")
    q = ExportTraceServiceRequest()
    try:
        q.ParseFromString(r.raw)
    except DecodeError:
        raise ApiError("MALFORMED_REQUEST", "Could not parse ExportTraceServiceRequest.") from None
    for rs in q.resource_spans:
        for ss in rs.scope_spans:
            for sp in ss.spans:
                hexid = sp.trace_id.hex()
                full = f"trace:/{loc['path']}/{hexid}"
                w.uc_spans.setdefault(full, {})[sp.span_id] = sp
                w.tables[table]["_rows"].append(
                    {
                        "trace_id": hexid,
                        "span_id": sp.span_id.hex(),
                        "parent_span_id": sp.parent_span_id.hex() or None,
                        "name": sp.name,
                        "start_time_unix_nano": sp.start_time_unix_nano,
                        "end_time_unix_nano": sp.end_time_unix_nano,
                        "attributes": json.dumps({a.key: _any(a.value) for a in sp.attributes}, ensure_ascii=False),
                        "status": ["UNSET", "OK", "ERROR"][sp.status.code],
                    }
                )
                if full not in w.traces and not sp.parent_span_id:
                    _from_root(w, full, loc, sp)
    return Resp(content=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf")


def _any(v):
    k = v.WhichOneof("value")
    return MessageToDict(v) if k in ("array_value", "kvlist_value", "bytes_value") else getattr(v, k) if k else None


def _from_root(w: World, full: str, loc: dict, sp) -> None:
    """Spans sent by a plain OTLP client: the trace's record is derived from its root span."""
    i = s.TraceInfoV3(trace_id=full, state=s.TraceInfoV3.ERROR if sp.status.code == 2 else s.TraceInfoV3.OK)
    i.request_time.FromNanoseconds(sp.start_time_unix_nano)
    i.execution_duration.FromNanoseconds(max(0, sp.end_time_unix_nano - sp.start_time_unix_nano))
    a = {x.key: _any(x.value) for x in sp.attributes}
    i.request_preview, i.response_preview = str(a.get("mlflow.spanInputs", "")), str(a.get("mlflow.spanOutputs", ""))
    i.tags["mlflow.traceName"] = sp.name
    i.trace_metadata["mlflow.trace_schema.version"] = "4"
    w.traces[full] = TraceRec(info=i, location=loc["path"])


def spans_json(w: World, full: str) -> list[dict]:
    out = []
    for sp in sorted(w.uc_spans.get(full, {}).values(), key=lambda x: x.start_time_unix_nano):
        attrs = {a.key: _any(a.value) for a in sp.attributes}
        attrs = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in attrs.items()}
        out.append(
            {
                "trace_id": full,
                "span_id": sp.span_id.hex(),
                "parent_span_id": sp.parent_span_id.hex() or None,
                "name": sp.name,
                "start_time_unix_nano": sp.start_time_unix_nano,
                "end_time_unix_nano": sp.end_time_unix_nano,
                "attributes": attrs,
                "status": {
                    "code": ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"][sp.status.code],
                    "message": sp.status.message,
                },
            }
        )
    return out


def info_v4(w: World, t: TraceRec):
    js = to_json(full_info(t))
    if not t.location:
        for a in js.get("assessments", []):
            a["trace_location"] = js.get("trace_location")
        return parse_message(d.TraceInfo, js, strict=False)
    lp = to_json(loc_proto(loc_of(w, t.location)))
    js["trace_id"] = t.info.trace_id.rsplit("/", 1)[1]
    js["trace_location"] = lp
    for a in js.get("assessments", []):
        a["trace_id"], a["trace_location"] = js["trace_id"], lp
    return parse_message(d.TraceInfo, js, strict=False)


def assessment_v4(w: World, t: TraceRec, a):
    js = to_json(a)
    js["trace_id"] = t.info.trace_id.rsplit("/", 1)[1]
    js["trace_location"] = to_json(loc_proto(loc_of(w, t.location)))
    return parse_message(d.Assessment, js, strict=False)


def _get(w: World, r: Req) -> TraceRec:
    loc_of(w, r.params["loc"])
    return rec(w, f"trace:/{r.params['loc']}/{r.params['tid']}")


T = P4 + "/traces/{loc}/{tid}"


@route("POST", T + "/info")
def create_info(w: World, r: Req):
    loc, tid = loc_of(w, r.params["loc"]), r.params["tid"]
    m = parse_message(d.TraceInfo, r.json)
    if not re.fullmatch(r"[0-9a-f]{32}", tid) or m.trace_id != tid:
        raise bad(f"Invalid trace_id '{m.trace_id or tid}'.")
    js = to_json(m)
    js.pop("trace_location", None)
    for a in js.get("assessments", []):
        a.pop("trace_location", None)
    full = f"trace:/{loc['path']}/{tid}"
    i = parse_message(s.TraceInfoV3, js, strict=False)
    i.trace_id = full
    old = w.traces.get(full)
    t = TraceRec(info=i, location=loc["path"])
    t.assessments = (old.assessments if old else []) + [stamp(a, full) for a in i.assessments]
    t.run_ids = old.run_ids if old else set()
    del t.info.assessments[:]
    if "mlflow.sourceRun" in i.trace_metadata:
        t.run_ids.add(i.trace_metadata["mlflow.sourceRun"])
    w.traces[full] = t
    return info_v4(w, t)


@route("GET", T + "/info")
def get_info(w: World, r: Req):
    t = _get(w, r)
    running_warehouse(w, r.q("sql_warehouse_id") or "")
    return d.GetTraceInfo.Response(trace=d.Trace(trace_info=info_v4(w, t)))


@route("GET", P4 + "/traces/{loc}/batchGet")
def batch_get(w: World, r: Req):
    loc = loc_of(w, r.params["loc"])
    running_warehouse(w, r.q("sql_warehouse_id") or "")
    ids = r.qall("trace_ids")
    if len(ids) > 10:
        raise bad("At most 10 trace_ids can be requested at once.")
    out = d.BatchGetTraces.Response()
    for tid in ids:
        t = w.traces.get(f"trace:/{loc['path']}/{tid}")
        if t is None:
            continue  # an unknown id is left out; the client turns that into None
        x = out.traces.add(trace_info=info_v4(w, t))
        for sp in sorted(w.uc_spans.get(t.info.trace_id, {}).values(), key=lambda y: y.start_time_unix_nano):
            x.spans.add().ParseFromString(sp.SerializeToString())
    return Resp(json.loads(_dumps(out)))


def _dumps(msg) -> str:
    from mlflow.utils.proto_json_utils import message_to_json

    return message_to_json(msg)


@route("PATCH", T + "/tags")
def set_tag(w: World, r: Req):
    t = _get(w, r)
    b = r.fields(("key",), ("value", "trace_id", "location_id"))
    tag_trace(w, t.info.trace_id, b["key"], b.get("value", ""))
    return {}


@route("DELETE", T + "/tags/{key}")
def del_tag(w: World, r: Req):
    t = _get(w, r)
    if r.params["key"] not in t.info.tags:
        raise missing(f"No trace tag with key '{r.params['key']}'")
    del t.info.tags[r.params["key"]]
    return {}


def runs_of(w: World, r: Req, on: bool):
    loc, b = loc_of(w, r.params["loc"]), r.fields(("trace_ids", "run_id"), ("location_id",))
    get_run(w, b["run_id"])
    for tid in b["trace_ids"]:
        ids = rec(w, f"trace:/{loc['path']}/{tid}").run_ids
        ids.add(b["run_id"]) if on else ids.discard(b["run_id"])
    return {}


route("POST", P4 + "/traces/{loc}/link-to-run/batchCreate")(lambda w, r: runs_of(w, r, True))


route("DELETE", P4 + "/traces/{loc}/unlink-from-run/batchDelete")(lambda w, r: runs_of(w, r, False))


def _native(m) -> ap.Assessment:
    js = to_json(m)
    js.pop("trace_location", None)
    return parse_message(ap.Assessment, js, strict=False)


@route("POST", T + "/assessments")
def create_assessment(w: World, r: Req):
    t = _get(w, r)
    running_warehouse(w, r.q("sql_warehouse_id") or "")
    return assessment_v4(w, t, add_assessment(w, t.info.trace_id, _native(parse_message(d.Assessment, r.json))))


@route("GET", T + "/assessments/{aid}")
def get_assessment(w: World, r: Req):
    t = _get(w, r)
    return assessment_v4(w, t, assessment_of(t, r.params["aid"]))


@route("PATCH", T + "/assessments/{aid}")
def update_assessment(w: World, r: Req):
    t = _get(w, r)
    a, new = assessment_of(t, r.params["aid"]), _native(parse_message(d.Assessment, r.json))
    for path in (r.q("update_mask") or "").split(","):
        if path in ("assessment_name", "rationale"):
            setattr(a, path, getattr(new, path))
        elif path in ("feedback", "expectation") and a.HasField(path):
            getattr(a, path).CopyFrom(getattr(new, path))
        elif path == "metadata":
            a.metadata.update(dict(new.metadata))
        elif path:
            raise bad(f"Invalid update_mask path '{path}'.")
    a.last_update_time.FromMilliseconds(now_ms())
    return assessment_v4(w, t, a)


@route("DELETE", T + "/assessments/{aid}")
def delete_assessment(w: World, r: Req):
    t = _get(w, r)
    t.assessments.remove(assessment_of(t, r.params["aid"]))
    return {}
