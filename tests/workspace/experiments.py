"""Experiments and their tags."""

from __future__ import annotations

import re

from mlflow.protos import service_pb2 as s

from .errors import ApiError, bad, missing, now_ms
from .routing import Req, route
from .state import World, page, ws_path

P = "/api/2.0/mlflow"
_KEY = re.compile(r"^[/\w.\- :]{1,250}$")


def key_ok(key: str, kind: str) -> None:
    if not _KEY.match(key or "") or key.startswith("/") or ".." in key.split("/"):
        raise bad(
            f"Invalid {kind} name: '{key}'. Names may only contain alphanumerics, underscores (_), dashes (-), "
            "periods (.), spaces ( ), colon(:) and slashes (/)."
        )


def get_exp(w: World, eid: str, active: bool = False):
    e = w.experiments.get(str(eid))
    if e is None:
        raise missing(
            f"No experiment was found. If using the Python fluent API, you can set an active experiment "
            f"under which to create runs. Node ID {eid} does not exist."
        )
    if active and e.lifecycle_stage != "active":
        raise bad(f"The experiment {eid} must be in the 'active' state. Current state is {e.lifecycle_stage}.")
    return e


def exp_by_name(w: World, name: str):
    if not w.config["workspace_prefix_lookup"] and name.startswith("/Workspace/"):
        return None
    target = ws_path(name)
    hits = [e for e in w.experiments.values() if e.name == target]
    return next((e for e in hits if e.lifecycle_stage == "active"), hits[0] if hits else None)


@route("POST", P + "/experiments/create", s.CreateExperiment)
def create_experiment(w: World, r: Req):
    m = r.msg
    if not m.name.startswith("/"):
        raise bad(
            f"Got an invalid experiment name '{m.name}'. An experiment name must be an absolute path within the "
            "Databricks workspace. E.g., '/Users/<some-username>/my-experiment'."
        )
    path = ws_path(m.name)
    parent = path.rsplit("/", 1)[0] or "/"
    if path == "/" or path.endswith("/"):
        raise bad(f"Got an invalid experiment name '{m.name}'.")
    node = w.find_node(parent)
    if node is None:
        raise missing(f"Parent directory {parent} does not exist.")
    if node["object_type"] != "DIRECTORY":
        raise bad(f"{parent} is not a directory.")
    if w.find_node(path) is not None:
        raise ApiError("RESOURCE_ALREADY_EXISTS", f"Node named '{path.rsplit('/', 1)[1]}' already exists")
    eid = str(w.big_id())
    e = s.Experiment(
        experiment_id=eid,
        name=path,
        lifecycle_stage="active",
        artifact_location=m.artifact_location or f"dbfs:/databricks/mlflow-tracking/{eid}",
        creation_time=now_ms(),
        last_update_time=now_ms(),
    )
    tags = {t.key: t.value for t in m.tags}
    tags.update(
        {
            "mlflow.ownerId": r.user.id,
            "mlflow.ownerEmail": r.user.user_name,
            "mlflow.experiment.sourceName": path,
            "mlflow.experimentType": "MLFLOW_EXPERIMENT",
        }
    )
    for k, v in tags.items():
        e.tags.add(key=k, value=v)
    w.experiments[eid] = e
    w.nodes[path] = {"object_type": "MLFLOW_EXPERIMENT", "path": path, "object_id": int(eid), "resource_id": eid}
    return s.CreateExperiment.Response(experiment_id=eid)


@route("GET", P + "/experiments/get-by-name", s.GetExperimentByName)
def experiment_by_name(w: World, r: Req):
    e = exp_by_name(w, r.msg.experiment_name)
    if e is None:
        raise missing(f"Node {r.msg.experiment_name} does not exist.")
    return s.GetExperimentByName.Response(experiment=e)


@route("GET", P + "/experiments/get", s.GetExperiment)
def experiment_get(w: World, r: Req):
    return s.GetExperiment.Response(experiment=get_exp(w, r.msg.experiment_id))


def _search_experiments(w: World, r: Req):
    from mlflow.entities import Experiment
    from mlflow.utils.search_utils import SearchExperimentsUtils as U

    m = r.msg
    stage = {1: "active", 2: "deleted", 3: None}.get(m.view_type or 1)
    items = [Experiment.from_proto(e) for e in w.experiments.values() if stage in (None, e.lifecycle_stage)]
    items = U.sort(U.filter(items, m.filter), list(m.order_by) or ["creation_time DESC", "experiment_id ASC"])
    out, tok = page(items, m.page_token, m.max_results, w.config["max_page"])
    return s.SearchExperiments.Response(
        experiments=[w.experiments[e.experiment_id] for e in out], next_page_token=tok or ""
    )


route("POST", P + "/experiments/search", s.SearchExperiments)(_search_experiments)


route("GET", P + "/experiments/search", s.SearchExperiments)(_search_experiments)


@route("POST", P + "/experiments/delete", s.DeleteExperiment)
def experiment_delete(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id)
    e.lifecycle_stage, e.last_update_time = "deleted", now_ms()
    w.nodes.pop(e.name, None)
    return s.DeleteExperiment.Response()


@route("POST", P + "/experiments/restore", s.RestoreExperiment)
def experiment_restore(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id)
    e.lifecycle_stage, e.last_update_time = "active", now_ms()
    w.nodes[e.name] = {
        "object_type": "MLFLOW_EXPERIMENT",
        "path": e.name,
        "object_id": int(e.experiment_id),
        "resource_id": e.experiment_id,
    }
    return s.RestoreExperiment.Response()


@route("POST", P + "/experiments/update", s.UpdateExperiment)
def experiment_update(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    if r.msg.new_name:
        new = ws_path(r.msg.new_name)
        if w.find_node(new):
            raise ApiError("RESOURCE_ALREADY_EXISTS", f"Node named '{new}' already exists")
        w.nodes[new] = w.nodes.pop(e.name)
        w.nodes[new]["path"] = new
        e.name, e.last_update_time = new, now_ms()
    return s.UpdateExperiment.Response()


def set_pair(container, key: str, value: str) -> None:
    for t in container:
        if t.key == key:
            t.value = value
            return
    container.add(key=key, value=value)


@route("POST", P + "/experiments/set-experiment-tag", s.SetExperimentTag)
def set_experiment_tag(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    set_pair(e.tags, r.msg.key, r.msg.value)
    e.last_update_time = now_ms()
    return s.SetExperimentTag.Response()


@route("POST", P + "/experiments/delete-experiment-tag", s.DeleteExperimentTag)
def delete_experiment_tag(w: World, r: Req):
    e = get_exp(w, r.msg.experiment_id, active=True)
    for i, t in enumerate(e.tags):
        if t.key == r.msg.key:
            del e.tags[i]
            return s.DeleteExperimentTag.Response()
    raise missing(f"No tag with key '{r.msg.key}' for experiment {r.msg.experiment_id}")
