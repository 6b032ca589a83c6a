"""The process behind a submitted wheel: the uploaded file, the declared packages, a host and a token, nothing else."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

from .state import World, ws_path


class SubmittedWork:
    def __init__(self, w: World, user: str, task: dict, spec: dict):
        self.dir = tempfile.mkdtemp(prefix="emulated-run-")
        lines = spec.get("dependencies", [])
        told = {"task": task, "packages": [line for line in lines if not line.startswith("/")], "wheels": []}
        for path in (line for line in lines if line.startswith("/")):
            node = w.nodes.get(ws_path(path)) if path.startswith("/Workspace/") else None
            file = os.path.join(self.dir, os.path.basename(path))
            told["wheels"].append(file)
            if node is not None:
                with open(file, "wb") as f:
                    f.write(base64.b64decode(node["content"]))
        owner = next(one for one in w.tokens.values() if one.user_name == user)
        token = "dapi-run-" + secrets.token_hex(8)
        w.tokens[token] = replace(owner, token=token, expires_at=time.time() + 3600)
        env = {k: os.environ[k] for k in ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE") if k in os.environ}
        env |= {
            "HOME": self.dir,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATABRICKS_HOST": w.base_url,
            "DATABRICKS_TOKEN": token,
        }
        with open(os.path.join(self.dir, "told.json"), "w") as f:
            json.dump(told, f)
        self.log = open(os.path.join(self.dir, "output.log"), "w+")  # noqa: SIM115 - the child writes it
        self.p = subprocess.Popen(
            [sys.executable, "-P", os.path.join(os.path.dirname(__file__), "wheel_worker.py"), self.dir],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=self.dir,
        )

    def ended(self) -> int | None:
        return self.p.poll()

    def log_text(self) -> str:
        try:
            with open(os.path.join(self.dir, "output.log")) as f:
                return f.read()[-20000:]
        except OSError:
            return ""

    def error(self) -> str:
        """The last thing that was printed, which is what a traceback ends with."""
        return next((line for line in reversed(self.log_text().splitlines()) if line.strip()), "")

    def close(self) -> None:
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
