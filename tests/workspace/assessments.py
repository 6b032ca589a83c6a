"""Verdicts and feedback on traces."""

from __future__ import annotations

from mlflow.protos import service_pb2 as s

from .errors import bad, missing
from .routing import Req, route
from .state import TraceRec, World
from .traces import P3, rec, stamp, ts_now


def add_assessment(w: World, tid: str, a):
    t = rec(w, tid)
    if not a.assessment_name:
        raise bad("Missing value for required parameter 'assessment_name'.")
    if not a.source.source_type or not a.source.source_id:
        raise bad("Missing value for required parameter 'source'.")
    if not (a.HasField("feedback") or a.HasField("expectation") or a.HasField("issue") or a.HasField("error")):
        raise bad("Exactly one of feedback or expectation must be set on an assessment.")
    out = stamp(a, tid)
    if a.overrides:
        old = assessment_of(t, a.overrides)
        old.valid = False
    t.assessments.append(out)
    return out


def assessment_of(t: TraceRec, aid: str):
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
        assessment=assessment_of(rec(w, r.params["trace_id"]), r.params["assessment_id"])
    )


@route("PATCH", P3 + "/traces/{trace_id}/assessments/{assessment_id}", s.UpdateAssessment)
def update_assessment(w: World, r: Req):
    a = assessment_of(rec(w, r.params["trace_id"]), r.params["assessment_id"])
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
    t.assessments.remove(assessment_of(t, r.params["assessment_id"]))
    return {}
