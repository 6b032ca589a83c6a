"""Where traces are kept in Unity Catalog: locations and their links."""

from __future__ import annotations

import re

from mlflow.protos import databricks_tracing_pb2 as d

from .errors import ApiError, bad, missing
from .experiments import get_exp
from .routing import Req, route
from .state import World

P4, P5 = "/api/4.0/mlflow", "/api/5.0/mlflow"
TAG = {
    "path": "mlflow.experiment.databricksTraceDestinationPath",
    "spans": "mlflow.experiment.databricksTraceSpanStorageTable",
    "logs": "mlflow.experiment.databricksTraceLogStorageTable",
    "annotations": "mlflow.experiment.databricksTraceAnnotationsTable",
}


SPAN_COLUMNS = [
    ("trace_id", "string"),
    ("span_id", "string"),
    ("parent_span_id", "string"),
    ("name", "string"),
    ("start_time_unix_nano", "bigint"),
    ("end_time_unix_nano", "bigint"),
    ("attributes", "string"),
    ("status", "string"),
]


def running_warehouse(w: World, wid: str) -> None:
    if not wid:
        raise bad("Could not resolve a SQL warehouse ID. Please provide sql_warehouse_id.")
    wh = w.warehouses.get(wid)
    if wh is None:
        raise missing(f"SQL warehouse {wid} does not exist.")
    if wh.get("state") not in ("RUNNING", "STARTING"):
        raise ApiError("INVALID_STATE", f"SQL warehouse {wid} is not running.")


def _schema(w: World, cat: str, sch: str) -> None:
    if cat not in w.catalogs:
        raise ApiError("CATALOG_DOES_NOT_EXIST", f"Catalog '{cat}' does not exist.")
    if f"{cat}.{sch}" not in w.schemas:
        raise ApiError("SCHEMA_DOES_NOT_EXIST", f"Schema '{cat}.{sch}' does not exist.")


def _tables(w: World, loc: dict, owner: str) -> None:
    from .uc_catalog import make_table

    for key in ("spans", "logs", "annotations"):
        if loc.get(key) and loc[key] not in w.tables:
            make_table(w, loc[key], owner, SPAN_COLUMNS if key == "spans" else [("record_id", "string")])


def loc_of(w: World, path: str) -> dict:
    loc = w.trace_locations.get(path)
    if loc is None:
        raise missing(f"Trace location '{path}' does not exist.")
    return loc


def loc_proto(loc: dict):
    cat, sch, *prefix = loc["path"].split(".")
    if prefix:
        return d.TraceLocation(
            type=d.TraceLocation.UC_TABLE_PREFIX,
            uc_table_prefix=d.UcTablePrefixLocation(
                catalog_name=cat,
                schema_name=sch,
                table_prefix=prefix[0],
                spans_table_name=loc["spans"],
                logs_table_name=loc["logs"],
                annotations_table_name=loc["annotations"],
                location_id=loc["id"],
            ),
        )
    return d.TraceLocation(
        type=d.TraceLocation.UC_SCHEMA,
        uc_schema=d.UCSchemaLocation(
            catalog_name=cat,
            schema_name=sch,
            otel_spans_table_name=loc["spans"].split(".")[2],
            otel_logs_table_name=loc["logs"].split(".")[2],
        ),
    )


def linked(w: World, eid: str) -> str | None:
    """The UC location an experiment's traces go to, when one is linked."""
    e = w.experiments.get(eid)
    return next((t.value for t in e.tags if t.key == TAG["path"]), None) if e is not None else None


