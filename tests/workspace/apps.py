"""Databricks Apps: enough to create, deploy and list an app (the platform's recommended host for agents)."""

from __future__ import annotations

import re
import time
import uuid

from .errors import ApiError, bad, missing
from .managed import iso
from .routing import Req, route
from .state import World

P = "/api/2.0/apps"


def _app(w: World, name: str) -> dict:
    a = w.apps.get(name)
    if a is None:
        raise missing(f"App with name {name} does not exist or is deleted.")
    if a["compute_status"]["state"] == "STARTING" and time.time() - a["_t"] > (w.config["deploy_seconds"] or 0):
        a["compute_status"] = {"state": "ACTIVE", "message": "App compute is running."}
    for d in a["_deployments"]:
        if d["status"]["state"] == "IN_PROGRESS" and time.time() - d["_t"] > (w.config["deploy_seconds"] or 0):
            d["status"] = {"state": "SUCCEEDED", "message": "Deployment succeeded."}
            a["active_deployment"] = {k: v for k, v in d.items() if k[0] != "_"}
            a["app_status"] = {"state": "RUNNING", "message": "App is running."}
    return a


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


@route("GET", P + "/{name}")
def app_get(w: World, r: Req):
    return _view(_app(w, r.params["name"]))


@route("DELETE", P + "/{name}")
def app_delete(w: World, r: Req):
    _app(w, r.params["name"])
    return _view(w.apps.pop(r.params["name"]))


@route("POST", P + "/{name}/deployments")
def app_deploy(w: World, r: Req):
    a = _app(w, r.params["name"])
    if a["compute_status"]["state"] != "ACTIVE":
        raise bad("Cannot deploy app as its compute is not in ACTIVE state.")
    d = {
        "deployment_id": uuid.uuid4().hex,
        "source_code_path": r.json.get("source_code_path"),
        "mode": "SNAPSHOT",
        "creator": r.user.user_name,
        "create_time": iso(),
        "status": {"state": "IN_PROGRESS", "message": "Deploying."},
        "_t": time.time(),
    }
    a["_deployments"].append(d)
    return {k: v for k, v in d.items() if k[0] != "_"}


@route("GET", P + "/{name}/deployments")
def app_deployments(w: World, r: Req):
    return {
        "app_deployments": [
            {k: v for k, v in d.items() if k[0] != "_"} for d in _app(w, r.params["name"])["_deployments"]
        ]
    }


@route("GET", P + "/{name}/deployments/{did}")
def app_deployment(w: World, r: Req):
    for d in _app(w, r.params["name"])["_deployments"]:
        if d["deployment_id"] == r.params["did"]:
            return {k: v for k, v in d.items() if k[0] != "_"}
    raise missing(f"Deployment {r.params['did']} does not exist.")


for _verb, _state in (("start", "ACTIVE"), ("stop", "STOPPED")):

    def _make(state):
        def h(w: World, r: Req):
            a = _app(w, r.params["name"])
            a["compute_status"] = {"state": state, "message": ""}
            return _view(a)

        return h

    route("POST", P + "/{name}/" + _verb)(_make(_state))
