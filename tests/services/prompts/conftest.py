"""What agents, evaluations and releases leave behind about a prompt, without running them."""

import json
from dataclasses import asdict
from typing import Any

from services.database import now
from services.releases import Kind, Pair, State, records
from services.workspace import Workspace
from tests import standing


def agent(workspace: Workspace, linked: int | None = None, pinned: int | None = None, name: str = "greeting") -> str:
    """A READY agent version, logged with the prompt version `linked`."""
    made = standing.logged(workspace, name, pinned)
    if linked:
        link = json.dumps([{"name": name, "version": str(linked)}])
        workspace.client.set_logged_model_tags(made, {"mlflow.linkedPrompts": link})
    return made


def evaluation(workspace: Workspace, requested: int, found: int | None = None, name: str = "greeting") -> str:
    asked = {
        "model_id": "m-1", "prompt_name": name, "requested_version": requested, "dataset_id": "d", "dataset_name": "Q",
        "dataset_sha256": "0", "scorers": {}, "practice": True, "actor": "ada", "job_id": 1,
    }  # fmt: skip
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(asked)}
    if found:
        tags["signalbox.summary"] = json.dumps({"prompt_version": found, "rows": 1})
    run = workspace.client.create_run(workspace.app.experiment_id, tags=tags)
    workspace.client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def release(workspace: Workspace, before: int | None, after: int, state: State = State.LIVE, **changes: Any) -> int:
    old = Pair("m-1", 1, before) if before else Pair(None, None, None)
    moves = {"prompt": "greeting", "before": asdict(old), "after": asdict(Pair("m-1", 1, after))}
    id = records.add(workspace, Kind.AGENT, moves | changes, "")
    records.set_state(workspace, id, state)
    if state is State.LIVE:
        records.set_step(workspace, id, "shift", state="done", ended_at=now())
    return id
