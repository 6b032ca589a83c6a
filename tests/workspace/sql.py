"""SQL warehouses and statement execution over the emulated tables (SQLite underneath)."""

from __future__ import annotations

import re
import time
import uuid

from .errors import ApiError, bad, missing
from .routing import Req, route
from .sql_engine import SqlError, execute
from .state import World

P = "/api/2.0/sql"


def _wh(w: World, wid: str) -> dict:
    x = w.warehouses.get(wid)
    if x is None:
        raise missing(f"SQL warehouse {wid} does not exist.")
    if x["state"] == "STARTING" and time.time() >= x["starts_at"]:
        x["state"], x["num_clusters"] = "RUNNING", 1
    return x


def _view(w: World, x: dict) -> dict:
    return {
        **{k: v for k, v in x.items() if k != "starts_at"},
        "odbc_params": {
            "hostname": w.base_url.split("//")[-1],
            "path": f"/sql/1.0/warehouses/{x['id']}",
            "protocol": "https",
            "port": 443,
        },
    }


@route("GET", P + "/warehouses")
def warehouses(w: World, r: Req):
    return {"warehouses": [_view(w, _wh(w, k)) for k in w.warehouses]}


@route("GET", P + "/warehouses/{wid}")
def warehouse(w: World, r: Req):
    return _view(w, _wh(w, r.params["wid"]))


@route("POST", P + "/warehouses/{wid}/start")
def start(w: World, r: Req):
    x = _wh(w, r.params["wid"])
    if x["state"] == "STOPPED":
        x["state"], x["starts_at"] = "STARTING", time.time() + 0.5
    return {}


@route("POST", P + "/warehouses/{wid}/stop")
def stop(w: World, r: Req):
    x = _wh(w, r.params["wid"])
    x["state"], x["num_clusters"] = "STOPPED", 0
    return {}


def _result(w: World, st: dict) -> dict:
    if st["state"] in ("PENDING", "RUNNING") and time.time() >= st["ready_at"]:
        st["state"] = st["final"]
    out = {"statement_id": st["id"], "status": {"state": st["state"]}}
    if st["state"] == "FAILED":
        out["status"]["error"] = {"error_code": st["error"].code, "message": st["error"].msg}
    if st["state"] == "SUCCEEDED":
        rows = [
            [None if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in x] for x in st["rows"]
        ]
        total, lim = len(rows), st["row_limit"]
        trunc = lim is not None and total > lim
        rows = rows[:lim] if lim is not None else rows
        chunk = st["chunk"]
        chunks = [rows[i : i + chunk] for i in range(0, len(rows), chunk)] or [[]]
        out["manifest"] = {
            "format": "JSON_ARRAY",
            "schema": {
                "column_count": len(st["cols"]),
                "columns": [
                    {"name": n, "type_text": t, "type_name": re.sub(r"<.*", "", t).upper(), "position": i}
                    for i, (n, t) in enumerate(st["cols"])
                ],
            },
            "total_chunk_count": len(chunks),
            "total_row_count": len(rows),
            "truncated": trunc,
            "chunks": [{"chunk_index": i, "row_offset": i * chunk, "row_count": len(c)} for i, c in enumerate(chunks)],
        }
        out["result"] = _chunk(st, chunks, 0)
        st["chunks"] = chunks
    return out


def _chunk(st: dict, chunks: list, i: int) -> dict:
    out = {"chunk_index": i, "row_offset": i * st["chunk"], "row_count": len(chunks[i]), "data_array": chunks[i]}
    if i + 1 < len(chunks):
        out["next_chunk_index"] = i + 1
        out["next_chunk_internal_link"] = f"{P}/statements/{st['id']}/result/chunks/{i + 1}"
    return out


@route("POST", P + "/statements")
def statement(w: World, r: Req):
    b = r.fields(
        required=("statement", "warehouse_id"),
        optional=(
            "byte_limit",
            "catalog",
            "disposition",
            "format",
            "on_wait_timeout",
            "parameters",
            "row_limit",
            "schema",
            "wait_timeout",
            "query_tags",
        ),
    )
    x = _wh(w, b["warehouse_id"])
    m = re.match(r"^(\d+)s$", b.get("wait_timeout") or "10s")
    if not m or not (int(m[1]) == 0 or 5 <= int(m[1]) <= 50):
        raise bad("wait_timeout must be 0s or between 5s and 50s.")
    if (b.get("format") or "JSON_ARRAY") != "JSON_ARRAY":
        raise bad("The rig only returns JSON_ARRAY results.")
    delay = 0.0
    if x["state"] in ("STOPPED", "STOPPING"):
        x["state"], x["starts_at"] = "STARTING", time.time() + 0.5
    if x["state"] == "STARTING":
        delay = max(0.0, x["starts_at"] - time.time())
    st = {
        "id": str(uuid.uuid4()),
        "row_limit": b.get("row_limit"),
        "chunk": 1000,
        "error": None,
        "cols": [],
        "rows": [],
        "ready_at": time.time() + delay,
        "final": "SUCCEEDED",
    }
    try:
        st["cols"], st["rows"] = execute(
            w, r.user, b["statement"], b.get("parameters") or [], b.get("catalog"), b.get("schema")
        )
    except SqlError as e:
        st["final"], st["error"] = "FAILED", e
    except ApiError as e:
        st["final"], st["error"] = "FAILED", SqlError("BAD_REQUEST", e.message)
    st["state"] = "PENDING" if int(m[1]) < delay or (int(m[1]) == 0) else st["final"]
    if st["state"] == st["final"] and delay:
        time.sleep(delay)
        _wh(w, b["warehouse_id"])
    w.statements[st["id"]] = st
    return _result(w, st)


@route("GET", P + "/statements/{sid}")
def statement_get(w: World, r: Req):
    st = w.statements.get(r.params["sid"])
    if st is None:
        raise missing(f"The statement {r.params['sid']} was not found.")
    return _result(w, st)


@route("GET", P + "/statements/{sid}/result/chunks/{i}")
def statement_chunk(w: World, r: Req):
    st = w.statements.get(r.params["sid"])
    if st is None or "chunks" not in st:
        raise missing(f"The statement {r.params['sid']} was not found.")
    return _chunk(st, st["chunks"], int(r.params["i"]))


@route("POST", P + "/statements/{sid}/cancel")
def statement_cancel(w: World, r: Req):
    st = w.statements.get(r.params["sid"])
    if st is not None and st["state"] in ("PENDING", "RUNNING"):
        st["state"] = st["final"] = "CANCELED"
    return {}
