"""An app really runs: its files from the workspace's folder, started as its app.yaml says, with only what that declares."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import yaml

from .state import World


class AppProcess:
    """Packages are not installed: what is installed here takes their place."""

    def __init__(self, w: World, app: dict, source: str):
        self.dir = tempfile.mkdtemp(prefix="emulated-app-")
        for path, node in w.nodes.items():
            if path.startswith(source + "/") and node["object_type"] == "FILE":
                with open(os.path.join(self.dir, path[len(source) + 1 :]), "wb") as f:
                    f.write(base64.b64decode(node["content"]))
        with open(os.path.join(self.dir, "app.yaml")) as f:
            told = yaml.safe_load(f)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(os.path.join(self.dir, "app.log"), "w+")  # noqa: SIM115 - the child writes it
        command = [sys.executable if one == "python" else one for one in told["command"]]
        self.p = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, env=self._environment(w, app, told), cwd=self.dir
        )

    def _environment(self, w: World, app: dict, told: dict) -> dict[str, str]:
        kept = {k: os.environ[k] for k in ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE") if k in os.environ}
        secrets = {one["name"]: one["secret"] for one in app["resources"] if "secret" in one}
        declared = {}
        for one in told.get("env") or []:
            ref = secrets[one["valueFrom"]] if "valueFrom" in one else None
            declared[one["name"]] = w.secret_scopes[ref["scope"]][ref["key"]] if ref else str(one["value"])
        return {
            **kept,
            "HOME": self.dir,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DATABRICKS_HOST": w.base_url,
            "DATABRICKS_APP_NAME": app["name"],
            "DATABRICKS_APP_PORT": str(self.port),
            "DATABRICKS_CLIENT_ID": app["service_principal_client_id"],
            "DATABRICKS_CLIENT_SECRET": "of-the-app",
            **declared,
        }

    def up(self) -> bool:
        with socket.socket() as s:
            s.settimeout(0.2)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def ended(self) -> str | None:
        """The last line that it printed, once it has ended."""
        if self.p.poll() is None:
            return None
        with open(os.path.join(self.dir, "app.log")) as f:
            return (f.read().strip().splitlines() or ["the app ended"])[-1]

    def close(self) -> None:
        self.p.terminate()
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
