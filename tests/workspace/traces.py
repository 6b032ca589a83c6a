"""MLflow traces: V3 start/search/get, long-running V4 search, tags, links, assessments."""

from __future__ import annotations

import json
import re
import uuid

from google.protobuf.timestamp_pb2 import Timestamp
from mlflow.protos import assessments_pb2 as ap
from mlflow.protos import databricks_tracing_pb2 as d
from mlflow.protos import service_pb2 as s

from .core import ApiError, Req, bad, missing, now_ms, route, to_json
from .state import TraceRec, World, page
from .tracking import get_exp, get_run

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


# ------------------------------------------------------------------ create / read
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
        t.assessments.append(_stamp(a, info.trace_id))
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


# ------------------------------------------------------------------ search
_OPS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "IN": lambda a, b: a in b,
    "NOT IN": lambda a, b: a not in b,
    "LIKE": lambda a, b: _like(a, b, 0),
    "ILIKE": lambda a, b: _like(a, b, re.I),
    "RLIKE": lambda a, b: re.search(b, str(a)) is not None,
}


def _like(a, b, flags) -> bool:
    rx = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in b)
    return re.match(f"^{rx}$", str(a), flags | re.S) is not None


def _values(w: World, t: TraceRec, kind: str, key: str):
    i = t.info
    if kind == "tag":
        return [i.tags[key]] if key in i.tags else []
    if kind == "request_metadata":
        if key == "mlflow.sourceRun":
            return list(t.run_ids)
        return [i.trace_metadata[key]] if key in i.trace_metadata else []
    if kind in ("feedback", "expectation"):
        out = []
        for a in t.assessments:
            if a.assessment_name == key and a.HasField(kind) and (not a.HasField("valid") or a.valid):
                v = to_json(a.feedback).get("value") if kind == "feedback" else to_json(a.expectation).get("value")
                out.append(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False))
        return out
    if kind == "span":
        out = []
        for sp in trace_data(w, i.trace_id).get("spans", []):
            if key == "content":
                out.append(json.dumps(sp, ensure_ascii=False))
            elif key == "name":
                out.append(sp.get("name"))
            elif key == "status":
                out.append((sp.get("status") or {}).get("code", "").replace("STATUS_CODE_", ""))
            elif key == "type":
                out.append(json.loads((sp.get("attributes") or {}).get("mlflow.spanType", '""')))
            elif key.startswith("attributes."):
                v = (sp.get("attributes") or {}).get(key.split(".", 1)[1])
                out.append(None if v is None else str(v))
        return [v for v in out if v is not None]
    attr = {
        "timestamp_ms": lambda: req_ms(i),
        "execution_time_ms": lambda: dur_ms(i),
        "end_time_ms": lambda: req_ms(i) + dur_ms(i),
        "status": lambda: s.TraceInfoV3.State.Name(i.state),
        "request_id": lambda: i.trace_id,
        "trace_id": lambda: i.trace_id,
        "client_request_id": lambda: i.client_request_id,
        "experiment_id": lambda: exp_of(t),
    }
    if key not in attr:
        raise bad(f"Invalid attribute key '{key}' in trace filter")
    return [attr[key]()]


def _compare(op: str, v, want) -> bool:
    if op in (">", ">=", "<", "<="):
        try:
            return _OPS[op](float(v), float(want))
        except (TypeError, ValueError):
            return False
    return _OPS[op](v, want if isinstance(want, str) else json.dumps(want))


def match(w: World, t: TraceRec, clauses: list[dict]) -> bool:
    for c in clauses:
        vals, op, want = _values(w, t, c["type"], c["key"]), c["comparator"].upper(), c["value"]
        if op == "IS NULL":
            ok = not vals
        elif op == "IS NOT NULL":
            ok = bool(vals)
        elif c["type"] in ("feedback", "expectation"):
            ok = any(_compare(op, v, want) for v in vals)
        else:
            ok = any(_OPS[op](v, want) for v in vals)
        if not ok:
            return False
    return True


def parse_filter(flt: str) -> list[dict]:
    from mlflow.utils.search_utils import SearchTraceUtils

    return SearchTraceUtils.parse_search_filter_for_search_traces(flt) if flt else []


