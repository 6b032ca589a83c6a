"""What an app is made of: MLflow's server around one agent version, its packages, and its environment."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from databricks.sdk.errors import NotFound, ResourceDoesNotExist
from databricks.sdk.service.apps import AppResource, AppResourceSecret, AppResourceSecretSecretPermission
from databricks.sdk.service.workspace import ImportFormat

from services.platforms.databricks.client import Client

PROGRAM = Path(__file__).parent / "main.py"
# What MLflow's server and the catalog's files need beside the packages that an agent was logged with.
NEEDED = ("mlflow[databricks]", "httpx")
DESCRIBED = "app.yaml"
VERSION = re.compile(r"/version_(\d+)$")
REFERENCE = re.compile(r"\{\{\s*secrets/(?P<scope>[^/\s{}]+)/(?P<key>[^/\s{}]+)\s*\}\}")


@dataclass(frozen=True)
class Source:
    """The files of one agent version by their names, and the secrets that the platform fills in."""

    files: Mapping[str, str]
    resources: tuple[AppResource, ...]


def of(model: str, config: Mapping[str, Any], packages: Sequence[str], environment: Mapping[str, str]) -> Source:
    """`model` is the address of a registered version; a value such as {{secrets/scope/key}} becomes a reference."""
    secrets = {
        one: f"secret-{n}" for n, one in enumerate(sorted(filter(REFERENCE.fullmatch, set(environment.values()))))
    }
    described = {"command": ["python", "main.py"], "env": [_line(*one, secrets) for one in environment.items()]}
    files = {
        "main.py": PROGRAM.read_text("utf-8"),
        "agent.json": json.dumps({"model": model, "config": dict(config)}, ensure_ascii=False, indent=2),
        "requirements.txt": "\n".join([*packages, *NEEDED]) + "\n",
        DESCRIBED: yaml.safe_dump(described, allow_unicode=True, sort_keys=False),
    }
    return Source(files, tuple(_resource(name, value) for value, name in secrets.items()))


def write(client: Client, endpoint: str, version: int, source: Source) -> str:
    """Write the files and return their folder, in the home of whoever signs in: elsewhere others could change them."""
    folder = f"{_home(client, endpoint)}/version_{version}"
    client.sdk.workspace.mkdirs(folder)
    for name, text in source.files.items():
        content = base64.b64encode(text.encode()).decode()
        client.sdk.workspace.import_(f"{folder}/{name}", content=content, format=ImportFormat.RAW, overwrite=True)
    return f"/Workspace{folder}"


def folder(client: Client, endpoint: str, version: int) -> str:
    """Where the files of that version are."""
    return f"/Workspace{_home(client, endpoint)}/version_{version}"


def remove(client: Client, endpoint: str) -> None:
    """Take the files of every version away."""
    with suppress(NotFound, ResourceDoesNotExist):
        client.sdk.workspace.delete(_home(client, endpoint), recursive=True)


def version_of(path: str | None) -> int | None:
    """The agent version that lies in such a folder; None for a folder that is none of the console's."""
    found = VERSION.search(path or "")
    return int(found[1]) if found else None


def environment(described: str, resources: Sequence[AppResource]) -> dict[str, str]:
    """What such an `app.yaml` tells the program, with the secrets that the platform fills in as references again."""
    kept = {
        one.name: f"{{{{secrets/{one.secret.scope}/{one.secret.key}}}}}" for one in resources if one.secret is not None
    }
    lines = yaml.safe_load(described)["env"]
    return {one["name"]: one["value"] if "value" in one else kept.get(one["valueFrom"], "") for one in lines}


def _home(client: Client, endpoint: str) -> str:
    return f"/Users/{client.sdk.current_user.me().user_name}/signalbox/apps/{endpoint}"


def _line(name: str, value: str, secrets: Mapping[str, str]) -> dict[str, str]:
    return {"name": name, "valueFrom": secrets[value]} if value in secrets else {"name": name, "value": value}


def _resource(name: str, reference: str) -> AppResource:
    found = REFERENCE.fullmatch(reference)
    assert found is not None  # only references became names
    permission = AppResourceSecretSecretPermission.READ
    return AppResource(name, secret=AppResourceSecret(found["scope"], found["key"], permission))
