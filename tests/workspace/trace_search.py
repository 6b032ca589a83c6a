"""Searching traces by filter, page and polled operation."""

from __future__ import annotations

import json
import re
import uuid

from mlflow.protos import databricks_tracing_pb2 as d
from mlflow.protos import service_pb2 as s

from .errors import ApiError, bad, missing
from .experiments import get_exp
from .protos import to_json
from .routing import Req, route
from .state import TraceRec, World, page
from .traces import P2, P3, P4, dur_ms, exp_of, full_info, req_ms, trace_data

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
    from .trace_locations import loc_of, running_warehouse
    from .uc_traces import info_v4

    exps = []
    for x in m.locations:
        if x.HasField("mlflow_experiment"):
            exps.append(x.mlflow_experiment.experiment_id)
            get_exp(w, x.mlflow_experiment.experiment_id)
            continue
        running_warehouse(w, m.sql_warehouse_id)
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