@route("POST", P5 + "/tracing/locations", d.CreateLocation)
def create_location(w: World, r: Req):
    m = r.msg
    if not m.HasField("uc_table_prefix"):
        raise bad("Exactly one trace location must be specified.")
    u = m.uc_table_prefix
    if not re.fullmatch(r"[A-Za-z0-9_]+", u.table_prefix):
        raise bad(f"Invalid table_prefix '{u.table_prefix}'. Only letters, digits and underscores are allowed.")
    _schema(w, u.catalog_name, u.schema_name)
    running_warehouse(w, m.sql_warehouse_id)
    path = f"{u.catalog_name}.{u.schema_name}.{u.table_prefix}"
    loc = w.trace_locations.setdefault(
        path,
        {
            "path": path,
            "id": f"loc-{len(w.trace_locations) + 1}",
            "spans": path + "_otel_spans",
            "logs": path + "_otel_logs",
            "annotations": path + "_otel_annotations",
        },
    )
    _tables(w, loc, r.user.user_name)
    return d.CreateLocation.Response(uc_table_prefix=loc_proto(loc).uc_table_prefix)


@route("GET", P5 + "/tracing/locations/{location_id}")
def get_location(w: World, r: Req):
    for loc in w.trace_locations.values():
        if r.params["location_id"] in (loc["id"], loc["path"]):
            return d.GetLocation.Response(uc_table_prefix=loc_proto(loc).uc_table_prefix)
    raise missing(f"Trace location '{r.params['location_id']}' does not exist.")


def _link(w: World, eid: str, path: str) -> None:
    e = get_exp(w, eid, active=True)
    old = linked(w, eid)
    if old and old != path:
        raise ApiError("INVALID_STATE", f"Experiment {eid} is already linked to trace location '{old}'.")
    if not old:
        loc = loc_of(w, path)
        for k, v in (
            ("path", path),
            ("spans", loc["spans"]),
            ("logs", loc["logs"]),
            ("annotations", loc["annotations"]),
        ):
            if v:
                e.tags.add(key=TAG[k], value=v)


@route("POST", P5 + "/experiments/{experiment_id}/trace-location:link", d.LinkTraceLocation)
def link_v5(w: World, r: Req):
    u = r.msg.uc_table_prefix
    _link(w, r.msg.experiment_id, f"{u.catalog_name}.{u.schema_name}.{u.table_prefix}")
    return d.LinkTraceLocation.Response()


@route("POST", P4 + "/traces/location", d.CreateTraceUCStorageLocation)
def create_schema_location(w: World, r: Req):
    u = r.msg.uc_schema
    _schema(w, u.catalog_name, u.schema_name)
    running_warehouse(w, r.msg.sql_warehouse_id)
    path = f"{u.catalog_name}.{u.schema_name}"
    if path in w.trace_locations:
        raise ApiError("ALREADY_EXISTS", f"Trace storage location '{path}' already exists.")
    loc = w.trace_locations[path] = {
        "path": path,
        "id": f"loc-{len(w.trace_locations) + 1}",
        "spans": path + ".mlflow_experiment_trace_otel_spans",
        "logs": path + ".mlflow_experiment_trace_otel_logs",
        "annotations": "",
    }
    _tables(w, loc, r.user.user_name)
    return d.CreateTraceUCStorageLocation.Response(uc_schema=loc_proto(loc).uc_schema)


@route("POST", P4 + "/traces/{experiment_id}/link-location", d.LinkExperimentToUCTraceLocation)
def link_v4(w: World, r: Req):
    u = r.msg.uc_schema
    _link(w, r.msg.experiment_id, f"{u.catalog_name}.{u.schema_name}")
    return d.LinkExperimentToUCTraceLocation.Response()


@route("POST", P4 + "/traces/{experiment_id}/unlink-location", d.UnLinkExperimentToUCTraceLocation)
def unlink_v4(w: World, r: Req):
    e, u = get_exp(w, r.msg.experiment_id), r.msg.uc_schema
    if linked(w, r.msg.experiment_id) != f"{u.catalog_name}.{u.schema_name}":
        raise missing("The experiment is not linked to this trace location.")
    keep = [t for t in e.tags if t.key not in TAG.values()]
    del e.tags[:]
    e.tags.extend(keep)
    return d.UnLinkExperimentToUCTraceLocation.Response()
