""" "execute" serving mode: the registered model really runs, with only the environment its deployment declares."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from .errors import ApiError
from .routing import Principal
from .state import World


class AgentProcess:
    def __init__(self, w: World, endpoint: str, se: dict):
        from .invoking import mlmodel, resolve_env
        from .uc_models import files_root

        self.error: str | None = None
        self._state = "starting"
        self._lock = threading.Lock()
        self.dir = tempfile.mkdtemp(prefix="emulated-serving-")
        root = files_root(se["entity_name"], se["entity_version"]) + "/"
        for path, blob in w.blobs.items():
            if path.startswith(root):
                dst = os.path.join(self.dir, "model", path[len(root) :])
                os.makedirs(os.path.dirname(dst), exist_ok=True)
                with open(dst, "wb") as f:
                    f.write(blob.data)
        env = {k: os.environ[k] for k in ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE") if k in os.environ}
        env.update(
            {
                "HOME": self.dir,
                "PYTHONUNBUFFERED": "1",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_TRACKING_URI": "databricks",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )
        env.update(resolve_env(w, se))
        declared = ((mlmodel(w, se) or {}).get("resources") or {}).get("databricks") or {}
        names = [x["name"] for x in declared.get("serving_endpoint", [])]
        if declared and "DATABRICKS_TOKEN" not in env and "DATABRICKS_CLIENT_ID" not in env:
            # automatic authentication passthrough: a short-lived identity limited to the declared resources
            tok = "dapi-passthrough-" + secrets.token_hex(8)
            p = Principal(
                user_name=f"agent-{endpoint}",
                id=str(w.big_id()),
                token=tok,
                kind="passthrough",
                groups=["users"],
                expires_at=time.time() + 3600,
            )
            p.allowed_endpoints = set(names)
            w.tokens[tok] = p
            env.update({"DATABRICKS_HOST": w.base_url, "DATABRICKS_TOKEN": tok})
        py = w.config["execute_python"] or sys.executable
        rfd, wfd = os.pipe()
        self.log = open(os.path.join(self.dir, "server.log"), "w+")  # noqa: SIM115 - the child writes it
        self.p = subprocess.Popen(
            # Without -P the agent would import this folder's modules instead of packages of the same names.
            [
                py,
                "-P",
                os.path.join(os.path.dirname(__file__), "agent_worker.py"),
                os.path.join(self.dir, "model"),
                str(wfd),
            ],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=self.dir,
            pass_fds=(wfd,),
            text=True,
        )
        os.close(wfd)
        self.out = os.fdopen(rfd, "r")
        threading.Thread(target=self._boot, daemon=True).start()

    def _boot(self) -> None:
        line = self.out.readline()
        ev = json.loads(line) if line else {"event": "failed", "error": "the container exited while loading the model"}
        if ev["event"] == "ready":
            self._state = "ready"
        else:
            self.error, self._state = ev.get("error"), "failed"

    def status(self) -> str:
        return self._state

    def log_text(self) -> str:
        try:
            with open(os.path.join(self.dir, "server.log")) as f:
                return f.read()[-20000:]
        except OSError:
            return ""

    def _send(self, body: dict, stream: bool) -> None:
        self.p.stdin.write(
            json.dumps(
                {"body": {k: v for k, v in body.items() if k not in ("stream", "databricks_options")}, "stream": stream}
            )
            + "\n"
        )
        self.p.stdin.flush()

    def _read(self) -> dict:
        line = self.out.readline()
        if not line:
            raise ApiError("INTERNAL_ERROR", "The model server process died.", 500)
        return json.loads(line)

    def call(self, body: dict) -> dict:
        with self._lock:
            self._send(body, False)
            ev = self._read()
        if ev["event"] == "error":
            raise ApiError(
                "BAD_REQUEST", f"Encountered an unexpected error while evaluating the model. Error '{ev['error']}'", 400
            )
        return ev["data"]

    def stream(self, body: dict):
        with self._lock:
            self._send(body, True)
            while True:
                ev = self._read()
                if ev["event"] == "end":
                    return
                if ev["event"] == "error":  # errors travel in the last chunk, as the platform documents it
                    yield {"databricks_output": {"error": {"error_code": "BAD_REQUEST", "message": ev["error"]}}}
                    return
                yield ev["data"]

    def close(self) -> None:
        try:
            self.p.stdin.close()
            self.p.wait(timeout=8)
        except (OSError, subprocess.TimeoutExpired):
            self.p.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
