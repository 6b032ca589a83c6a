"""What the managed evaluation services share."""

from __future__ import annotations

import time

from .errors import ApiError, now_ms
from .state import World

P = "/api/2.0/managed-evals"


def iso(ms: int | None = None) -> str:
    at = ms or now_ms()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + f".{at % 1000:03d}Z"


def no_such(msg: str) -> ApiError:
    return ApiError("NOT_FOUND", msg, 404)


def monitoring_on(w: World) -> None:
    if not w.config["previews"]["production_monitoring"]:
        raise ApiError(
            "PERMISSION_DENIED",
            "Production monitoring is not enabled for this workspace. A workspace admin can "
            "enable it from the Previews page.",
        )


def experiment_is_served(w: World, eid: str) -> bool:
    from .experiments import exp_by_name

    for ep in w.endpoints.values():
        if not ep.get("id"):
            continue
        if any(t["key"] == "MONITOR_EXPERIMENT_ID" and t.get("value") == eid for t in ep.get("tags", [])):
            return True
        for cfg in (ep.get("config"), ep.get("pending_config")):
            for se in (cfg or {}).get("served_entities", []):
                env = se.get("environment_vars") or {}
                if env.get("MLFLOW_EXPERIMENT_ID") == eid:
                    return True
                e = exp_by_name(w, env.get("MLFLOW_EXPERIMENT_NAME", "")) if env.get("MLFLOW_EXPERIMENT_NAME") else None
                if e is not None and e.experiment_id == eid:
                    return True
    return False
