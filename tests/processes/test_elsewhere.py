"""What the console logs and serves is MLflow's and OpenAI's: both answer without anything of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import mlflow
import openai
import pytest

from services.processes.gateway.child import free_port
from tests.processes.stand import HELLO, Shelf, Version, answers, log, wait_until
from tests.services.agents import framework_files as files
from tests.services.agents.test_frameworks import DSPY_ANSWER
from tests.stub_model import StubModel

CHAT = """
import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse

class Chat(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        return ChatAgentResponse(messages=[ChatAgentMessage(role="assistant", content="chat", id="1")])

mlflow.models.set_model(Chat())
"""
TYPED = """
import mlflow
from mlflow.pyfunc import PythonModel

class Typed(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [f"typed {one}" for one in model_input]

mlflow.models.set_model(Typed())
"""


def built_in(shelf: Shelf, folder: Path) -> str:
    return shelf.models["support"]


def logged(source: str, **config: object) -> Callable[[Shelf, Path], str]:
    def make(shelf: Shelf, folder: Path) -> str:
        file = folder / "agent.py"
        file.write_text(source)
        return log(shelf.settings, file, config)

    return make


@pytest.fixture
def serve(shelf: Shelf, tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Start `mlflow models serve` for each model, in an empty folder that knows nothing of ours; returns the addresses."""
    kept = {name: value for name, value in shelf.environ.items() if not name.startswith(("SIGNALBOX_", "PYTHONPATH"))}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    started: list[subprocess.Popen[bytes]] = []

    def start(model_id: str) -> str:
        port = str(free_port())
        # Their own telemetry would ask the internet.
        kept.update(OPENAI_AGENTS_DISABLE_TRACING="1", LITELLM_LOCAL_MODEL_COST_MAP="True")
        command = ["mlflow", "models", "serve", "--model-uri", f"models:/{model_id}", "--env-manager", "local"]
        started.append(subprocess.Popen([*command, "--port", port], cwd=tmp_path, env=kept, start_new_session=True))
        return f"http://127.0.0.1:{port}"

    def serving(*model_ids: str) -> list[str]:
        urls = [start(one) for one in model_ids]
        for url in urls:
            wait_until(lambda url=url: answers(f"{url}/health"), 240)  # type: ignore[misc]
        return urls

    yield serving
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("make", "asked", "said"),
    [
        (built_in, HELLO, "You are Acme. | Hello"),
        (logged(CHAT), {"messages": [{"role": "user", "content": "Hello"}]}, "chat"),
        (logged(TYPED), {"inputs": ["Hello"]}, "typed Hello"),
    ],
    ids=["ResponsesAgent", "ChatAgent", "PyFunc"],
)
def test_each_kind_answers_under_plain_mlflow(
    serve: Callable[..., list[str]],
    shelf: Shelf,
    stub: StubModel,
    tmp_path: Path,
    make: Callable[[Shelf, Path], str],
    asked: dict[str, Any],
    said: str,
) -> None:
    (url,) = serve(make(shelf, tmp_path))
    answered = httpx2.post(f"{url}/invocations", json=asked, timeout=30)
    assert answered.status_code == 200, answered.text
    assert said in answered.text


def test_agents_of_every_framework_answer_under_plain_mlflow(
    serve: Callable[..., list[str]], shelf: Shelf, stub: StubModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stub, "answer", lambda system, question: DSPY_ANSWER if "[[ ##" in system else "Gladly.")
    brought = (files.LANGGRAPH, files.OPENAI_AGENTS, files.DSPY)
    models = [logged(source, llm_model="stub")(shelf, tmp_path) for source in brought]
    mlflow.langchain.autolog(disable=True)
    for url in serve(*models):
        answered = httpx2.post(f"{url}/invocations", json=HELLO, timeout=60)
        assert answered.status_code == 200, answered.text
        assert "Gladly." in answered.text


def test_openais_client_reads_our_answers(version: Version, stub: StubModel) -> None:
    client = openai.OpenAI(base_url=version.url, api_key="none")
    answer = client.responses.create(model="any", input="Hello")
    assert answer.output_text == "You are Acme. | Hello"


def test_openais_client_reads_our_streams(version: Version, stub: StubModel) -> None:
    client = openai.OpenAI(base_url=version.url, api_key="none")
    events = list(client.responses.create(model="any", input="Hello", stream=True))
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    (done,) = [event for event in events if event.type == "response.output_item.done"]
    assert len({event.item_id for event in deltas} | {done.item.id}) == 1
    assert "".join(event.delta for event in deltas) == done.item.content[0].text == "You are Acme. | Hello"
