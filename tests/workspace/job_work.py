"""What the system jobs do: judge traces, archive them."""

from __future__ import annotations

import hashlib
import json

from google.protobuf.json_format import ParseDict
from mlflow.protos import assessments_pb2 as ap
from mlflow.protos import service_pb2 as s

from . import llm
from .assessments import add_assessment
from .errors import now_ms
from .protos import to_json
from .state import World
from .trace_search import match, parse_filter
from .traces import dur_ms, exp_of, full_info, req_ms, trace_data


def _io(w: World, tid: str) -> tuple:
    spans = trace_data(w, tid).get("spans", [])
    root = next((x for x in spans if not x.get("parent_span_id")), None)
    at = (root or {}).get("attributes") or {}

    def load(k):
        try:
            return json.loads(at[k])
        except (KeyError, ValueError, TypeError):
            return None

    return load("mlflow.spanInputs"), load("mlflow.spanOutputs")


def _text(v) -> str:
    if v is None:
        return ""
    if isinstance(v, str):
        return v
    if isinstance(v, dict):
        if "output" in v and isinstance(v["output"], list):
            return "\n".join(
                c.get("text", "")
                for o in v["output"]
                if isinstance(o, dict)
                for c in (o.get("content") or [])
                if isinstance(c, dict)
            )
        if "choices" in v:
            m = (v["choices"] or [{}])[0].get("message", {})
            return _text(m.get("content"))
    if isinstance(v, list) and v and isinstance(v[0], dict) and "text" in v[0]:
        return "\n".join(x.get("text", "") for x in v)
    return json.dumps(v, ensure_ascii=False)


def score(w: World, scorer: dict, tid: str) -> dict:
    """{"value", "rationale"} or {"error"} for one scorer on one trace."""
    inputs, outputs = _io(w, tid)
    req, resp = _text(inputs), _text(outputs)
    spec = json.loads(scorer["serialized_scorer"])
    cls = spec.get("builtin_scorer_class")
    data = spec.get("builtin_scorer_pydantic_data") or {}
    if cls == "Safety":
        v, why = llm.verdict(w, "harmfulness", req, resp)
        return {"value": "no" if v == "yes" else "yes", "rationale": why}
    if cls in ("Guidelines", "ExpectationsGuidelines"):
        g = data.get("guidelines") or []
        v, why = llm.verdict(w, "guidelines", req, resp, [g] if isinstance(g, str) else g)
        return {"value": v, "rationale": why}
    if cls:
        name = {
            "RelevanceToQuery": "relevance_to_query",
            "RetrievalGroundedness": "groundedness",
            "RetrievalRelevance": "chunk_relevance",
            "Correctness": "correctness",
        }.get(cls, "other")
        v, why = llm.verdict(w, name, req, resp)
        return {"value": v, "rationale": why}
    if spec.get("instructions_judge_pydantic_data"):
        ins = spec["instructions_judge_pydantic_data"].get("instructions", "")
        o = llm.judge_prompt(w, f"{ins}\n<response>{resp}</response>")
        return {"value": o["result"], "rationale": o["rationale"]}
    src = spec.get("call_source")
    if src:
        import textwrap

        name = spec.get("original_func_name") or spec.get("name")
        ns: dict = {}
        try:
            code = f"def {name}{spec.get('call_signature', '(inputs, outputs)')}:\n" + textwrap.indent(
                textwrap.dedent(src), "    "
            )
            exec("from typing import *\nfrom mlflow.entities import *\n" + code, ns)
            import inspect

            avail = {"inputs": inputs, "outputs": outputs, "trace": None, "expectations": None}
            kw = {k: avail.get(k) for k in inspect.signature(ns[name]).parameters}
            out = ns[name](**kw)
        except Exception as e:  # noqa: BLE001 - somebody's own scorer runs here
            return {"error": f"{type(e).__name__}: {e}"}
        if hasattr(out, "value"):
            return {"value": out.value, "rationale": getattr(out, "rationale", "") or ""}
        return {"value": out, "rationale": ""}
    return {"error": "unsupported scorer"}


def feedback_of(name: str, res: dict, version) -> ap.Assessment:
    a = ap.Assessment(assessment_name=name)
    a.source.source_type = ap.AssessmentSource.LLM_JUDGE
    a.source.source_id = "databricks"
    if "error" in res:
        a.feedback.error.error_code = "SCORER_ERROR"
        a.feedback.error.error_message = res["error"]
    else:
        ParseDict(res["value"], a.feedback.value)
        a.rationale = res.get("rationale", "")
    a.metadata["mlflow.assessment.scheduledScorer"] = "true"
    if version:
        a.metadata["mlflow.assessment.scorerVersion"] = str(version)
    return a