def find(
    w: World, exp_ids: list[str], flt: str = "", order: list[str] | None = None, model_id: str | None = None
) -> list[TraceRec]:
    """Traces of the given places: experiment ids, or `cat.schema[.prefix]` for Unity Catalog."""
    from mlflow.utils.search_utils import SearchTraceUtils

    clauses = parse_filter(flt)
    out = [
        t
        for t in w.traces.values()
        if (t.location or exp_of(t)) in exp_ids
        and match(w, t, clauses)
        and (model_id is None or t.info.trace_metadata.get("mlflow.modelId") == model_id)
    ]
    keys = []
    for o in order or []:
        kind, key, asc = SearchTraceUtils.parse_order_by_for_search_traces(o)
        key = SearchTraceUtils.SEARCH_KEY_TO_ATTRIBUTE.get(key, key)
        if key in SearchTraceUtils.SEARCH_KEY_TO_TAG:
            kind, key = "tag", SearchTraceUtils.SEARCH_KEY_TO_TAG[key]
        elif key in SearchTraceUtils.SEARCH_KEY_TO_METADATA:
            kind, key = "request_metadata", SearchTraceUtils.SEARCH_KEY_TO_METADATA[key]
        keys.append((kind, key, asc))
    out.sort(key=lambda t: t.info.trace_id)
    for kind, key, asc in reversed(keys or [("attribute", "timestamp_ms", False)]):
        out.sort(key=lambda t: (_values(w, t, kind, key) or [""])[0], reverse=not asc)
    return out


@route("POST", P3 + "/traces/search", s.SearchTracesV3)
def search_traces(w: World, r: Req):
    m = r.msg
    exps = [x.mlflow_experiment.experiment_id for x in m.locations]
    if not exps:
        raise bad("At least one location must be specified.")
    for e in exps:
        get_exp(w, e)
    if m.max_results > 500:
        raise bad(f"Invalid value {m.max_results} for parameter 'max_results' supplied. It must be at most 500.")
    out, tok = page(
        find(w, exps, m.filter, list(m.order_by)), m.page_token, m.max_results or 100, min(w.config["max_page"], 500)
    )
    return s.SearchTracesV3.Response(traces=[full_info(t) for t in out], next_page_token=tok or "")


@route("POST", P4 + "/traces/search-long-running", d.SearchTracesLongRunning)
def search_long_running(w: World, r: Req):
    mode = w.config["search_traces_v4"]
    if mode == "endpoint_not_found":
        raise ApiError("ENDPOINT_NOT_FOUND", "No API found for 'POST /mlflow/traces/search-long-running'", 404)
    m = r.msg
    if mode == "locations_not_supported":
        raise bad("MLflow experiment locations not yet supported.")
    from .uc_traces import _warehouse, info_v4, loc_of

    exps = []
    for x in m.locations:
        if x.HasField("mlflow_experiment"):
            exps.append(x.mlflow_experiment.experiment_id)
            get_exp(w, x.mlflow_experiment.experiment_id)
            continue
        _warehouse(w, m.sql_warehouse_id)
        u = x.uc_table_prefix if x.HasField("uc_table_prefix") else x.uc_schema
        path = f"{u.catalog_name}.{u.schema_name}" + (f".{u.table_prefix}" if x.HasField("uc_table_prefix") else "")
        exps.append(loc_of(w, path)["path"])
    if not exps:
        raise bad("At least one location must be specified.")
    if any("." in e for e in exps) and not all("." in e for e in exps):
        raise bad("MLflow experiment and Unity Catalog locations cannot be searched together.")
    if m.max_results > 500:
        raise bad(f"Invalid value {m.max_results} for parameter 'max_results' supplied. It must be at most 500.")
    out, tok = page(
        find(w, exps, m.filter, list(m.order_by)), m.page_token, m.max_results or 100, min(w.config["max_page"], 500)
    )
    op = d.SearchTracesOperation(name=f"op-{uuid.uuid4().hex[:16]}", done=True)
    op.response.trace_infos.extend(info_v4(w, t) for t in out)
    op.response.next_page_token = tok or ""
    polls = int(w.config["search_traces_polls"])
    if polls:
        w.operations[op.name] = {"op": op, "left": polls}
        return d.SearchTracesOperation(name=op.name, done=False)
    return op


@route("GET", P4 + "/traces/search/operations/{name}")
def get_operation(w: World, r: Req):
    o = w.operations.get(r.params["name"])
    if o is None:
        raise missing(f"Operation {r.params['name']} not found")
    o["left"] -= 1
    if o["left"] > 0:
        return d.SearchTracesOperation(name=o["op"].name, done=False)
    return o["op"]


