"""The rig's own controls, outside the emulated API surface."""

from __future__ import annotations

from .dispatch import Server
from .errors import ORG_ID, bad, missing
from .faults import Rule
from .routing import ROUTES, Req, route
from .state import DEFAULT_CONFIG, World


def install(server: Server) -> None:
    A = "/__admin"

    def r(method, path, lock=False):
        return route(method, A + path, auth=False, lock=lock)

    @r("GET", "/health")
    def health(w: World, q: Req):
        return {"ok": True, "org_id": ORG_ID, "routes": len(ROUTES), "seq": server.transcript.seq}

    @r("GET", "/routes")
    def routes(w: World, q: Req):
        return {"routes": [f"{x.method} {x.template}" for x in ROUTES if not x.template.startswith(A)]}

    @r("POST", "/reset")
    def reset(w: World, q: Req):
        server.reset()
        return {"ok": True}

    # ---- transcript
    @r("GET", "/transcript")
    def transcript(w: World, q: Req):
        import re

        out = server.transcript.entries
        if q.q("since"):
            out = [e for e in out if e["seq"] > int(q.q("since"))]
        if q.q("step") is not None:
            out = [e for e in out if e["step"] == q.q("step")]
        if q.q("path"):
            out = [e for e in out if re.search(q.q("path"), e["path"])]
        if q.q("method"):
            out = [e for e in out if e["method"] == q.q("method").upper()]
        if q.q("brief") == "true":
            out = [{k: e[k] for k in ("seq", "step", "method", "path", "status", "ms", "fault")} for e in out]
        return {"entries": out, "seq": server.transcript.seq}

    @r("DELETE", "/transcript")
    def clear(w: World, q: Req):
        server.transcript.entries.clear()
        return {"ok": True}

    @r("POST", "/step")
    def step(w: World, q: Req):
        server.transcript.step = str(q.json.get("name", ""))
        return {"step": server.transcript.step}

    # ---- configuration
    @r("GET", "/config")
    def config_get(w: World, q: Req):
        return w.config

    @r("POST", "/config")
    def config_set(w: World, q: Req):
        for k, v in q.json.items():
            if k not in DEFAULT_CONFIG:
                raise bad(f"unknown configuration key {k}")
            if isinstance(DEFAULT_CONFIG[k], dict):
                w.config[k].update(v)
            else:
                w.config[k] = v
        return w.config

    # ---- faults and denials
    @r("GET", "/rules")
    def rules(w: World, q: Req):
        return {"rules": [vars(x) for x in server.rules]}

    def _add(kind: str, q: Req):
        b = dict(q.json)
        if "path" not in b:
            raise bad("path (a regular expression) is required")
        known = Rule.__dataclass_fields__
        if set(b) - set(known):
            raise bad(f"unknown keys {sorted(set(b) - set(known))}")
        b.pop("kind", None)
        rule = Rule(kind=kind, **b)
        server.rules.append(rule)
        return {"id": rule.id}

    @r("POST", "/faults")
    def fault(w: World, q: Req):
        b = q.json
        b.setdefault("status", 503)
        b.setdefault(
            "error_code",
            {
                429: "REQUEST_LIMIT_EXCEEDED",
                503: "TEMPORARILY_UNAVAILABLE",
                500: "INTERNAL_ERROR",
                504: "DEADLINE_EXCEEDED",
            }.get(b["status"], "INTERNAL_ERROR"),
        )
        b.setdefault("message", "Injected by the acceptance rig.")
        return _add("fault", q)

    @r("POST", "/delays")
    def delay(w: World, q: Req):
        return _add("delay", q)

    @r("POST", "/denies")
    def deny(w: World, q: Req):
        return _add("deny", q)

    @r("DELETE", "/rules")
    def rules_clear(w: World, q: Req):
        server.rules.clear()
        return {"ok": True}

    @r("DELETE", "/rules/{id}")
    def rule_delete(w: World, q: Req):
        server.rules[:] = [x for x in server.rules if x.id != q.params["id"]]
        return {"ok": True}

    # ---- principals
    @r("POST", "/tokens")
    def token(w: World, q: Req):
        b = q.json
        p = w.add_user(b["user_name"], b["token"], b.get("groups"), ttl_s=b.get("ttl_s"))
        return {"id": p.id}

    @r("DELETE", "/tokens/{token}")
    def revoke(w: World, q: Req):
        w.tokens.pop(q.params["token"], None)
        return {"ok": True}

    @r("POST", "/grants")
    def grant(w: World, q: Req):
        b = q.json
        w.grants.setdefault((b["kind"].upper(), b["full_name"]), {}).setdefault(b["principal"], set()).update(
            p.replace("_", " ") for p in b["privileges"]
        )
        return {"ok": True}

    @r("POST", "/catalogs")
    def catalog(w: World, q: Req):
        from .errors import now_ms
        from .uc_catalog import make_schema

        b = q.json
        w.catalogs.setdefault(b["name"], {"name": b["name"], "owner": "admins", "created_at": now_ms(), "comment": ""})
        for s in b.get("schemas", []):
            if f"{b['name']}.{s}" not in w.schemas:
                make_schema(w, b["name"], s, "admins")
        return {"ok": True}

    # ---- scripted models
    @r("POST", "/llm")
    def llm_rule(w: World, q: Req):
        w.llm_rules.insert(0, q.json)
        return {"rules": len(w.llm_rules)}

    @r("POST", "/judge")
    def judge_rule(w: World, q: Req):
        w.judge_rules.insert(0, q.json)
        return {"rules": len(w.judge_rules)}

    # ---- time and background work
    @r("POST", "/serving/{name}/finish")
    def finish(w: World, q: Req):
        from .serving import finish_update

        ep = w.endpoints.get(q.params["name"])
        if ep is None:
            raise missing(f"no endpoint {q.params['name']}")
        with w.lock:
            finish_update(w, ep, ok=q.json.get("outcome", "success") == "success", why=q.json.get("message", ""))
        return {"state": ep["state"]}

    @r("POST", "/runs/{id}/end")
    def end_run(w: World, q: Req):
        from .submitted_runs import end

        end(w.job_runs[int(q.params["id"])], q.json.get("result", "SUCCESS"), q.json.get("message", ""))
        return {"ok": True}

    @r("POST", "/jobs/tick")
    def tick(w: World, q: Req):
        from .jobs import tick_all

        return {"ran": tick_all(w)}

    # ---- state, for assertions
    @r("GET", "/state")
    def state(w: World, q: Req):
        with w.lock:
            return {
                "experiments": {k: e.name for k, e in w.experiments.items()},
                "runs": len(w.runs),
                "traces": len(w.traces),
                "logged_models": len(w.models),
                "prompts": {
                    k: {"versions": sorted(p["versions"], key=int), "aliases": p["aliases"]}
                    for k, p in w.prompts.items()
                },
                "prompt_links": w.prompt_links,
                "uc_models": {
                    k: {"versions": {str(n): v["status"] for n, v in m["versions"].items()}, "aliases": m["aliases"]}
                    for k, m in w.uc_models.items()
                },
                "endpoints": {k: e["state"] for k, e in w.endpoints.items() if e.get("id")},
                "deployments": w.deployments,
                "scorers": w.scorers,
                "archival": w.archival,
                "monitors": w.monitors,
                "monitoring_config": w.monitoring_config,
                "jobs": {
                    str(k): {
                        "name": j["settings"]["name"],
                        "pause_status": j["settings"]["schedule"]["pause_status"],
                        "runs": len([x for x in w.job_runs.values() if x["job_id"] == k]),
                    }
                    for k, j in w.jobs.items()
                },
                "tables": {k: len(t["_rows"]) for k, t in w.tables.items()},
                "datasets": {d["name"]: len(d["_records"]) for d in w.datasets.values()},
                "review_apps": w.review_apps,
                "labeling_sessions": w.sessions,
                "blobs": len(w.blobs),
            }

    @r("GET", "/kept")
    def kept(w: World, q: Req):
        """What people find by name: an experiment in the trash, and what belongs to it, is not there."""
        with w.lock:
            live = {k for k, e in w.experiments.items() if e.lifecycle_stage == "active"}
            return {
                "workspace": sorted(w.nodes),
                "experiments": sorted(live),
                "review_apps": sorted(k for k, v in w.review_apps.items() if v["experiment_id"] in live),
                "schemas": sorted(w.schemas),
                "tables": sorted(w.tables),
                "volumes": sorted(w.volumes),
                "models": sorted(w.uc_models),
                "prompts": sorted(w.prompts),
                "datasets": sorted(one["name"] for one in w.datasets.values()),
                "endpoints": sorted(k for k, v in w.endpoints.items() if v.get("id")),
                "deployments": sorted(f"{one['model_name']}/{one['model_version']}" for one in w.deployments),
                "scorers": sorted(k for k, v in w.scorers.items() if v),
                "monitors": sorted(w.monitors),
                "archival": sorted(w.archival),
                "jobs": sorted(one["settings"]["name"] for one in w.jobs.values()),
                "apps": sorted(w.apps),
                "secret_scopes": sorted(w.secret_scopes),
            }

    @r("GET", "/traces")
    def all_traces(w: World, q: Req):
        from .protos import to_json
        from .traces import full_info, trace_data

        with w.lock:
            return {
                "traces": [
                    {
                        "info": to_json(full_info(t)),
                        "run_ids": sorted(t.run_ids),
                        "data": trace_data(w, k) if q.q("data") == "true" else None,
                    }
                    for k, t in w.traces.items()
                ]
            }

    @r("POST", "/traces/generate")
    def generate(w: World, q: Req):
        """n stored traces spread over the past days, with verdicts, so that charts and pages have something to show."""
        b = q.fields(
            required=("experiment_id",), optional=("n", "days", "model_id", "error_rate", "verdicts", "spans", "end_ms")
        )
        with w.lock:
            ids = _generate(w, b)
        return {"trace_ids": ids}


