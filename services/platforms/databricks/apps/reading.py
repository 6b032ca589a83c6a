"""What the apps that run are told by their environment: by the file that each was deployed with."""

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from databricks.sdk.service.apps import App

from services.platforms.databricks.apps import BESIDE, OF_SERVING, SET_HERE, changing, source
from services.platforms.databricks.rest import Rest

WEIGHTS = {"": 100, BESIDE: 0}


def environments(there: Rest, endpoint: str) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Version, share of the traffic and environment of the app that answers and of the one beside it, unless it rests."""
    for ending, weight in WEIGHTS.items():
        app = App.from_dict(there.find(f"2.0/apps/{quote(endpoint + ending, safe='')}") or {})
        deployed = app.active_deployment or app.pending_deployment
        version = source.version_of(deployed.source_code_path) if deployed else None
        at_rest = app.compute_status is not None and app.compute_status.state in changing.RESTING
        if deployed is None or version is None or at_rest:
            continue
        path = str(deployed.source_code_path).removeprefix("/Workspace")
        file = there.find("2.0/workspace/export", path=f"{path}/{source.DESCRIBED}", format="AUTO")
        if file is not None:
            described = base64.b64decode(file["content"]).decode()
            yield version, weight, source.environment(described, tuple(app.resources or ()))


def expected(of_serving: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """What a deployment of today would set: of what endpoints are told, and what is the version's own."""
    own = {name: value for name, value in given.items() if name in SET_HERE}
    return {name: value for name, value in of_serving.items() if name not in OF_SERVING} | own
