"""Databricks Apps: made, updated, deployed, stopped and asked; an app whose files are in the workspace really runs."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
import uuid

from .app_process import AppProcess
from .errors import ApiError, bad, missing
from .managed import iso
from .routing import Req, Resp, route
from .state import World, ws_path

P = "/api/2.0/apps"
CHUNK = 65536


def _app(w: World, name: str) -> dict:
    a = w.apps.get(name)
    if a is None:
        raise missing(f"App with name {name} does not exist or is deleted.")
    if a["compute_status"]["state"] == "STARTING" and time.time() - a["_t"] > (w.config["deploy_seconds"] or 0):
        a["compute_status"] = {"state": "ACTIVE", "message": "App compute is running."}
    for d in a["_deployments"]:
        if d["status"]["state"] == "IN_PROGRESS" and time.time() - d["_t"] > (w.config["deploy_seconds"] or 0):
            _advance(w, a, d)
    return a


def _advance(w: World, a: dict, d: dict) -> None:
    """A deployment that comes up takes the place of the one before; one that does not leaves that one running."""
    process, why = d.get("_process"), None
    if process is not None:
        if not process.up() and process.ended() is None:
            return
        why = process.ended()
    if w.config["deploy_outcome"] == "fail":
        why = "Error: app crashed unexpectedly."
    a.pop("pending_deployment", None)
    if why is not None:
        d["status"] = {"state": "FAILED", "message": why}
        if process is not None:
            process.close()
        return
    d["status"] = {"state": "SUCCEEDED", "message": "App started successfully"}
    before = w.processes.pop(f"app:{a['name']}", None)
    if before is not None:
        before.close()
    if process is not None:
        w.processes[f"app:{a['name']}"] = w.processes.pop(f"deployment:{d['deployment_id']}")
    a["active_deployment"] = _view(d)
    a["app_status"] = {"state": "RUNNING", "message": "App is running."}


def _view(a: dict) -> dict:
    return {k: v for k, v in a.items() if k[0] != "_"}


@route("GET", P)
def app_list(w: World, r: Req):
    return {"apps": [_view(_app(w, n)) for n in w.apps]}


@route("POST", P)
def app_create(w: World, r: Req):
    b = r.json
    if not re.match(r"^[a-z0-9][a-z0-9\-]{1,29}$", b.get("name") or ""):
        raise bad("App name must contain only lowercase letters, digits and hyphens (2-30 characters).")
    if b["name"] in w.apps:
        raise ApiError("ALREADY_EXISTS", f"An app with the same name already exists: {b['name']}", 409)
    _require_resources(w, b.get("resources") or [])
    w.apps[b["name"]] = {
        "name": b["name"],
        "id": str(uuid.uuid4()),
        "description": b.get("description", ""),
        "url": f"{w.base_url}/apps/{b['name']}",
        "creator": r.user.user_name,
        "create_time": iso(),
        "update_time": iso(),
        "resources": b.get("resources") or [],
        "compute_status": {"state": "STARTING", "message": "App compute is starting."},
        "app_status": {"state": "UNAVAILABLE", "message": "App has not been deployed yet."},
        "service_principal_client_id": str(uuid.uuid4()),
        "service_principal_name": f"app-{b['name']}",
        "_deployments": [],
        "_t": time.time(),
    }
    return _view(w.apps[b["name"]])


def _require_resources(w: World, resources: list[dict]) -> None:
    for one in resources:
        ref = one.get("secret")
        if ref and ref["key"] not in w.secret_scopes.get(ref["scope"], {}):
            raise missing(f"Secret {ref['scope']}/{ref['key']} does not exist.")


@route("GET", P + "/{name}")
def app_get(w: World, r: Req):
    return _view(_app(w, r.params["name"]))


@route("PATCH", P + "/{name}")
def app_update(w: World, r: Req):
    a, b = _app(w, r.params["name"]), r.json
    _require_resources(w, b.get("resources") or [])
    a.update({k: b[k] for k in ("description", "resources") if k in b}, update_time=iso())
    return _view(a)


@route("DELETE", P + "/{name}")
def app_delete(w: World, r: Req):
    _app(w, r.params["name"])
    _halt(w, r.params["name"])
    return _view(w.apps.pop(r.params["name"]))


@route("POST", P + "/{name}/deployments")
def app_deploy(w: World, r: Req):
    a = _app(w, r.params["name"])
    if a["compute_status"]["state"] != "ACTIVE":
        raise bad("Cannot deploy app as its compute is not in ACTIVE state.")
    if "pending_deployment" in a:
        raise ApiError("RESOURCE_CONFLICT", "Cannot deploy app as there is an active deployment in progress.", 409)
    source = r.json.get("source_code_path") or ""
    d = {
        "deployment_id": uuid.uuid4().hex,
        "source_code_path": source,
        "mode": r.json.get("mode", "SNAPSHOT"),
        "creator": r.user.user_name,
        "create_time": iso(),
        "status": {"state": "IN_PROGRESS", "message": "Deploying."},
        "_t": time.time(),
    }
    folder = ws_path(source)
    if f"{folder}/app.yaml" in w.nodes:
        d["_process"] = AppProcess(w, a, folder)
        w.processes[f"deployment:{d['deployment_id']}"] = d["_process"]
    a["_deployments"].append(d)
    a["pending_deployment"] = _view(d)
    return _view(d)


@route("GET", P + "/{name}/deployments")
def app_deployments(w: World, r: Req):
    return {"app_deployments": [_view(d) for d in _app(w, r.params["name"])["_deployments"]]}


@route("GET", P + "/{name}/deployments/{did}")
def app_deployment(w: World, r: Req):
    for d in _app(w, r.params["name"])["_deployments"]:
        if d["deployment_id"] == r.params["did"]:
            return _view(d)
    raise missing(f"Deployment {r.params['did']} does not exist.")


@route("POST", P + "/{name}/start")
def app_start(w: World, r: Req):
    a = _app(w, r.params["name"])
    a["compute_status"], a["_t"] = {"state": "STARTING", "message": "App compute is starting."}, time.time()
    return _view(a)


@route("POST", P + "/{name}/stop")
def app_stop(w: World, r: Req):
    a = _app(w, r.params["name"])
    _halt(w, a["name"])
    a["compute_status"] = {"state": "STOPPED", "message": "App compute is stopped."}
    a["app_status"] = {"state": "UNAVAILABLE", "message": "App is stopped."}
    return _view(a)


def _halt(w: World, name: str) -> None:
    process = w.processes.pop(f"app:{name}", None)
    if process is not None:
        process.close()


@route("POST", "/apps/{name}/{rest:path}", auth=False, lock=False)
def app_ask(w: World, r: Req):
    """The app's own address: a proxy lets in who signs in by OAuth, and nobody with a personal access token."""
    token = r.headers.get("authorization", "").removeprefix("Bearer ").strip()
    known = w.tokens.get(token)
    if known is None or known.kind != "oauth":
        return Resp({}, 401, content=b"<html>Sign in</html>", content_type="text/html")
    with w.lock:
        process = w.processes.get(f"app:{r.params['name']}")
    if process is None:
        return Resp({}, 503, content=b"<html>App Not Available</html>", content_type="text/html")
    passed = {k: v for k, v in r.headers.items() if k in ("content-type", "x-mlflow-return-trace-id")}
    asked = urllib.request.Request(f"http://127.0.0.1:{process.port}/{r.params['rest']}", r.raw, passed, method="POST")
    try:
        answer = urllib.request.urlopen(asked, timeout=120)
    except urllib.error.HTTPError as refused:
        return Resp(status=refused.code, content=refused.read())
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return Resp(stream=iter(lambda: answer.read1(CHUNK), b""), content_type=kind)
    return Resp(content=answer.read(), content_type=kind)
