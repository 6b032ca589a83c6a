"""What the tests of the serving processes share: a data folder with logged agents, and patience."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2
import mlflow

from services.processes.gateway.child import free_port
from services.settings import Settings
from services.workspace import connect
from tests.stub_model import StubModel

HELLO: dict[str, Any] = {"input": [{"role": "user", "content": "Hello"}]}
CONFIG = {
    "prompt_name": "support",
    "prompt_alias": "production",
    "prompt_version": "",
    "llm_model": "m",
    "company_name": "Acme",
    "constants": {},
    "prompt_cache_seconds": 0,
}
PLAIN = """
import mlflow
from mlflow.pyfunc import PythonModel

class Plain(PythonModel):
    def predict(self, context, model_input):
        return ["plain"]

mlflow.models.set_model(Plain())
"""
SILENT = """
import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse

class Silent(ResponsesAgent):
    def predict(self, request):
        if str(request.input[0].content) == "break":
            raise RuntimeError("no luck")
        return ResponsesAgentResponse(output=[self.create_text_output_item(text="quiet", id="msg_1")])

mlflow.models.set_model(Silent())
"""
BROKEN = "raise RuntimeError('this file is broken')\n"


@dataclass(frozen=True)
class Shelf:
    """The data folder and its logged agents by name."""

    settings: Settings
    experiment_id: str
    models: dict[str, str]
    stub: StubModel

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {
            **kept,
            "PYTHONPATH": os.getcwd(),
            "MLFLOW_TRACKING_URI": self.settings.tracking_uri,
            "MLFLOW_EXPERIMENT_ID": self.experiment_id,
            "OPENAI_BASE_URL": self.stub.url,
            "OPENAI_API_KEY": "stub",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "SIGNALBOX_HOME": str(self.settings.home),
            "SIGNALBOX_GATEWAY_PORT": str(self.settings.gateway_port),
        }


def log(settings: Settings, file: Path, config: dict[str, object]) -> str:
    connect(settings)  # whatever this process was last connected to
    logged = mlflow.pyfunc.log_model(
        name="agent", python_model=str(file), model_config=config or None, pip_requirements=["mlflow"]
    )
    return str(logged.model_id)


Begin = Callable[..., Popen[bytes]]


def wait_until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


class Version:
    """A process and its address."""

    def __init__(self, begin: Begin, shelf: Shelf, model: str, *more: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = begin(
            "services.processes.version",
            "--model-uri",
            f"models:/{shelf.models[model]}",
            "--port",
            str(port),
            "--app",
            "support",
            *more,
            environ=shelf.environ,
        )
        wait_until(lambda: answers(f"{self.url}/health"), 60)

    def ask(self, body: dict[str, Any] = HELLO) -> httpx2.Response:
        return httpx2.post(f"{self.url}/invocations", json=body, timeout=30)

    def stream(self, body: dict[str, Any] = HELLO) -> list[Any]:
        answered = httpx2.post(f"{self.url}/responses", json={**body, "stream": True}, timeout=30)
        lines = [line.removeprefix("data: ") for line in answered.text.splitlines() if line]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]
