"""Scheduled scorers: versions, rates, frequency, backfill."""

from __future__ import annotations

import base64
import json

from .errors import ApiError, bad, now_ms
from .experiments import get_exp
from .managed import P, experiment_is_served, iso, monitoring_on, no_such
from .monitors import monitor_of
from .routing import Req, route
from .state import World, page

MAX_SCORERS = 20


def _check_scorers(scorers: list) -> list[dict]:
    if not isinstance(scorers, list):
        raise bad("scheduled_scorers.scorers must be a list.")
    if len(scorers) > MAX_SCORERS:
        raise bad(f"At most {MAX_SCORERS} scorers can be associated with an experiment, got {len(scorers)}.")
    out, names = [], set()
    for s in scorers:
        extra = set(s) - {
            "name",
            "serialized_scorer",
            "builtin",
            "custom",
            "sample_rate",
            "filter_string",
            "scorer_version",
        }
        if extra:
            raise bad(f"Unknown scorer field(s): {sorted(extra)}")
        if not s.get("name"):
            raise bad("Scorer name is required.")
        if s["name"] in names:
            raise bad(f"Duplicate scorer name '{s['name']}'.")
        names.add(s["name"])
        rate = s.get("sample_rate")
        if rate is not None and not 0 <= float(rate) <= 1:
            raise bad(f"sample_rate must be between 0 and 1, got {rate}.")
        try:
            json.loads(s.get("serialized_scorer") or "")
        except ValueError:
            raise bad(f"serialized_scorer of '{s['name']}' is not valid JSON.") from None
        if ("builtin" in s) == ("custom" in s):
            raise bad(f"Exactly one of builtin or custom must be set for scorer '{s['name']}'.")
        if s.get("filter_string"):
            from .trace_search import parse_filter

            parse_filter(s["filter_string"])
        out.append(dict(s))
    return out


def _store(w: World, eid: str, new: list[dict]) -> None:
    """Keep the definitions versioned: a changed definition gets the next version number."""
    old = {s["name"]: s for s in w.scorers.get(eid, [])}
    for s in new:
        vs = w.scorer_versions.setdefault((eid, s["name"]), [])
        prev = vs[-1] if vs else None
        if prev is None or prev["serialized_scorer"] != s["serialized_scorer"]:
            vs.append(
                {
                    "scorer_version": len(vs) + 1,
                    "serialized_scorer": s["serialized_scorer"],
                    "builtin": s.get("builtin"),
                    "custom": s.get("custom"),
                    "create_time": iso(),
                }
            )
        s["scorer_version"] = vs[-1]["scorer_version"]
        s.setdefault("_since", old.get(s["name"], {}).get("_since", now_ms()))
    for gone in set(old) - {s["name"] for s in new}:
        w.scorer_versions.pop((eid, gone), None)
    w.scorers[eid] = new


def _public(s: dict) -> dict:
    return {k: v for k, v in s.items() if not k.startswith("_")}


def _info(w: World, eid: str, r: Req | None = None) -> dict:
    items = [_public(s) for s in w.scorers.get(eid, [])]
    tok = None
    if r is not None:
        items, tok = page(items, r.q("page_token"), None, w.config["max_page"])
    out = {"experiment_id": eid, "scheduled_scorers": {"scorers": items}}
    if tok:
        out["next_page_token"] = tok
    return out


def _ensure_job(w: World, r: Req, eid: str) -> None:
    """The job is created with the first scorer that actually runs; a deployment made earlier leaves it PAUSED."""
    from .jobs import make_job

    if not any((s.get("sample_rate") or 0) > 0 for s in w.scorers.get(eid, [])):
        return
    if any(j["_kind"] == "metrics" and j["_experiment_id"] == eid for j in w.jobs.values()):
        return
    mins = w.monitoring_config.get(eid, {}).get("frequency_minutes") or 15
    make_job(
        w,
        r.user,
        f"{eid} Trace Metrics Computation Job",
        "metrics",
        eid,
        paused=experiment_is_served(w, eid),
        minutes=mins,
    )


@route("GET", P + "/scheduled-scorers/{eid}")
def scorers_get(w: World, r: Req):
    monitoring_on(w)
    if r.params["eid"] not in w.experiments:
        raise no_such(f"Experiment {r.params['eid']} not found.")
    return _info(w, r.params["eid"], r)


@route("POST", P + "/scheduled-scorers/{eid}")
def scorers_create(w: World, r: Req):
    monitoring_on(w)
    eid = r.params["eid"]
    if eid not in w.experiments:
        raise no_such(f"Experiment {eid} not found.")
    get_exp(w, eid, active=True)
    if eid in w.scorers:
        raise ApiError("ALREADY_EXISTS", f"Scheduled scorers already exist for experiment {eid}.", 409)
    m = monitor_of(w, eid)
    if m is not None:
        raise ApiError(
            "ALREADY_EXISTS",
            f"Cannot create scheduled scorers for experiment {eid} because a monitor is already configured.",
            409,
        )
    b = r.fields(required=("scheduled_scorers",), optional=("experiment_id",))
    _store(w, eid, _check_scorers((b["scheduled_scorers"] or {}).get("scorers") or []))
    _ensure_job(w, r, eid)
    return _info(w, eid)