def _generate(w: World, b: dict) -> list[str]:
    import json
    import random
    import secrets

    from mlflow.protos import service_pb2 as s

    from .agents import span_of
    from .artifacts import trace_path
    from .assessments import add_assessment
    from .errors import now_ms
    from .experiments import get_exp
    from .job_work import feedback_of
    from .state import TraceRec

    get_exp(w, b["experiment_id"], active=True)
    n, days, rng = int(b.get("n", 100)), float(b.get("days", 7)), random.Random(11)
    end, out = int(b.get("end_ms") or now_ms()), []
    for k in range(n):
        hexid = secrets.token_hex(16)
        tid, t0 = "tr-" + hexid, end - int((n - 1 - k) / max(1, n) * days * 86_400_000)
        ms = int(rng.lognormvariate(7.2, 0.5))
        failed = rng.random() < float(b.get("error_rate", 0.0))
        question, answer = f"質問 {k + 1}", "" if failed else f"回答 {k + 1}: お問い合わせありがとうございます。"
        i = s.TraceInfoV3(
            trace_id=tid,
            state=s.TraceInfoV3.ERROR if failed else s.TraceInfoV3.OK,
            request_preview=question,
            response_preview=answer,
            client_request_id=secrets.token_hex(8),
        )
        i.trace_location.type = s.TraceLocation.MLFLOW_EXPERIMENT
        i.trace_location.mlflow_experiment.experiment_id = b["experiment_id"]
        i.request_time.FromMilliseconds(t0)
        i.execution_duration.FromMilliseconds(ms)
        tok = {"input_tokens": rng.randint(40, 200), "output_tokens": rng.randint(20, 300)}
        meta = {
            "mlflow.trace_schema.version": "3",
            "mlflow.traceInputs": json.dumps({"q": question}, ensure_ascii=False),
            "mlflow.traceOutputs": json.dumps(answer, ensure_ascii=False),
            "mlflow.trace.tokenUsage": json.dumps({**tok, "total_tokens": sum(tok.values())}),
        }
        if b.get("model_id"):
            meta["mlflow.modelId"] = b["model_id"]
        for key, v in meta.items():
            i.trace_metadata[key] = v
        i.tags["mlflow.traceName"] = "predict"
        i.tags["mlflow.artifactLocation"] = f"dbfs:/databricks/mlflow-tracking/{b['experiment_id']}/{tid}/artifacts"
        w.traces[tid] = TraceRec(info=i)
        if b.get("spans", True):
            sp, _ = span_of(
                hexid, "predict", "AGENT", t0 * 10**6, (t0 + ms) * 10**6, None, {"q": question}, answer, tid
            )
            if failed:
                sp["status"] = {"code": "STATUS_CODE_ERROR", "message": "Injected by the acceptance rig."}
            w.put_blob(trace_path(w, tid), json.dumps({"spans": [sp]}, ensure_ascii=False).encode())
        for name, share in (b.get("verdicts") or {}).items():
            if not failed:
                yes = rng.random() < float(share)
                a = feedback_of(name, {"value": "yes" if yes else "no", "rationale": "generated"}, None)
                a.create_time.FromMilliseconds(min(end, t0 + 900_000))
                add_assessment(w, tid, a)
        out.append(tid)
    return out