def _sampled(tid: str, name: str, rate: float) -> bool:
    return (
        int(hashlib.sha256(f"{tid}|{name}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < rate if rate < 1 else rate >= 1
    )


def _monitored(w: World, t, eid: str) -> bool:
    """A trace of the experiment itself, or of the UC location it is linked to once it names a SQL warehouse."""
    if t.location is None:
        return exp_of(t) == eid
    from .trace_locations import linked

    tags = {x.key: x.value for x in w.experiments[eid].tags}
    return linked(w, eid) == t.location and tags.get("mlflow.monitoring.sqlWarehouseId") in w.warehouses


def run_metrics(w: World, job: dict) -> str:
    eid = job["_experiment_id"]
    n = 0
    for sc in w.scorers.get(eid, []):
        rate = float(sc.get("sample_rate") or 0)
        if rate <= 0:
            continue
        clauses = parse_filter(sc.get("filter_string") or "")
        for t in list(w.traces.values()):
            tid = t.info.trace_id
            if (
                not _monitored(w, t, eid)
                or (tid, sc["name"]) in job["_done"]
                or req_ms(t.info) < sc["_since"] - 3600_000
            ):
                continue
            if t.info.state == s.TraceInfoV3.IN_PROGRESS or not match(w, t, clauses):
                continue
            job["_done"].add((tid, sc["name"]))
            if not _sampled(tid, sc["name"], rate):
                continue
            add_assessment(w, tid, feedback_of(sc["name"], score(w, sc, tid), sc.get("scorer_version")))
            n += 1
    return f"{n} assessments written"


def run_backfill(w: World, job: dict) -> str:
    b, eid, n = job["_backfill"], job["_experiment_id"], 0
    rates = {x["name"]: x["sample_rate"] for x in b["scorer_sample_rates"]}
    for sc in w.scorers.get(eid, []):
        if sc["name"] not in rates:
            continue
        for t in list(w.traces.values()):
            tid = t.info.trace_id
            if exp_of(t) != eid or (b.get("trace_ids") and tid not in b["trace_ids"]):
                continue
            if not (b.get("start_timestamp_ms") or 0) <= req_ms(t.info) <= (b.get("end_timestamp_ms") or now_ms()):
                continue
            if _sampled(tid, sc["name"], float(rates[sc["name"]] or 0)):
                add_assessment(w, tid, feedback_of(sc["name"], score(w, sc, tid), sc.get("scorer_version")))
                n += 1
    return f"{n} assessments written"


ARCHIVE_COLUMNS = [
    ("trace_id", "string"),
    ("client_request_id", "string"),
    ("trace_location", "string"),
    ("request_time", "timestamp"),
    ("state", "string"),
    ("execution_duration_ms", "bigint"),
    ("request", "string"),
    ("response", "string"),
    ("request_preview", "string"),
    ("response_preview", "string"),
    ("trace_metadata", "map<string,string>"),
    ("tags", "map<string,string>"),
    ("assessments", "string"),
    ("spans", "string"),
]


def archive_row(w: World, t) -> dict:
    js = to_json(full_info(t))
    inp, out = _io(w, t.info.trace_id)

    def d(v):
        return json.dumps(v, ensure_ascii=False)

    return {
        "trace_id": t.info.trace_id,
        "client_request_id": t.info.client_request_id or None,
        "trace_location": d(js.get("trace_location")),
        "request_time": js.get("request_time"),
        "state": js.get("state"),
        "execution_duration_ms": dur_ms(t.info),
        "request": d(inp),
        "response": d(out),
        "request_preview": t.info.request_preview,
        "response_preview": t.info.response_preview,
        "trace_metadata": d(js.get("trace_metadata", {})),
        "tags": d(js.get("tags", {})),
        "assessments": d(js.get("assessments", [])),
        "spans": d(trace_data(w, t.info.trace_id).get("spans", [])),
    }


def run_archive(w: World, job: dict) -> str:
    from .uc_catalog import make_table

    a = w.archival[job["_experiment_id"]]
    if a["table"] not in w.tables:
        make_table(w, a["table"], job["creator_user_name"], ARCHIVE_COLUMNS)
    t = w.tables[a["table"]]
    rows = {x["trace_id"]: x for x in t["_rows"]}
    n = 0
    for tr in w.traces.values():
        if exp_of(tr) == job["_experiment_id"] and tr.info.state != s.TraceInfoV3.IN_PROGRESS:
            n += tr.info.trace_id not in rows
            rows[tr.info.trace_id] = archive_row(w, tr)
    t["_rows"][:] = list(rows.values())
    return f"{n} traces archived"