@route("PATCH", P + "/scheduled-scorers/{eid}")
def scorers_update(w: World, r: Req):
    monitoring_on(w)
    eid = r.params["eid"]
    if eid not in w.experiments:
        raise no_such(f"Experiment {eid} not found.")
    b = r.fields(required=("scheduled_scorers", "update_mask"), optional=("experiment_id",))
    if b["update_mask"] != "scheduled_scorers.scorers":
        raise bad(f"Unsupported update_mask '{b['update_mask']}'.")
    if eid not in w.scorers:
        raise no_such(f"No scheduled scorers exist for experiment {eid}.")
    _store(w, eid, _check_scorers((b["scheduled_scorers"] or {}).get("scorers") or []))
    _ensure_job(w, r, eid)
    return _info(w, eid)


@route("DELETE", P + "/scheduled-scorers/{eid}")
def scorers_delete(w: World, r: Req):
    if r.params["eid"] not in w.scorers:
        raise no_such(f"No scheduled scorers exist for experiment {r.params['eid']}.")
    w.scorers.pop(r.params["eid"])
    for k in [k for k, j in w.jobs.items() if j["_kind"] == "metrics" and j["_experiment_id"] == r.params["eid"]]:
        w.jobs.pop(k)
    return {}


@route("POST", P + "/scheduled-scorers/{eid}/backfill")
def scorers_backfill(w: World, r: Req):
    from .jobs import make_job, run_job

    eid = r.params["eid"]
    b = r.fields(
        required=("experiment_id", "scorer_sample_rates"),
        optional=("endpoint_name", "start_timestamp_ms", "end_timestamp_ms", "trace_ids"),
    )
    known = {s["name"] for s in w.scorers.get(eid, [])}
    for s in b["scorer_sample_rates"]:
        if s["name"] not in known:
            raise no_such(f"Scorer '{s['name']}' is not registered for experiment {eid}.")
    job = make_job(w, r.user, f"{eid} Metric Backfill Job", "backfill", eid, paused=True, minutes=None)
    job["_backfill"] = b
    run_job(w, job)
    return {"job_id": str(job["job_id"])}


@route("DELETE", P + "/experiments/{eid}/backfill/{job}")
def backfill_cleanup(w: World, r: Req):
    w.jobs.pop(int(r.params["job"]), None)
    return {}


@route("GET", P + "/experiments/{eid}/monitoring-configuration")
def monitoring_get(w: World, r: Req):
    if r.params["eid"] not in w.experiments:
        raise no_such(f"Experiment {r.params['eid']} not found.")
    return w.monitoring_config.get(r.params["eid"], {})


@route("PATCH", P + "/experiments/{eid}/monitoring-configuration")
def monitoring_set(w: World, r: Req):
    eid = r.params["eid"]
    n = (r.fields(required=("monitoring_configuration",))["monitoring_configuration"] or {}).get("frequency_minutes")
    if not isinstance(n, int) or not 1 <= n <= 60:
        raise bad(f"frequency_minutes must be in [1, 60] but was {n}")
    if eid not in w.scorers:
        raise no_such(f"No scheduled scorers exist for experiment {eid}.")
    w.monitoring_config[eid] = {"frequency_minutes": n}
    for j in w.jobs.values():
        if j["_kind"] == "metrics" and j["_experiment_id"] == eid:
            j["settings"]["schedule"]["quartz_cron_expression"] = f"0 0/{n} * * * ?"
    return w.monitoring_config[eid]


# ---- versions of one scorer
def _scorer_name(key: str) -> str:
    try:
        return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode()
    except ValueError:
        raise bad(f"Invalid scorer key '{key}'.") from None


def _version_view(eid: str, name: str, key: str, v: dict) -> dict:
    return {
        "name": f"experiments/{eid}/scorers/{key}/versions/{v['scorer_version']}",
        "display_name": name,
        "scorer_version": v["scorer_version"],
        "serialized_scorer": v["serialized_scorer"],
        "create_time": v["create_time"],
        **({"builtin": v["builtin"]} if v.get("builtin") else {"custom": v.get("custom") or {}}),
    }


@route("GET", P + "/experiments/{eid}/scorers/{key}/versions")
def scorer_versions(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    vs = w.scorer_versions.get((r.params["eid"], name))
    if vs is None:
        raise no_such(f"Scorer '{name}' not found in experiment {r.params['eid']}.")
    return {"scorer_versions": [_version_view(r.params["eid"], name, r.params["key"], v) for v in vs]}


@route("GET", P + "/experiments/{eid}/scorers/{key}/versions/{version}")
def scorer_version(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    for v in w.scorer_versions.get((r.params["eid"], name), []):
        if str(v["scorer_version"]) == r.params["version"]:
            return _version_view(r.params["eid"], name, r.params["key"], v)
    raise no_such(f"Scorer version {r.params['version']} of '{name}' not found in experiment {r.params['eid']}.")


@route("DELETE", P + "/experiments/{eid}/scorers/{key}/versions/{version}")
def scorer_version_delete(w: World, r: Req):
    name = _scorer_name(r.params["key"])
    vs = w.scorer_versions.get((r.params["eid"], name), [])
    keep = [v for v in vs if str(v["scorer_version"]) != r.params["version"]]
    if len(keep) == len(vs):
        raise no_such(f"Scorer version {r.params['version']} of '{name}' not found in experiment {r.params['eid']}.")
    vs[:] = keep
    return {}