@route("GET", P2 + "/unified-traces", s.SearchUnifiedTraces)
def unified_traces(w: World, r: Req):
    m = r.msg
    if not m.sql_warehouse_id:
        raise bad("Missing value for required parameter 'sql_warehouse_id'.")
    out, tok = page(
        find(w, list(m.experiment_ids), m.filter, list(m.order_by), m.model_id or None),
        m.page_token,
        m.max_results or 100,
        500,
    )
    js = {"traces": [], "next_page_token": tok or ""}
    for t in out:
        i = t.info
        js["traces"].append(
            {
                "request_id": i.trace_id,
                "experiment_id": exp_of(t),
                "timestamp_ms": req_ms(i),
                "execution_time_ms": dur_ms(i),
                "status": s.TraceInfoV3.State.Name(i.state),
                "request_metadata": [{"key": k, "value": v} for k, v in i.trace_metadata.items()],
                "tags": [{"key": k, "value": v} for k, v in i.tags.items()],
            }
        )
    return js


# ------------------------------------------------------------------ tags, links, delete
def _set_tag(w: World, tid: str, key: str, value: str) -> None:
    if not key:
        raise bad("Missing value for required parameter 'key'.")
    rec(w, tid).info.tags[key] = value


@route("PATCH", P2 + "/traces/{request_id}/tags", s.SetTraceTag)
def set_tag_v2(w: World, r: Req):
    _set_tag(w, r.msg.request_id, r.msg.key, r.msg.value)
    return s.SetTraceTag.Response()


@route("PATCH", P3 + "/traces/{trace_id}/tags", s.SetTraceTagV3)
def set_tag_v3(w: World, r: Req):
    _set_tag(w, r.msg.trace_id, r.msg.key, r.msg.value)
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


# ------------------------------------------------------------------ assessments
def _stamp(a, tid: str):
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


def add_assessment(w: World, tid: str, a):
    t = rec(w, tid)
    if not a.assessment_name:
        raise bad("Missing value for required parameter 'assessment_name'.")
    if not a.source.source_type or not a.source.source_id:
        raise bad("Missing value for required parameter 'source'.")
    if not (a.HasField("feedback") or a.HasField("expectation") or a.HasField("issue") or a.HasField("error")):
        raise bad("Exactly one of feedback or expectation must be set on an assessment.")
    out = _stamp(a, tid)
    if a.overrides:
        old = _assessment(t, a.overrides)
        old.valid = False
    t.assessments.append(out)
    return out


def _assessment(t: TraceRec, aid: str):
    for a in t.assessments:
        if a.assessment_id == aid:
            return a
    raise missing(f"Assessment with ID '{aid}' not found for trace '{t.info.trace_id}'")


@route("POST", P3 + "/traces/{trace_id}/assessments", s.CreateAssessment)
def create_assessment(w: World, r: Req):
    tid = r.params["trace_id"]
    if r.msg.assessment.trace_id and r.msg.assessment.trace_id != tid:
        raise bad("trace_id in the path and in the assessment differ.")
    return s.CreateAssessment.Response(assessment=add_assessment(w, tid, r.msg.assessment))


@route("GET", P3 + "/traces/{trace_id}/assessments/{assessment_id}")
def get_assessment(w: World, r: Req):
    return s.GetAssessmentRequest.Response(
        assessment=_assessment(rec(w, r.params["trace_id"]), r.params["assessment_id"])
    )


@route("PATCH", P3 + "/traces/{trace_id}/assessments/{assessment_id}", s.UpdateAssessment)
def update_assessment(w: World, r: Req):
    a = _assessment(rec(w, r.params["trace_id"]), r.params["assessment_id"])
    new = r.msg.assessment
    for path in r.msg.update_mask.paths:
        if path in ("assessment_name", "rationale"):
            setattr(a, path, getattr(new, path))
        elif path in ("feedback", "expectation"):
            if not a.HasField(path):
                raise bad(f"Assessment {a.assessment_id} has no {path}; its kind cannot be changed.")
            getattr(a, path).CopyFrom(getattr(new, path))
        elif path == "metadata":
            for k, v in new.metadata.items():
                a.metadata[k] = v
        else:
            raise bad(f"Invalid update_mask path '{path}'.")
    a.last_update_time.CopyFrom(ts_now())
    return s.UpdateAssessment.Response(assessment=a)


@route("DELETE", P3 + "/traces/{trace_id}/assessments/{assessment_id}")
def delete_assessment(w: World, r: Req):
    t = rec(w, r.params["trace_id"])
    t.assessments.remove(_assessment(t, r.params["assessment_id"]))
    return {}
