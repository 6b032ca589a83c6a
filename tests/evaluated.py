"""Evaluations as their job leaves them, made in this process."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from services import datasets
from services.workspace import Workspace


def evaluated(workspace: Workspace, model_id: str, version: int, passed: list[bool]) -> str:
    """A finished evaluation of the three rows that the app's releases are judged on, by the scorer `short`."""
    snapshot = datasets.snapshot(workspace, workspace.app.dataset_id)
    asked = {
        "model_id": model_id, "prompt_name": "greeting", "requested_version": version,
        "dataset_id": workspace.app.dataset_id, "dataset_name": "Questions", "dataset_sha256": snapshot.sha256,
        "scorers": {"short": 1}, "practice": True, "actor": "ada", "job_id": 1,
    }  # fmt: skip
    run = summarised(workspace, asked, {"rows": 3, "failed": 0, "scores": {"short": [sum(passed) / len(passed), 3, 3]}})
    lines = [
        {
            "row_id": row.id, "repeat": 1, "question": row.question, "expected": "", "critical": row.critical,
            "answer": f"Answer {version} to {row.question}", "state": "OK", "error": "", "trace_id": "t",
            "prompt_version": version, "prompt_seen": True, "seconds": 0.5, "input_tokens": 7, "output_tokens": 3,
            "cost": 0.25, "short": good, "short.rationale": "", "short.reason": None,
        }
        for row, good in zip(snapshot.rows, passed, strict=True)
    ]  # fmt: skip
    folder = Path(workspace.settings.home) / "rows"
    folder.mkdir(exist_ok=True)
    pd.DataFrame(lines).to_parquet(folder / "rows.parquet")
    workspace.client.log_artifact(run, str(folder / "rows.parquet"), "evaluation")
    return run


def summarised(workspace: Workspace, asked: dict[str, Any], found: dict[str, Any]) -> str:
    """The run of a finished evaluation that saw the prompt it asked for, without its rows."""
    summary = {"prompt_version": asked["requested_version"], "prompt_seen": True, **found}
    tags = {
        "signalbox.kind": "evaluation",
        "signalbox.asked": json.dumps(asked),
        "signalbox.summary": json.dumps(summary),
    }
    run = str(workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id)
    workspace.client.set_terminated(run)
    return run
